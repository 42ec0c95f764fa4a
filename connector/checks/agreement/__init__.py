"""Whether a table agrees with another one on the same money.

    pairs            which tables are on the same money, and what of them is compared
    turns            by which signs one is read beside the other
    totals           what a file adds up to
    comparison       whether two files have the same totals, and how they differ
    reconciliation   the check of a partition: which files are compared, account by account where need be

Each of the two tables has a check that names the other.
"""
