"""What is assumed of Stripe's responses: headers, report types, report runs, and the list of them."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from connector.api.models import API_VERSION, ReportRun, RunStatus
from connector.catalogue import REPORTS, Latency, Status, latency_of
from connector.catalogue.latency import FEES, TAX, USUAL
from connector.doctor.probe.assumptions import Assumption, Shown
from connector.doctor.probe.observations import NotSeenError, Observations
from connector.errors import APIError, InvalidRequestError, PermissionDeniedError

_REPORT_TYPES = "reading report types"
_FIRST = "the first report run"


def _headers(seen: Observations, name: str) -> tuple[int, int]:
    """How many responses have a header, and how many there are."""
    if not seen.exchanges:
        raise NotSeenError("there was no response")
    return sum(name in each.headers for each in seen.exchanges), len(seen.exchanges)


def _date(seen: Observations) -> Shown:
    have, of = _headers(seen, "date")
    if have < of or seen.at is None or seen.at_here is None:
        return False, f"{have} of {of} responses have one"
    skew = (seen.at_here - seen.at).total_seconds()
    return True, f"all {of} responses have one; this clock is {skew:+.0f} s off"


def _request_id(seen: Observations) -> Shown:
    have, of = _headers(seen, "request-id")
    return have == of, f"{have} of {of} responses have one"


def _version(seen: Observations) -> Shown:
    _headers(seen, "date")
    found = {each.headers.get("stripe-version", "none") for each in seen.exchanges if "/v1/rep" in each.url}
    return found == {API_VERSION}, f"requested {API_VERSION}, answered in {', '.join(sorted(found))}"


def _account(seen: Observations) -> Shown:
    if seen.account is None:
        return None, "there is no connected account (STRIPE_ACCOUNT is unset)"
    echoed = {each.headers.get("stripe-account") for each in seen.exchanges}
    return echoed == {seen.account}, f"{'all' if echoed == {seen.account} else 'not all'} responses name it"


def _permissions(seen: Observations) -> Shown:
    lacking = {f"{step}: {e}" for step, e in seen.refused.items() if isinstance(e, PermissionDeniedError)}
    if lacking:
        return False, "; ".join(sorted(lacking))
    if not seen.restricted:
        return None, "the key is a secret key, which has every permission"
    seen.need(seen.whole, "reading the file")
    return True, "it is sufficient"


# Report types


def _one_page(seen: Observations) -> Shown:
    types = seen.need(seen.types, _REPORT_TYPES)
    return (
        seen.type_pages == 1,
        f"{len(types)} types, {seen.type_pages} page{'' if seen.type_pages == 1 else 's'}",
    )


def _documented(seen: Observations) -> Shown:
    types = seen.need(seen.types, _REPORT_TYPES)
    live = seen.mode == "live"
    documented = {
        i for i, s in REPORTS.items() if s.status is Status.DOCUMENTED and (live or not s.live_only)
    }
    lacking = sorted(documented - types.keys())
    unknown = sorted(types.keys() - REPORTS.keys())
    text = f"{len(documented) - len(lacking)} of {len(documented)} exist in {seen.mode} mode"
    text += f"; missing: {', '.join(lacking)}" if lacking else ""
    return not lacking, text + (f"; not in the catalogue: {', '.join(unknown)}" if unknown else "")


def _live_only(seen: Observations) -> Shown:
    types = seen.need(seen.types, _REPORT_TYPES)
    ours = {each for each, spec in REPORTS.items() if spec.live_only}
    found = sorted(ours & types.keys())
    if seen.mode == "live":
        return None, f"{len(found)} of {len(ours)} exist; only a test key shows whether test mode lacks them"
    return not found, f"{len(found)} of {len(ours)} exist without a live key"


def _defaults(seen: Observations) -> Shown:
    types = seen.need(seen.types, _REPORT_TYPES)
    known = {
        each: REPORTS[each].stripe_defaults
        for each in types
        if each in REPORTS and REPORTS[each].stripe_defaults is not None
    }
    other = sorted(each for each, columns in known.items() if types[each].default_columns != columns)
    return not other, f"{len(known) - len(other)} of {len(known)} agree" + (
        f"; other: {', '.join(other)}" if other else ""
    )


def _prepared(seen: Observations) -> Shown:
    types, at = seen.need(seen.types, _REPORT_TYPES), seen.need(seen.at, _REPORT_TYPES)
    ends = defaultdict(set)
    for each in types.values():
        if each.id in REPORTS:
            ends[latency_of(each.id)].add(each.data_available_end)
    if not ends:
        raise NotSeenError("the account has no report type of the catalogue")
    in_time = all(at - min(own) <= _oldest(latency) for latency, own in ends.items())
    hours = {(end.hour, end.minute, end.second) for own in ends.values() for end in own}
    ages = [
        f"{latency.family} {_hours(at - max(own))} to {_hours(at - min(own))} ago"
        for latency, own in sorted(ends.items(), key=lambda each: each[0].family)
    ]
    times = ", ".join(sorted(f"{hour:02}:{minute:02}" for hour, minute, _ in hours))
    text = f"data ends at {times} UTC: {', '.join(ages)}"
    return hours <= {(0, 0, 0), (12, 0, 0)} and in_time, text


def _oldest(latency: Latency) -> timedelta:
    """How long ago data may end: they come in days, and each as late as its family has it."""
    return latency.prepared + timedelta(days=1)


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.0f} h"


# Report runs


def _end_allowed(seen: Observations) -> Shown:
    error = seen.refused.get("an interval up to the end of the data")
    if isinstance(error, InvalidRequestError) and "interval_" in (error.param or ""):
        return False, f"refused: {_shown(error)}"
    if error:
        raise NotSeenError(f"no report run could be created: {error}")
    seen.need(seen.first, _FIRST)
    return True, "accepted"


def _beyond_refused(seen: Observations) -> Shown:
    if seen.beyond:
        return False, "a report run was created"
    error = seen.refused.get("an interval beyond the data")
    if not isinstance(error, InvalidRequestError):
        raise NotSeenError(f"it was not tested, or failed for another reason: {error}")
    return error.status == 400 and "interval_" in (error.param or ""), _shown(error)


def _shown(error: Exception) -> str:
    if not isinstance(error, APIError):
        return str(error)
    return f"HTTP {error.status}, type {error.type}, code {error.code}, param {error.param}"


def _echo(seen: Observations) -> Shown:
    run = seen.need(seen.first, _FIRST)
    asked = seen.need(seen.asked, _FIRST)
    if run.request == asked:
        return True, "the same, in canonical form"
    ours, theirs = dict(asked.parameters), dict(run.request.parameters)
    return False, "other: " + ", ".join(sorted(n for n in ours | theirs if ours.get(n) != theirs.get(n)))


def _status(seen: Observations) -> Shown:
    run = seen.need(seen.first, _FIRST)
    status = str(run.raw.get("status"))
    return status in set(RunStatus), f"the response says {status!r}"


def _ended(seen: Observations) -> Shown:
    run = seen.need(seen.first_done, f"{_FIRST}'s end")
    if run.status is RunStatus.FAILED:
        return None, f"it failed: {run.error}"
    complete = run.result is not None and run.succeeded_at is not None
    return complete, f"after {seen.waited:.0f} s, {'with' if complete else 'without'} its file and time"


def _replay(seen: Observations) -> Shown:
    first, again = seen.need(seen.first, _FIRST), seen.need(seen.replay, "the same request once more")
    same = "the same run" if again.id == first.id else "another run"
    header = "marked as a replay" if seen.replayed else "not marked as a replay"
    return again.id == first.id and seen.replayed, f"{same}, {header}"


def _livemode(seen: Observations) -> Shown:
    run = seen.need(seen.first, _FIRST)
    if seen.mode == "simulated":
        return None, "the API is on this machine"
    return run.livemode is (seen.mode == "live"), f"livemode is {run.livemode} for a {seen.mode} key"


# The list


def _listed(seen: Observations) -> None:
    seen.need(seen.first, _FIRST)
    if error := seen.refused.get("listing report runs"):
        raise NotSeenError(f"listing report runs failed: {error}")


def _newest_first(seen: Observations) -> Shown:
    _listed(seen)
    lists = ([*seen.newest, *seen.after_newest], seen.since_first)
    ordered = all(a.created >= b.created for runs in lists for a, b in itertools.pairwise(runs))
    text = f"{'' if ordered else 'not '}in order; {len(seen.newest)} on a page of one"
    return ordered and len(seen.newest) == 1, text


def _exclusive(seen: Observations) -> Shown:
    if not seen.newest or not seen.after_newest:
        raise NotSeenError("there is no second page")
    return seen.newest[0].id not in _ids(seen.after_newest), f"{len(seen.after_newest)} follow"


def _bounds(seen: Observations) -> Shown:
    _listed(seen)
    run = seen.need(seen.first, _FIRST)
    since, until = run.id in _ids(seen.since_first), run.id in _ids(seen.until_first)
    earlier = any(each.created < run.created for each in seen.since_first)
    return since and until and not earlier, f"gte {_has(since)}, lte {_has(until)} the run created then"


def _has(it: bool) -> str:
    return "has" if it else "lacks"


def _ids(runs: Sequence[ReportRun]) -> set[str]:
    return {run.id for run in runs}


ASSUMPTIONS = (
    Assumption("date", "Every response has a Date header.", _date),
    Assumption("request_id", "Every response has a Request-Id header.", _request_id),
    Assumption("version", "Stripe answers in the requested API version.", _version),
    Assumption("account", "Responses name the connected account.", _account),
    Assumption("permissions", "A restricted key for reports and files is sufficient.", _permissions),
    Assumption("types_on_one_page", "The list of report types has one page.", _one_page),
    Assumption("documented_types", "The account has every documented report type.", _documented),
    Assumption("live_only_types", "The fee reports exist only in live mode.", _live_only),
    Assumption("default_columns", "Stripe's default columns are those of the catalogue.", _defaults),
    Assumption(
        "prepared",
        "Data ends at 00:00 or 12:00 UTC, at most "
        f"{', '.join(f'{_hours(_oldest(each))} ago ({each.family})' for each in (USUAL, TAX, FEES))}.",
        _prepared,
    ),
    Assumption("end_included", "interval_end may equal data_available_end.", _end_allowed),
    Assumption(
        "beyond_refused", "One second more is refused with 400, naming the interval.", _beyond_refused
    ),
    Assumption("echo", "A new run echoes its request.", _echo),
    Assumption("status", "A run is pending, succeeded or failed.", _status),
    Assumption("ended", "A finished run has its file and its time.", _ended),
    Assumption("replay", "The same idempotency key returns the same run, marked as a replay.", _replay),
    Assumption("livemode", "A run's livemode is that of the key.", _livemode),
    Assumption("newest_first", "Runs are listed newest first, and the limit is respected.", _newest_first),
    Assumption("cursor", "starting_after is exclusive.", _exclusive),
    Assumption("created_bounds", "created[gte] and created[lte] include their bound.", _bounds),
)
