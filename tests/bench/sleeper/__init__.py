"""A Dagster project like the one that is measured, whose assets only sleep: the floor of a backfill."""
