"""Commands of several people over months, in any order, under faults; and the laws that hold after each.

tables    the reports that are brought in: balances, fees, a snapshot, and balances of connected accounts
world     Stripe, the deployments' files, the clocks, and the truth at any moment
commands  one command, which dies or has company half way, and what became of it
laws      what must hold after it
choices   what Hypothesis chooses from
machine   the rules that it carries out
planted   mistakes of each kind, to see that they are found
"""
