"""What stands between this machine and a reconciled month, told before it hurts.

    examination    all of it, in the order in which one thing needs another
    key            the key, the account, where they are sent;  stripe  what Stripe says to them
    reports        which reports are meant, and whether Stripe has them
    files          whether the root takes a file whole;  dagster_home  what Dagster is configured to do
    diagnosis      what each of them says

    probe          what we assume of Stripe, tried on a real account with at most two report runs
    assumptions    each with what would show it;  seen  what was seen;  csv_bytes  how a file is written

Nothing here mends anything. Nothing here imports Dagster: its configuration is read as the file it is.
"""
