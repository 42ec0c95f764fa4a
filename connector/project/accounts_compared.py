"""The accounts that a key can list, beside those that are configured. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from connector.accounts import AccountLife, AccountLives
from connector.api.models import ConnectedAccount
from connector.project.account_list import ACTING, CONNECTED, FIELDS


class Standing(StrEnum):
    """How an account in the list and one in the configuration go together; in the words of the output."""

    CONFIGURED = "configured"
    NEW = "not configured yet"
    ENDED = "configured as ended"
    STILL_LISTED = "configured as ended, and still connected"
    ABSENT = "configured, and not connected: give it `until:` and its last day"
    EARLY = "configured to start before it was created"


@dataclass(frozen=True, slots=True)
class ComparedAccount:
    """One account.

    Attributes:
        life: as it is configured; of a new one, as it could be.
        field: the list that it is in, or could be.
        listed: as Stripe lists it; None where it does not.
    """

    life: AccountLife
    standing: Standing
    field: str = CONNECTED
    listed: ConnectedAccount | None = None

    @property
    def created(self) -> date | None:
        """The day on which it was created, in UTC."""
        return self.listed.created.date() if self.listed and self.listed.created else None


def compare(
    listed: Sequence[ConnectedAccount], configured: Mapping[str, AccountLives], today: date
) -> list[ComparedAccount]:
    """Every account that is configured, in that order, and then those that are not, oldest first.

    Args:
        configured: by the field in which they are.
    """
    known = {each.id: each for each in listed}
    found = [
        ComparedAccount(life, _standing(life, there, today), field, there)
        for field, lives in configured.items()
        for life in lives
        for there in [known.get(life.account)]
    ]
    new = (each for each in reversed(listed) if not any(some.get(each.id) for some in configured.values()))
    return [*found, *(ComparedAccount(_life_of(each), Standing.NEW, _field_of(each), each) for each in new)]


def as_yaml(compared: Sequence[ComparedAccount]) -> Iterator[str]:
    """The lines of lists to paste into `defs.yaml`, or to keep as a file; comments say what Stripe does."""
    for field in FIELDS:
        some = [each for each in compared if each.field == field]
        if some:
            yield f"{field}:"
        yield from map(_line, some)


def _line(each: ComparedAccount) -> str:
    fields = ", ".join(f"{name}: {value}" for name, value in each.life.as_json().items())
    said = [each.listed.country or ""] if each.listed else []
    said += [f"created {each.created}"] if each.created else []
    said += [f"{each.listed.dashboard} dashboard"] if each.listed and each.listed.dashboard else []
    said += [each.standing]
    return f"  - {{{fields}}}  # {', '.join(filter(None, said))}"


def _field_of(account: ConnectedAccount) -> str:
    """The reports of an account with a full Dashboard are its own: a platform sees them in its name alone."""
    return ACTING if account.dashboard == "full" else CONNECTED


def _life_of(account: ConnectedAccount) -> AccountLife:
    return AccountLife(account.id, account.created.date() if account.created else None)


def _standing(life: AccountLife, listed: ConnectedAccount | None, today: date) -> Standing:
    ended = life.until is not None and life.until < today
    if listed is None:
        return Standing.ENDED if life.until else Standing.ABSENT
    if ended:
        return Standing.STILL_LISTED
    if life.start and listed.created and life.start < listed.created.date():
        return Standing.EARLY
    return Standing.CONFIGURED
