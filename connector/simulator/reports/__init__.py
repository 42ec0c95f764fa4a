"""Rows of each report, out of the books, and the CSV they become."""
