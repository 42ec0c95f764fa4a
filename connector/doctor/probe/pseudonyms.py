"""What a recording says instead of what Stripe said: nothing stays but what is known to be nobody's.

Two accounts whose answers differ only in names, texts, ids or amounts leave the same recording. So a value
that no rule lets through becomes `text`, and a number the first one with as many digits.
"""

import functools
import re
from datetime import datetime
from zoneinfo import available_timezones

from connector.catalogue import REPORTS
from connector.catalogue.columns import is_known

_ID = re.compile(r"([a-z]{2,16})_\w+", re.ASCII)
_STRIPES = (
    "acct ba btok card ch cn cus dp evt fcr fee file frr il in inv li link or pi pm po price prod py pyr"
)
#: What stands before the number in an id of Stripe's. Another word may be somebody's name.
_PREFIXES = frozenset(f"{_STRIPES} qt re req rr seti si src sub tax tr trr tu txcd txi txn txr".split())
_REPORT_TYPE = re.compile(r"[a-z_]+(?:\.[a-z_]+)+\.\d{1,3}", re.ASCII)
_METADATA = re.compile(r"([a-z_]+)\[.*\]", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_AMOUNT = re.compile(r"(-?)(\d+)(?:\.(\d+))?", re.ASCII)
_AROUND = re.compile(r"([\"'(\[]*)(.*?)([\"')\].,:;?!]*)", re.DOTALL)

#: Words that Stripe's messages are made of. One that is not here may be somebody's.
_VOCABULARY = """
a access account accounts active again allow allowed already also an and another any api are as at
available be been before beginning being between but by call calls can cannot check code column columns
complete contact could create created currency dashboard data date day days deleted do documentation does
doesn't during each empty end error exceed exceeded exist exists expired failed file files first
following for found from generated get give given go greater has have header id idempotency if in
includes inside integer internal interval invalid is it its key key's keys lack lacks late later latest
least less lie like limit list live livemode lock long lower made many maximum may message missing mode
more most must name need needs never new no none not nothing now object of on one only or out outside
over own page param parameter parameters parsing pass pending per perform permission permissions please
possible prepared present processing progress provide provided range rate read received report reporting
reports request requested requests require required requires resource restricted retry run runs same
second seconds secret see send sent server should some sorry specified start starting status still string
such support take than that the their them then there these they this through time timestamp timezone to
token too try type types unavailable unexpected unknown unrecognized until up upgrade url use used using
valid value values version wait was we were when which while wish with within without write wrong yet you
your
"""
_WORDS = frozenset(_VOCABULARY.split())

_zones = functools.cache(available_timezones)


def is_report_type(text: str) -> bool:
    """Whether this has the form of a report type: `balance.summary.1`."""
    return _REPORT_TYPE.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether this has the form of a word of the API: `invalid_request_error`."""
    return _NAME.fullmatch(text) is not None


def is_time(text: str) -> bool:
    """Whether this is a date or a time as CSV files print them."""
    return _TIME.fullmatch(text) is not None


def is_zone(text: str) -> bool:
    """Whether this is a time zone."""
    return text in _zones()


def is_moment(value: int) -> bool:
    """Whether this may be a time in unix seconds, in this century."""
    return 946_684_800 <= value < 4_102_444_800


class Pseudonyms:
    """Other ids for ids: the same for the same, numbered as they appear, so that they show nothing else."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}

    def of(self, id: str) -> str:
        """The other id; its first letters stay where they are Stripe's."""
        if id not in self._given:
            found = _ID.fullmatch(id)
            prefix = found[1] if found and found[1] in _PREFIXES else "id"
            self._given[id] = f"{prefix}_{len(self._given) + 1:012d}"
        return self._given[id]

    @staticmethod
    def is_id(text: str) -> bool:
        """Whether this has the form of an id."""
        found = _ID.fullmatch(text)
        return found is not None and found[1] in _PREFIXES

    def message(self, text: str) -> str:
        """Words of Stripe's, with `…` for every other."""
        return " ".join(self._word(word) for word in text.split())

    def _word(self, word: str) -> str:
        found = _AROUND.fullmatch(word)
        before, core, after = found.groups() if found else ("", word, "")
        if core.lower() in _WORDS or core in REPORTS or is_known(core) or not core:
            return f"{before}{core}{after}" if not _METADATA.fullmatch(core) else f"{before}…{after}"
        if core.startswith(("interval_", "parameters[")) and is_name(re.sub(r"[\[\]]", "", core)):
            return f"{before}{core}{after}"
        if self.is_id(core):
            return f"{before}{self.of(core)}{after}"
        return f"{before}{number(core) or '…'}{after}"


def column_name(name: str) -> str:
    """A column's name; the key of `payment_metadata[key]` is a person's choice."""
    if found := _METADATA.fullmatch(name):
        return f"{found[1] if is_name(found[1]) else 'text'}[key]"
    return name if is_name(name) else "text"


def text(value: str) -> str:
    """`text`, with what is special in the original: whatever a reader of the file could stumble over."""
    if not value:
        return value
    undecodable = any("\udc80" <= each <= "\udcff" for each in value)
    foreign = any(each > "\x7f" and not "\udc80" <= each <= "\udcff" for each in value)
    marks = "".join(each for each in ("\r", "\n", '"', ",") if each in value)
    return f"text{marks}{'é' if foreign else ''}{chr(0xDCFF) if undecodable else ''}"


def number(value: str) -> str | None:
    """Another number with the same sign and digits before and after the point; None for what is not one.

    Zero stays zero.
    """
    found = _AMOUNT.fullmatch(value)
    if found is None:
        return None
    sign, whole, decimals = found[1], found[2], found[3]
    if not int(whole + (decimals or "")):
        return value
    whole = "1" * len(whole) if int(whole) else "0"
    decimals = None if decimals is None else "1" * len(decimals)
    return f"{sign}{whole}" + ("" if decimals is None else f".{decimals}")


def moment(value: datetime) -> str:
    """A time of a clock, which is nobody's."""
    return value.isoformat(timespec="milliseconds")
