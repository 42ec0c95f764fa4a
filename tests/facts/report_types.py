"""Facts about Stripe's report types, for the catalogue and the simulator to be compared with.

The catalogue builds its lists from shared groups of columns; a slip there would be repeated in a dozen
reports. Here every list is spelt out.

Read from https://docs.stripe.com/reports/report-types and the pages below it, as of March 2025, and
https://docs.stripe.com/tax/reports; tax exports and financial accounts as of 2026, the columns of the
itemized export as a public program names them. What is `observed` is used by public code as of October 2026:
https://github.com/mozilla/bigquery-etl (bigquery_etl/stripe), https://github.com/fivetran/dbt_stripe,
https://github.com/wikimedia/wikimedia-fundraising-SmashPig (PaymentProviders/Stripe),
https://github.com/stripe/stripe-apps/issues/969.

Names, parameters and the order of columns are as printed there. Three things are conclusions, which Stripe
does not state: the types of columns, `row_key`, and most default columns. Defaults are stated for
balance.summary.1 and a few more; for the others they are those of sibling versions, or of public code.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ReportTypeFacts:
    """What is known of one report type.

    Attributes:
        known: documented or observed.
        granularity: itemized, summary or other.
        scope: own account or connected accounts.
        version: the number at the end of the id.
        columns: in the order of the documentation; `[key]` stands for any metadata key.
        complete: whether `columns` are all there are.
        defaults: the columns of a run that requests none, in the file's order; None where not known.
        row_key: columns that should be unique together; None where no such are known.
        day: the time column that decides on which day a row is reported; None where there is none.
        in_utc: columns that this type prints in UTC, and others in the time zone of the run.
    """

    known: str
    granularity: str
    scope: str
    version: int | None
    required: tuple[str, ...]
    optional: tuple[str, ...]
    columns: tuple[str, ...]
    complete: bool
    defaults: tuple[str, ...] | None
    row_key: tuple[str, ...] | None
    day: str | None
    in_utc: tuple[str, ...] = ()

    @property
    def fixed_columns(self) -> tuple[str, ...]:
        """Those without the metadata."""
        return tuple(name for name in self.columns if not name.endswith("[key]"))


def _facts(read: Mapping[str, Any]) -> ReportTypeFacts:
    values: dict[str, Any] = {name: tuple(it) if isinstance(it, list) else it for name, it in read.items()}
    return ReportTypeFacts(**values)


_READ = json.loads((Path(__file__).parent / "report_types.json").read_text(encoding="utf-8"))

#: Name to type. A `timestamp` is printed in the time zone of the run, a `timestamp in UTC` in UTC always.
COLUMN_TYPES: Mapping[str, str] = _READ["columns"]

#: By id.
FACTS: Mapping[str, ReportTypeFacts] = {id: _facts(read) for id, read in _READ["report_types"].items()}

#: Default columns in their order, by id, as Stripe's own list gave them to a test account in December 2021.
#: Seven of the 48 types are not in the catalogue: nobody was seen to use them since.
LISTED: Mapping[str, tuple[str, ...]] = {
    id: tuple(columns)
    for id, columns in json.loads(
        (Path(__file__).parent / "default_columns.json").read_text(encoding="utf-8")
    ).items()
}

DOCUMENTED = frozenset(id for id, facts in FACTS.items() if facts.known == "documented")
