"""A Dagster project whose runs are taken by Celery's workers; each deployment writes its `defs/`."""
