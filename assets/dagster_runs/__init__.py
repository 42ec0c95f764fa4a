"""Dagster's runs of reports: those there were, those under way, and requests for more."""
