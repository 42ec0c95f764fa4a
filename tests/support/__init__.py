"""Helpers that tests share.

clock       a clock that moves only when somebody waits
partitions  days to collect, and what became of them
workers     work done in the caller's thread
stripe      which requests a fault acts on
files       a host of one file
datasets    a dataset, and files to publish in it
leftovers   a search for a secret in files and databases
dagster     Dagster with a Stripe in memory
sensing     evaluations of a sensor, and the runs it requests
"""
