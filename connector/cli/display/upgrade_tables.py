"""Two versions of a table compared: columns, totals, and the partitions in which they differ."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from connector.dataset.change import Change
from connector.money import money_text
from connector.terminal.tables import table
from connector.upgrade import Comparison, UpgradePlan

_LISTED = 20


def for_people(plan: UpgradePlan, compared: Comparison) -> Iterator[Any]:
    """Tables and sentences."""
    old, new = plan.old.spec, plan.new.spec
    yield ""
    yield from _columns(plan, compared)
    sides = (f"version {old.version}", f"version {new.version}", "difference")
    totals = table("", *sides, title=f"Totals of {len(compared.old)} partitions", numbers=sides)
    before, after = compared.rows
    totals.add_row("rows", f"{before:,}", f"{after:,}", f"{after - before:+,}" if after != before else "")
    amount = new.amount_column or "amount"
    for currency, (was, now) in compared.totals.items():
        moved = _signed(compared.moved[currency], currency) if currency in compared.moved else ""
        totals.add_row(f"{amount}, {currency}", money_text(was, currency), money_text(now, currency), moved)
    yield totals
    yield from _differing(compared)


def for_programs(plan: UpgradePlan, compared: Comparison) -> Mapping[str, Any]:
    """The same as plain JSON values: money as text."""
    columns = compared.columns
    return {
        "type": "comparison",
        "table": plan.pinned.table,
        "old": {"report_type": plan.old.spec.id, "table": plan.pinned.table},
        "new": {"report_type": plan.new.spec.id, "table": plan.new.name},
        "partitions": len(compared.old),
        "columns_added": list(columns.added),
        "columns_removed": list(columns.removed),
        "columns_retyped": {name: list(types) for name, types in columns.retyped.items()},
        "columns_left_out": list(plan.left_out),
        "rows": list(compared.rows),
        "totals": {
            currency: [money_text(amount, currency) for amount in sides]
            for currency, sides in compared.totals.items()
        },
        "differing": {
            key: {
                "rows": change.rows,
                "totals": {name: money_text(total, name) for name, total in change.totals.items()},
                "asked_again": key in compared.asked_again,
            }
            for key, change in sorted(compared.differing.items())
        },
    }


def _columns(plan: UpgradePlan, compared: Comparison) -> Iterator[Any]:
    columns = compared.columns
    if columns.added or columns.removed or columns.retyped:
        sides = (f"version {plan.old.spec.version}", f"version {plan.new.spec.version}")
        shown = table("column", *sides, title="Columns", numbers=sides, whole=["column"])
        for name in columns.added:
            shown.add_row(name, "", "added")
        for name in columns.removed:
            shown.add_row(name, "there", "removed")
        for name, types in columns.retyped.items():
            shown.add_row(name, *types)
        yield shown
    else:
        yield "The columns are the same."


def _differing(compared: Comparison) -> Iterator[Any]:
    differing = compared.differing
    if not differing:
        yield "Rows and totals are the same in every partition."
        return
    shown = table(
        "partition", "rows", "totals", "", title="Partitions that differ", numbers=("rows", "totals", "")
    )
    for key in sorted(differing)[-_LISTED:]:
        again = "both refreshed" if key in compared.asked_again else ""
        shown.add_row(key, f"{differing[key].rows:+,}", _moved(differing[key]), again)
    yield shown
    if len(differing) > _LISTED:
        yield f"The last {_LISTED} of {len(differing)}; --json lists all."


def _moved(change: Change) -> str:
    return ", ".join(f"{_signed(total, currency)} {currency}" for currency, total in change.totals.items())


def _signed(amount: Decimal, currency: str) -> str:
    return f"{'+' if amount > 0 else ''}{money_text(amount, currency)}"
