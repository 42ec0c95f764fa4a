"""What happens by itself: sensors and schedules together, alerts, and how downstream assets follow."""
