"""A Dagster project as a user would have it: `defs/` with a `defs.yaml` that each deployment writes."""
