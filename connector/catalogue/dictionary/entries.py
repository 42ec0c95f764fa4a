"""How entries of the dictionary are written: one call for each kind of column.

A call says what the name alone implies: the type, the unit, whose clock a time is by, whether it is personal.

Source: https://docs.stripe.com/reports/api
"""

from connector.catalogue.spec import Column, ColumnType

_MAJOR = "major units of `{}`: ten dollars are 10.00"


def text(name: str, about: str) -> Column:
    """An id, a code, a word of Stripe's."""
    return Column(name, ColumnType.TEXT, about)


def free_text(name: str, about: str) -> Column:
    """Text that people write, which may say anything of anybody."""
    return Column(name, ColumnType.TEXT, about, free_text=True)


def personal(name: str, about: str) -> Column:
    """Text that may identify a person."""
    return Column(name, ColumnType.TEXT, about, personal=True)


def money(name: str, about: str, currency: str = "currency") -> Column:
    """An amount in major units of the currency that stands in the column `currency`."""
    return Column(name, ColumnType.MONEY, about, unit=_MAJOR.format(currency))


def number(name: str, about: str, unit: str | None = None) -> Column:
    """An exact decimal that is not money: a rate, a share, a quantity."""
    return Column(name, ColumnType.NUMBER, about, unit=unit)


def integer(name: str, about: str) -> Column:
    """A whole number."""
    return Column(name, ColumnType.INTEGER, about)


def boolean(name: str, about: str) -> Column:
    """True or false."""
    return Column(name, ColumnType.BOOLEAN, about)


def date(name: str, about: str) -> Column:
    """A day without a time."""
    return Column(name, ColumnType.DATE, about)


def instant(name: str, about: str) -> Column:
    """A time that is UTC in every report that has it; `about` goes without the full stop."""
    return Column(name, ColumnType.TIMESTAMP, f"{about}, in UTC.")


def local_time(name: str, about: str) -> Column:
    """A time in the zone of the report run; `about` goes without the full stop."""
    return Column(name, ColumnType.TIMESTAMP, f"{about}, in the time zone of the report run.", local=True)


def times(name: str, about: str) -> tuple[Column, Column]:
    """A time in the zone of the report run, and the same in UTC."""
    return local_time(name, about), instant(f"{name}_utc", about)


def region(prefix: str, whose: str) -> tuple[Column, ...]:
    """State and country of an address. A country alone is not personal; the rest is."""
    return (
        personal(f"{prefix}_state", f"State, county or province of {whose}."),
        text(f"{prefix}_country", f"Two-letter country of {whose}."),
    )


def address(prefix: str, whose: str) -> tuple[Column, ...]:
    """The six columns of a whole address."""
    return (
        personal(f"{prefix}_line1", f"First line of {whose}."),
        personal(f"{prefix}_line2", f"Second line of {whose}."),
        personal(f"{prefix}_city", f"City of {whose}."),
        *region(prefix, whose),
        personal(f"{prefix}_postal_code", f"Postal code of {whose}."),
    )
