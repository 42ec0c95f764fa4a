"""The report types that are offered, with their columns and parameters."""
