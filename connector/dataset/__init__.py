"""The dataset: what a table is, where its files are, and how they are published and read back."""
