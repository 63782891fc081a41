"""Counts the thoughts of a run from its transcripts, so that answers from the store count the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.subject.transcript import Exchange, ThoughtPart


def thoughts_of(exchanges: Iterable[Exchange]) -> dict[str, list[ThoughtPart]]:
    """The thoughts of one item by the part that thought them ("" is the subject), in the order of asking.

    A thought that several questions of the item follow was written once, so it is here once.
    """
    found: dict[str, dict[tuple[tuple[str, ...], ThoughtPart], ThoughtPart]] = {}
    for one in exchanges:
        if one.thought is not None:
            found.setdefault(one.role, {})[one.keys, one.thought] = one.thought
    return {role: list(parts.values()) for role, parts in found.items()}


@dataclass
class ThoughtCounts:
    """How much a model thought, and how its thoughts ended.

    Every thought is one of closed (by the model, with words in it), empty, forced and cut.

    Attributes:
        replies: in which it might think, with the replies that it gave at once.
        tokens: in all thoughts, without the marks around them.
    """

    replies: int = 0
    tokens: int = 0
    closed: int = 0
    empty: int = 0
    forced: int = 0
    cut: int = 0

    def add(self, parts: Iterable[ThoughtPart]) -> None:
        """Counts the thoughts of one item."""
        for part in parts:
            self.replies += not part.further
            self.tokens += part.tokens
            if part.ended == "forced":
                self.forced += 1
            elif part.ended == "cut":
                self.cut += 1
            elif part.ended == "closed":
                self.empty += part.empty
                self.closed += not part.empty

    @property
    def thoughts(self) -> int:
        """How many there are."""
        return self.closed + self.empty + self.forced + self.cut

    @property
    def unended(self) -> float:
        """The share of thoughts that the model did not end itself, in [0, 1]."""
        return (self.forced + self.cut) / self.thoughts if self.thoughts else 0.0

    def record(self) -> dict[str, Any]:
        """For the manifest: counts, the mean tokens a reply, and shares of all thoughts in [0, 1]."""
        counts = {"replies": self.replies, "thoughts": self.thoughts, "tokens": self.tokens}
        ends = {"closed": self.closed, "empty": self.empty, "forced": self.forced, "cut": self.cut}
        shares = {f"share_{name}": n / self.thoughts if self.thoughts else 0.0 for name, n in ends.items()}
        return {**counts, "tokens_a_reply": self.tokens / max(1, self.replies), **ends, **shares}
