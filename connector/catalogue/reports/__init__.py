"""The report types, one family to a module."""
