"""A Stripe on this machine: its Reporting and Files API over a made-up account with a real ledger.

For the demo, for development without an account, and for tests, which plant faults of their own. It is
written from Stripe's documentation and knows nothing of the connector, so that it can find it wrong.

    business → ledger ← payouts      what the account does, day by day, from a seed
    selections, columns, reports     the ledger as reports: which entries, which cells, which rows
    fees, tax, overview              reports that see the same ledger in another way
    csv_dialect                      the bytes of Stripe's files
    report_types, column_sets        what a report type is, and which columns its versions have
    documented_types, observed_types the types there are, as data
    parameters, runs                 what can be asked for, and what becomes of it
    api, keys, forms, pagination, idempotency, limits, contents, refusals      Stripe's manners
    faults                           bad days, on order
    simulator, transport, server     one object; behind httpx; behind a port

Source: https://docs.stripe.com/reports/api
"""

from connector.simulator.api.keys import SIMULATED_KEY
from connector.simulator.faults import ActiveFault, Fault, Faults, Match, RequestContext, Stage
from connector.simulator.simulator import Seen, Simulator

__all__ = [
    "SIMULATED_KEY",
    "ActiveFault",
    "Fault",
    "Faults",
    "Match",
    "RequestContext",
    "Seen",
    "Simulator",
    "Stage",
]
