"""Stripe's Reporting API: one client, the key it sends, and how each request is sent and retried."""
