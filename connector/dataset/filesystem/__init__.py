"""Where files are: a directory or an object store, by its name, and how files are put there."""
