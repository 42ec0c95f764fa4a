"""A made-up business: its ledger, payouts, customers and currencies."""
