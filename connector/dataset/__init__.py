"""The dataset: what a table is, where its files are, and how they are published and read back.

    filesystem                     the root: a directory or an object store
    identity, pins                 what a table is, and the file that says so
    provenance, seal               what a file says of itself, and that its bytes are those it was sealed with
    places                         what stands in the places of partitions
    admission                      whether a table takes a file, and whether a file counts
    finder                         which tables and files there are, to be read
    store                          the same, to be written to
    shape, schema_evolution        how a file compares with what is asked today; one schema for many files
    widening                       the same rows with money in its wide type
    coverage, change               which windows are missing; what a new file changed of the one before

A file is read by what it says of itself: nothing here asks Stripe, or knows the catalogue.
"""
