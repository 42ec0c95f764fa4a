"""What Dagster has run, is running and is asked to run."""
