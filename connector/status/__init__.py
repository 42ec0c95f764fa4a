"""How each partition of each table stands, as a calendar.

calendar     what is known of a table as plain values, and the state of each partition
drawing      a calendar as lines of text, and as Markdown
gathering    the same out of files, the configuration and, where there is a key, Stripe
"""
