"""`make demo`: a month of reports from the simulator, through Dagster."""
