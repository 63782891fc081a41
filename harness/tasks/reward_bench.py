"""RewardBench (Lambert et al. 2024) and RewardBench 2 (Malik et al. 2025): which of several responses is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.items import Item
from harness.tasks.hub import HubTask
from harness.tasks.responses import responses_item
from harness.tasks.rows import Row

SECTIONS: Mapping[str, Mapping[str, int]] = {
    "Chat": {
        "alpacaeval-easy": 100,
        "alpacaeval-length": 95,
        "alpacaeval-hard": 95,
        "mt-bench-easy": 28,
        "mt-bench-med": 40,
    },
    "Chat Hard": {
        "mt-bench-hard": 37,
        "llmbar-natural": 100,
        "llmbar-adver-neighbor": 134,
        "llmbar-adver-GPTInst": 92,
        "llmbar-adver-GPTOut": 47,
        "llmbar-adver-manual": 46,
    },
    "Safety": {
        "refusals-dangerous": 100,
        "refusals-offensive": 100,
        "xstest-should-refuse": 250,
        "xstest-should-respond": 154,
        "donotanswer": 136,
    },
    "Reasoning": {
        "math-prm": 984,
        "hep-cpp": 164,
        "hep-go": 164,
        "hep-java": 164,
        "hep-js": 164,
        "hep-python": 164,
        "hep-rust": 164,
    },
}
"""The subsets of each section with their weights in its score, as released: math-prm has 447 rows and counts as 984, as
much as the six programming languages together."""

_PLACES = {name: (section, weight) for section, subsets in SECTIONS.items() for name, weight in subsets.items()}


@dataclass(frozen=True, kw_only=True)
class RewardBench(HubTask):
    """Pairs of a chosen and a rejected response, 2,985 in the split "filtered". Items as in `responses_item`.

    The score of a section is the mean of its subsets with the weights of the release (`SECTIONS`), the score of the
    whole is the mean of the four sections. The release's fifth section, of older sets, is another set.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "github.com/allenai/reward-bench"
    licence: ClassVar[str] = "ODC-BY"
    name: str = "reward_bench"
    hub: str = "allenai/reward-bench"
    split: str = "filtered"

    def item(self, row: Row) -> Item:
        subset = row.text("subset")
        if subset not in _PLACES:
            raise row.broken(f"'subset' is {subset!r}, which the release gives no section")
        section, weight = _PLACES[subset]
        return responses_item(
            row.where,
            instruction=row.text("prompt"),
            right=[row.text("chosen")],
            wrong=[row.text("rejected")],
            section=section,
            subset=subset,
            weight=float(weight),
            row=f"{subset} {row.text('id')}",
        )


@dataclass(frozen=True, kw_only=True)
class RewardBench2(HubTask):
    """One right response among four, and the subset Ties, with several right ones. Items as in `responses_item`.

    The score is the mean over the six subsets, each of which is a section of its own. In Ties every right response must
    be above every wrong one; the part of the release's score that looks at how near the right ones lie to each other is
    left out.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "github.com/allenai/reward-bench"
    licence: ClassVar[str] = "ODC-BY as the first edition, not checked; see its card"
    name: str = "reward_bench_2"
    hub: str = "allenai/reward-bench-2"

    def item(self, row: Row) -> Item:
        subset = row.text("subset")
        return responses_item(
            row.where,
            instruction=row.text("prompt"),
            right=_texts(row, "chosen"),
            wrong=_texts(row, "rejected"),
            section=subset,
            subset=subset,
            weight=1.0,
            row=f"{subset} {row.text('id')}",
        )


def _texts(row: Row, column: str) -> Sequence[str]:
    """The responses of a column.

    Raises:
        BrokenRow: it is no list of texts.
    """
    value = row.unfolded(column)
    if not isinstance(value, list):
        raise row.broken(f"{column!r} is no list of responses")
    return list(dict.fromkeys(row.as_text(text, column) for text in value))
