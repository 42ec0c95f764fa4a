"""By what the amounts of one table are multiplied to stand beside those of another.

Reports print the same money with other signs, which are a fact of each report type. Where a sign is not
settled, there are several ways, and the files decide between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from connector.catalogue.signs import LEAVES_NEGATIVE, PAID_OUT_POSITIVE, Sign, name_sign
from connector.checks.agreement.pairs import COUNT, PAYOUT, Reconciliation, has
from connector.query import ReportQuery
from connector.text import join_names


@dataclass(frozen=True, slots=True)
class Turn:
    """How amounts of the other table become comparable with ours: by what each is multiplied.

    `paid_out` and `fee` are the signs that follow for the two tables, ours first.
    """

    paid_out: tuple[int, int]
    fee: tuple[int, int]

    def factor(self, measure: str) -> int:
        """1 or -1. Where gross and net are turned, fees are turned with them."""
        moved = self.paid_out[0] * self.paid_out[1]
        if measure == COUNT:
            return 1
        return moved * self.fee[0] * self.fee[1] if measure == "fee" else moved


def _paid_out_sign(reconciliation: Reconciliation, query: ReportQuery) -> Sign:
    """What is paid out, as that table prints it; a payout's transactions make up what is paid out."""
    of_contents = reconciliation.by_payout and not has(query, PAYOUT)
    return PAID_OUT_POSITIVE if of_contents else query.spec.paid_out_sign


def find_turns(reconciliation: Reconciliation, *, any_sign: bool = False) -> list[Turn]:
    """How the tables' signs may be related: in one way, or in several where a sign is not settled.

    With `any_sign`, also those that contradict the catalogue. What was charged is added up as positive.
    """
    if reconciliation.fees and not any_sign:
        return [Turn((1, 1), (1, 1))]
    both = reconciliation.ours, reconciliation.theirs

    def pairs(signs: Sequence[Sign]) -> list[tuple[int, int]]:
        ours, theirs = ((1, -1) if any_sign else each.factors for each in signs)
        return list(product(ours, theirs))

    paid_out = pairs([_paid_out_sign(reconciliation, each) for each in both])
    fee = pairs([each.spec.fee_sign for each in both]) if "fee" in reconciliation.measures else [(1, 1)]
    return [Turn(*each) for each in product(paid_out, fee)]


def describe_turns(reconciliation: Reconciliation, fitting: Sequence[Turn], *, unsettled: bool) -> str:
    """Which signs the files show, as clauses; empty where they show none.

    Args:
        fitting: the turns with which everything is the same.
        unsettled: only of tables whose sign is not settled.
    """
    if reconciliation.fees:
        return ""
    both = reconciliation.ours, reconciliation.theirs
    found = []
    are_payouts = any(each.spec.paid_out_sign != LEAVES_NEGATIVE for each in both)
    about = (
        (
            "what is paid out" if are_payouts else "an amount",
            [_paid_out_sign(reconciliation, each) for each in both],
            "paid_out",
        ),
        ("a fee", [each.spec.fee_sign for each in both], "fee"),
    )
    for what, signs, name in about if "fee" in reconciliation.measures else about[:1]:
        if unsettled and all(each.factor for each in signs):
            continue
        pairs = {getattr(turn, name) for turn in fitting}
        relations = {ours * theirs for ours, theirs in pairs}
        expected = {ours * theirs for ours, theirs in product(*(each.factors for each in signs))}
        if len(relations) > 1 or (not unsettled and relations == expected):
            continue
        (relation,) = relations
        known = [(at, each.factor) for at, each in enumerate(signs) if each.factor]
        if unsettled and len(known) == 1:
            ((at, factor),) = known
            found.append(f"{what} is {name_sign(factor * relation)} in {both[1 - at].name}")
        else:
            how = "the same sign" if relation > 0 else "opposite signs"
            found.append(f"{what} has {how} in {both[0].name} and {both[1].name}")
    return join_names(found)
