"""The component of the reports, under the name that deployments of tests write."""

from assets import StripeReportsComponent as Reports

__all__ = ["Reports"]
