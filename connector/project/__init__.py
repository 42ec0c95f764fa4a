"""A project's `defs.yaml`, without Dagster."""
