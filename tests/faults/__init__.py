"""Everything that can go wrong at Stripe or on the way, as faults for `Simulator.faults`.

network          another answer, no answer, or not the body that Stripe sent
inconsistencies  what changes between two requests: files, lists, availability, the date
runs             a report run that fails, takes its time, or vanishes
files            files that are wrong, or odd and yet right
file_editing     a file taken apart and put together again: the base of `files`
"""
