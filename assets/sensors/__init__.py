"""Sensors: late report runs, data that became available, payouts that became known."""
