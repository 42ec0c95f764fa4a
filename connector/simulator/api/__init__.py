"""Stripe's endpoints: keys, limits, pages, idempotency, parameters, file contents."""
