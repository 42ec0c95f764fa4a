"""A Stripe on this machine: its Reporting and Files API over made-up accounts with real ledgers.

For the demo, for development without an account, and for tests, which add faults. It is written from Stripe's
documentation and shares nothing with the connector, so that each can find the other's mistakes.

    simulator, server   one object, from request to response; the same behind a port
    api                 keys, endpoints, parameters, pages, idempotency, rate limits
    report_runs         what becomes of a run and its file
    report_types        the types there are, with their columns
    reports             rows of each report, and the CSV
    books               an account's sales, balance and payouts, made up from a seed
    faults, named_faults    what goes wrong, on request
    protocol            requests, answers and errors, without a transport; the one for httpx

Source: https://docs.stripe.com/reports/api
"""

from connector.simulator.api.keys import SIMULATED_KEY
from connector.simulator.faults import ActiveFault, Fault, Faults, Match, RequestContext, Stage
from connector.simulator.simulator import LoggedRequest, Simulator

__all__ = [
    "SIMULATED_KEY",
    "ActiveFault",
    "Fault",
    "Faults",
    "LoggedRequest",
    "Match",
    "RequestContext",
    "Simulator",
    "Stage",
]
