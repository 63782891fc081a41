"""Plans one step of vLLM: the rows of the step in which activations are changed or read, by site.

A step holds tokens of many requests, one after the other, in one tensor [rows, width]. Of each request it holds those
behind what was computed before: a whole prompt, a piece of one, the rest behind a cached prefix, or one new token.
All of these are the same here, because rows are found by the position of their token in its request. A request that
vLLM throws out and computes again (preemption) is changed again in the same way; what is read twice is kept once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from harness.calls.calls import Call, Read
from harness.calls.interventions import Cut, Site, same_site
from harness.engines.transformers.edits import Edit, edit

Rows = NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Watched:
    """A call whose activations are read or changed, while vLLM works on it.

    Attributes:
        reached: every position before this one was in a step, or in the prefix cache.
        read: what was read, [layers, positions, width], float32; None before the first.
        missing: whether that is still to come, [layers, positions].
    """

    call: Call
    reached: int = 0
    read: NDArray[np.float32] | None = None
    missing: NDArray[np.bool_] | None = None

    def keep(self, layer: int, which: Rows, values: NDArray[np.float32]) -> None:
        """Takes over what was read in a step.

        Args:
            layer, which: indices in the layers and the positions of the `Read`.
            values: [len(which), width].
        """
        assert isinstance(self.call, Read)
        if self.read is None or self.missing is None:
            shape = len(self.call.layers), len(self.call.positions)
            self.read, self.missing = np.zeros((*shape, values.shape[1]), np.float32), np.ones(shape, np.bool_)
        self.read[layer, which] = values
        self.missing[layer, which] = False

    def check(self, length: int) -> None:
        """Makes sure that the hooks saw all of it.

        Args:
            length: tokens that vLLM has computed for the call.

        Raises:
            RuntimeError: they did not.
        """
        if self.reached < length:
            raise RuntimeError(f"vLLM computed {length} tokens of a call, of which the hooks saw {self.reached}")
        if isinstance(self.call, Read) and (self.missing is None or self.missing.any()):
            raise RuntimeError(f"{self.call.site}: vLLM has computed a prompt that was not read whole")


@dataclass(frozen=True, slots=True)
class Span:
    """The rows of one call in a step.

    Attributes:
        row: the first of them.
        position: of that row's token in the call, from 0 on.
        length: how many there are.
    """

    watched: Watched
    row: int
    position: int
    length: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What a `Read` takes from a site in a step.

    Attributes:
        layer, which: indices in its layers and positions.
        columns: where the values stand in `Point.rows`.
    """

    watched: Watched
    layer: int
    which: Rows
    columns: Rows


@dataclass(slots=True)
class Point:
    """What is done at one site of one layer in a step: edits, then reads.

    Attributes:
        rows: rows of the step that are changed or read, ascending.
        rounds: edits, whose columns are indices in `rows`; in each round at most one a call, so that a call's own come
            in their order.
        changed: indices in `rows` that an edit is about.
    """

    rows: Rows
    rounds: list[list[Edit]]
    changed: Rows
    readings: list[Reading]
    fired: bool = False


Plan = dict[tuple[int, Site], Point]
"""By layer and site, under the name that `same_site` gives them."""


@dataclass(slots=True)
class _Draft:
    """A point in the making: its columns are rows of the step."""

    rounds: list[list[Edit]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)

    def point(self) -> Point:
        edited = [one.columns for edits in self.rounds for one in edits]
        rows = np.unique(np.concatenate([*edited, *(reading.columns for reading in self.readings)]))
        return Point(
            rows=rows,
            rounds=[[replace(e, columns=np.searchsorted(rows, e.columns)) for e in edits] for edits in self.rounds],
            changed=np.searchsorted(rows, np.unique(np.concatenate(edited))) if edited else np.arange(0),
            readings=[replace(r, columns=np.searchsorted(rows, r.columns)) for r in self.readings],
        )


def plan(spans: Sequence[Span]) -> Plan:
    """What is to be done in a step that holds these calls, beside any others."""
    drafts: dict[tuple[int, Site], _Draft] = {}
    for span in spans:
        for place, some in _edits(span).items():
            rounds = drafts.setdefault(place, _Draft()).rounds
            for i, one in enumerate(some):
                if i == len(rounds):
                    rounds.append([])
                rounds[i].append(one)
        for place, reading in _readings(span):
            drafts.setdefault(place, _Draft()).readings.append(reading)
    return {place: draft.point() for place, draft in drafts.items()}


def _edits(span: Span) -> dict[tuple[int, Site], list[Edit]]:
    found: dict[tuple[int, Site], list[Edit]] = {}
    call = span.watched.call
    for what in call.interventions:
        assert not isinstance(what, Cut)
        one = edit(0, what, len(call.prompt), -span.position, span.length)
        if one is not None:
            place = same_site(what.layer, what.site)
            found.setdefault(place, []).append(replace(one, columns=one.columns + span.row))
    return found


def _readings(span: Span) -> list[tuple[tuple[int, Site], Reading]]:
    call = span.watched.call
    if not isinstance(call, Read):
        return []
    columns = np.asarray(call.positions, dtype=np.int64) - span.position
    which = np.flatnonzero((columns >= 0) & (columns < span.length))
    if not len(which):
        return []
    rows = columns[which] + span.row
    return [(same_site(layer, call.site), Reading(span.watched, i, which, rows)) for i, layer in enumerate(call.layers)]
