"""What has to hold for every partition, evaluated on the published file."""

from connector.checks.finding import Check, Finding, Severity, Verdict

__all__ = ["Check", "Finding", "Severity", "Verdict"]
