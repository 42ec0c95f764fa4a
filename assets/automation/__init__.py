"""What runs without anybody launching it: sensors and schedules together, alerts, and how downstream assets
follow."""
