"""A report's CSV as typed Arrow batches, and as one verified Parquet file."""
