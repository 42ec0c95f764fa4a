"""Commands of several people over months, in any order, under faults; and the laws that hold after each.

world     Stripe, the deployments' files, the clocks, and the truth at any moment
commands  one command, which dies or has company half way, and what became of it
laws      what must hold after it
machine   the rules that Hypothesis draws from
planted   mistakes of each kind, to see that they are found
"""
