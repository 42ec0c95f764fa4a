"""Report runs: adopted or created, and waited for many at a time.

All of it speaks version 1 of the Reporting API, through `StripeClient` alone. Stripe's next one
(`/v2/data/report_runs`, a preview in November 2026) creates and retrieves runs and has no list of them. There
a run would be found again by its idempotency key and by the run id in a file's provenance, instead of by
`report_run_list`; `row_count`, `columns` and `refreshed_at` of its answers would become checks of the file.

Source: https://docs.stripe.com/api/v2/data/report-runs
"""
