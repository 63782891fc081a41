"""The results of a run as its page shows them, read from its directory: the sentence, the verdicts, the numbers."""

from __future__ import annotations

import typing
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.config.build import construct
from harness.errors import HarnessError
from harness.report.pivot import Notes, Pivot, pivots
from harness.runs.records import RunRecord, is_dry
from harness.statistics.claims import Claim, Verdict, VerdictKind
from harness.statistics.estimates import Estimate
from harness.statistics.headline import headline
from harness.statistics.sentence import in_one_sentence
from harness.typed import typed

MOST_TABLES = 4
"""Tables of the numbers to be seen first, each of some of the arms; the others are folded."""


def claims_of(record: RunRecord) -> list[Claim]:
    """The claims of a run, as its manifest has them.

    Raises:
        HarnessError: it holds something else in their place.
    """
    try:
        claims = typed(record.config.get("claims", []), list[Mapping[str, Any]], "claims")
        return [construct(Claim, one, f"claims[{i}]") for i, one in enumerate(claims)]
    except HarnessError as error:
        raise HarnessError(
            f"{record.path / 'manifest.json'}: {error}; it is of another version: run it again"
        ) from error


def result_of(record: RunRecord) -> str:
    """The result of a run in one sentence; "" of a dry run, which has none."""
    if is_dry(record.manifest):
        return ""
    verdicts = [verdict_of(one) for one in record.verdicts]
    return in_one_sentence(str(record.manifest["model"]["name"]), record.estimates, claims_of(record), verdicts)


def verdict_of(values: Mapping[str, Any]) -> Verdict:
    """A verdict from its mapping in a run directory."""
    measured = values["measured"]
    return Verdict(**{**values, "measured": None if measured is None else Estimate(**measured)})


def main_arm(record: RunRecord) -> str:
    """The arm that the first claim is about, which stands for the run; "" without one."""
    return next((str(one.level["arm"]) for one in claims_of(record) if "arm" in one.level), "")


@dataclass(frozen=True, slots=True)
class Told:
    """A verdict on a claim, with the border that its number was held against, in words."""

    verdict: Mapping[str, Any]
    border: str

    @property
    def missing(self) -> str:
        """Why there is no number, without the list of the numbers that there are."""
        return str(self.verdict["reason"]).partition(" (it has: ")[0]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdicts of a run: on claims, on published numbers that can be compared, and on the others.

    Attributes:
        kinds: how many claims met which verdict.
    """

    claims: Sequence[Told]
    published: Sequence[Mapping[str, Any]]
    apart: Sequence[Mapping[str, Any]]
    kinds: Mapping[str, int]

    @classmethod
    def of(cls, record: RunRecord, most: int) -> Verdicts:
        """The first `most` of each; none of a dry run, in which no model was asked."""
        if is_dry(record.manifest):
            return cls((), (), (), {})
        by_text = {claim.text: claim for claim in claims_of(record)}
        claims = [v for v in record.verdicts if v["published"] is None]
        rest = [v for v in record.verdicts if v["published"] is not None]
        counted = Counter(v["kind"] for v in claims)
        return cls(
            [Told(v, _border(by_text.get(v["text"]))) for v in claims[:most]],
            [v for v in rest if v["kind"] != "not comparable"][:most],
            [v for v in rest if v["kind"] == "not comparable"][:most],
            {kind: counted[kind] for kind in typing.get_args(VerdictKind) if counted[kind]},
        )


def _border(claim: Claim | None) -> str:
    if claim is None:
        return ""
    if claim.rivals:
        return f"a difference, claimed {claim.relation} 0"
    return f"claimed {claim.relation} {claim.value:g}"


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a run in tables: those to be seen first, the rest, and the notes on either.

    Attributes:
        folded: how many numbers are among the rest; left: how many are in estimates.json only.
    """

    first: Sequence[Pivot]
    rest: Sequence[Pivot]
    notes: Sequence[str]
    methods: Sequence[str]
    folded: int
    left: int

    @classmethod
    def of(cls, record: RunRecord, most: int) -> Numbers:
        """The first `most` estimates."""
        estimates = record.estimates[:most]
        claimed = [name for claim in claims_of(record) for name, _ in claim.sides]
        first = headline(estimates, claimed or [v["measured"]["metric"] for v in record.verdicts if v["measured"]])
        names = {e.metric for e in first}
        rest = [e for e in estimates if e.metric not in names]
        notes = Notes()
        verdicts = [] if is_dry(record.manifest) else record.verdicts
        tables = pivots(first, verdicts, notes)
        more = [*tables[MOST_TABLES:], *pivots(rest, verdicts, notes)]
        folded = sum(cell is not None for one in more for row in one.rows for cell in row.cells)
        methods = Counter(e.method for e in estimates if e.low is not None)
        told = [f"{method} ({n})" for method, n in methods.most_common(8)]
        return cls(tables[:MOST_TABLES], more, notes.texts, told, folded, max(0, len(record.estimates) - most))
