"""The views of a warehouse: one on each table, and those that are made of them."""
