"""`stripe-reports doctor`: what prevents a first reconciled month, and what to do about it.

    examination     all checks, each after those it depends on
    key             key, account and hosts
    permissions     Stripe's answers to the key: version, clock, permissions
    accounts        the accounts in the configuration, beside those connected and those with files
    reports         which reports are to be pulled, and whether Stripe has them
    files           whether the root can be written to, and what it holds
    dagster_home    Dagster's `dagster.yaml`
    diagnosis       one finding
    probe           what is assumed of Stripe, tested with up to two report runs

Nothing here repairs anything, and nothing imports Dagster: its configuration is read as a file.
"""
