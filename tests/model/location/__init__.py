"""A second model: one code location in Dagster, what people and the world do to it, and what must hold.

place       the location: a Dagster, its files, a Stripe, the sensors
backfills   what Dagster's daemon does about the backfills that people launch
laws        what holds at every tick and after every run, and what holds when everything is calm
machine     the rules
planted     mistakes of each kind, put where the decision is
"""
