"""What is missing from the numbers of a run, in two lists that are never mixed.

An item *did not finish* when its protocol, or one of its arms, ended in an error: there is no row to judge. An answer
*could not be graded* when it was refused, cut, empty or unreadable: it is there, and counts as wrong.
"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import dataclass

from harness.items import Fate
from harness.outcomes import Table, fate_columns
from harness.report.text import cut
from harness.statistics.fates import count_fates

REASONS = {
    "refused": "the model says that it does not know, or will not say",
    "cut": "the answer was at the limit of tokens before it ended",
    "unreadable": "no answer of the kind that is asked for stands in the text",
    "empty": "the text has no words",
}
"""Why an answer with each fate could not be graded."""

MOST_LINKS = 40
"""Items of one kind that are linked at most."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Items that have one thing in common: why, how many rows that concerns, and the items, each once."""

    kind: str
    why: str
    count: int
    items: Sequence[str]


def did_not_finish(table: Table) -> list[Missing]:
    """Items that ended in an error, by message, the most frequent first, at most 100 messages."""
    errors: dict[str, list[str]] = {}
    for name, error in zip(table.columns["item"], table.columns["error"], strict=True):
        if error is not None:
            errors.setdefault(cut(error, 500), []).append(name)
    ranked = sorted(errors.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:100]
    return [Missing("error", error, len(items), list(dict.fromkeys(items))) for error, items in ranked]


def could_not_be_graded(table: Table) -> list[Missing]:
    """Answers by the fate that kept them from being graded, the most frequent first."""
    found: dict[str, list[str]] = {}
    for column in fate_columns(table.kinds):
        for name, fate in zip(table.columns["item"], table.columns[column], strict=True):
            if fate in REASONS:
                found.setdefault(fate, []).append(name)
    assert set(REASONS) == set(typing.get_args(Fate)) - {"answered", "error"}
    ranked = sorted(found.items(), key=lambda pair: -len(pair[1]))
    return [Missing(fate, REASONS[fate], len(items), list(dict.fromkeys(items))) for fate, items in ranked]


def answers(table: Table) -> int:
    """How many answers there are that could have been graded."""
    return sum(one.n - one.counts.get("error", 0) for one in count_fates(table))
