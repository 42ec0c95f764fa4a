"""What a report is to Dagster: configuration, partitions, checks, metadata."""
