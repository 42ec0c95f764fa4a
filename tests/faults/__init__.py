"""Everything that can go wrong at Stripe or on the network, as faults for `Simulator.faults`.

network          another answer, no answer, or another body than Stripe's
inconsistencies  what changes between two requests: files, lists, availability, the date
runs             a report run that fails, takes long or vanishes; a file that is late, deleted or reused
files            files that are wrong, or odd but correct
file_editing     a file parsed, changed and written again: the base of `files`
"""
