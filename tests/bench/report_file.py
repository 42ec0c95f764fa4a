"""A large report as Stripe would serve it: `payout_reconciliation.itemized.5`, made up from a seed.

Every filled cell is quoted. Rows are in the order of time, ids are random and as long as Stripe's, amounts
have the decimals of their currency; `order_id` is sparse and has leading zeros, `NA` is a country, and
descriptions hold commas, doubled quotes, line breaks and letters beyond ASCII.
"""

import string
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

REPORT = "payout_reconciliation.itemized.5"

#: The columns in file order, and what each is: text, money or a time.
COLUMNS: Mapping[str, str] = {
    "automatic_payout_id": "text",
    "automatic_payout_effective_at": "time",
    "automatic_payout_effective_at_utc": "time",
    "balance_transaction_id": "text",
    "created": "time",
    "created_utc": "time",
    "available_on": "time",
    "available_on_utc": "time",
    "currency": "text",
    "gross": "money",
    "fee": "money",
    "net": "money",
    "reporting_category": "text",
    "description": "text",
    "source_id": "text",
    "payment_intent_id": "text",
    "customer_id": "text",
    "customer_facing_amount": "money",
    "customer_facing_currency": "text",
    "card_brand": "text",
    "card_country": "text",
    "payment_method_type": "text",
    "invoice_id": "text",
    "order_id": "text",
}

#: The instant of the first row, and how many milliseconds lie between rows on average.
START = np.datetime64("2026-06-01T00:00:00", "ms")
_BETWEEN = 700

_CHUNK = 50_000
_CURRENCIES = {"usd": 2, "eur": 2, "gbp": 2, "jpy": 0, "kwd": 3}
_DESCRIPTIONS = (
    "Subscription update",
    "Order, express",
    'REFUND FOR CHARGE ("wrong size")',
    "Zahlung für Bestellung in Zürich",
    "Two lines:\nthe second",
    "Two lines:\r\nthe second",
    "null",
)
_LETTERS = np.frombuffer((string.ascii_letters + string.digits).encode(), np.uint8)


def write_report(path: Path, size: int, *, seed: int = 1) -> int:
    """Write a CSV of at least `size` bytes. Returns how many rows it has."""
    random, rows = np.random.default_rng(seed), 0
    with path.open("wb") as file:
        file.write((",".join(f'"{name}"' for name in COLUMNS) + "\n").encode())
        for chunk in _chunks(random):
            file.write(chunk)
            rows += _CHUNK
            if file.tell() >= size:
                return rows
    raise AssertionError("chunks never end")


def _chunks(random: np.random.Generator) -> Iterator[bytes]:
    first = 0
    while True:
        columns = _columns(random, first)
        filled = [pc.binary_join_element_wise('"', columns[name], '"', "") for name in COLUMNS]
        lines = pc.binary_join_element_wise(*filled, ",", null_handling="replace", null_replacement="")
        buffer = pc.binary_join_element_wise(lines, "\n", "").buffers()[2]
        yield buffer.to_pybytes()
        first += _CHUNK


def _columns(random: np.random.Generator, first: int) -> dict[str, pa.Array]:
    """The texts of the next rows, null where a cell is empty."""
    numbers = np.arange(first, first + _CHUNK)
    created = START + numbers * _BETWEEN + random.integers(0, _BETWEEN, _CHUNK)
    available = (created + np.timedelta64(3, "D")).astype("datetime64[D]").astype("datetime64[s]")
    payout = available.astype("datetime64[D]").astype(int)
    currency = random.choice(len(_CURRENCIES), _CHUNK, p=[0.5, 0.3, 0.1, 0.06, 0.04])
    decimals = np.array(list(_CURRENCIES.values()))[currency]
    gross = random.lognormal(8.3, 1, _CHUNK).astype(int) + 50
    fee = gross * 29 // 1000 + 30
    refund = random.random(_CHUNK) < 0.06
    gross, fee = np.where(refund, -gross, gross), np.where(refund, 0, fee)
    times = {"created": created, "available_on": available, "automatic_payout_effective_at": available}
    return {
        "automatic_payout_id": _joined(
            "po_", _chosen(_ids(np.random.default_rng(7), 1 << 15), payout % (1 << 15))
        ),
        **{name: _printed(at) for name, at in times.items()},
        **{f"{name}_utc": _printed(at) for name, at in times.items()},
        "balance_transaction_id": _joined("txn_", _ids(random)),
        "currency": _chosen(pa.array(list(_CURRENCIES)), currency),
        "gross": _money(gross, decimals),
        "fee": _money(fee, decimals),
        "net": _money(gross - fee, decimals),
        "reporting_category": _chosen(pa.array(["charge", "refund"]), refund.astype(int)),
        "description": _described(random),
        "source_id": _joined("ch_", _ids(random)),
        "payment_intent_id": _joined("pi_", _ids(random)),
        "customer_id": _joined(
            "cus_", _chosen(_ids(np.random.default_rng(8), 1 << 17, 14), _many(random, 1 << 17))
        ),
        "customer_facing_amount": _money(gross, decimals),
        "customer_facing_currency": _chosen(pa.array(list(_CURRENCIES)), currency),
        "card_brand": _chosen(pa.array(["Visa", "MasterCard", "American Express", None]), _many(random, 4)),
        "card_country": _chosen(pa.array(["US", "DE", "NA", "GB", "JP", None]), _many(random, 6)),
        "payment_method_type": _chosen(pa.array(["card", "sepa_debit", "link"]), _many(random, 3)),
        "invoice_id": _sparse(random, _joined("in_", _ids(random)), 0.4),
        "order_id": _sparse(random, _zero_padded(_many(random, 10**7), 8), 0.2),
    }


def _many(random: np.random.Generator, below: int) -> Any:
    return random.integers(0, below, _CHUNK)


def _ids(random: np.random.Generator, count: int = _CHUNK, length: int = 24) -> pa.Array:
    letters = _LETTERS[random.integers(0, len(_LETTERS), (count, length), dtype=np.uint8)]
    return (
        pa.Array.from_buffers(pa.binary(length), count, [None, pa.py_buffer(letters)])
        .cast(pa.binary())
        .cast(pa.string())
    )


def _joined(prefix: str, texts: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(prefix, texts, "")


def _chosen(values: pa.Array, numbers: Any) -> pa.Array:
    return values.take(pa.array(numbers))


def _sparse(random: np.random.Generator, texts: pa.Array, share: float) -> pa.Array:
    return pc.if_else(pa.array(random.random(_CHUNK) < share), texts, pa.scalar(None, pa.string()))


def _printed(instants: Any) -> pa.Array:
    return pa.array(instants.astype("datetime64[s]")).cast(pa.string())


def _zero_padded(numbers: Any, width: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, padding="0")


def _money(minor: Any, decimals: Any) -> pa.Array:
    """Amounts in minor units as Stripe prints them, with the decimals of their currency."""
    size = 10**decimals
    whole, part = np.abs(minor) // size, np.abs(minor) % size
    behind = pc.utf8_slice_codeunits(_zero_padded(part + 1000, 4), 1, 4)
    shown = pc.if_else(
        pa.array(decimals == 0),
        "",
        pc.if_else(
            pa.array(decimals == 2),
            pc.binary_join_element_wise(".", pc.utf8_slice_codeunits(behind, 1, 3), ""),
            pc.binary_join_element_wise(".", behind, ""),
        ),
    )
    sign = pc.if_else(pa.array(minor < 0), "-", "")
    return pc.binary_join_element_wise(sign, pa.array(whole).cast(pa.string()), shown, "")


def _described(random: np.random.Generator) -> pa.Array:
    kinds = random.choice(len(_DESCRIPTIONS), _CHUNK, p=[0.6, 0.2, 0.1, 0.06, 0.02, 0.01, 0.01])
    escaped = pa.array([each.replace('"', '""') for each in _DESCRIPTIONS])
    order = pa.array(_many(random, 10**6)).cast(pa.string())
    return _sparse(random, pc.binary_join_element_wise(_chosen(escaped, kinds), order, " #"), 0.95)


if __name__ == "__main__":
    write_report(Path(sys.argv[1]), int(float(sys.argv[2]) * 1e9))
