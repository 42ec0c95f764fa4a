"""The published files as tables of DuckDB."""
