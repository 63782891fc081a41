"""Plans the next forward pass: groups waiting sequences so that little is wasted on padding. Imports no torch."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from harness.calls.calls import Call, Choose, Generate, Read, Score
from harness.calls.interventions import Cut
from harness.engines.transformers.decoding import Draft
from harness.engines.worker import Job

BLOCK = 16
"""Tokens of a block: prefixes are shared in units of it."""

SLACK = 1.25
"""The longest row of a pass has at most this many times the new tokens of the shortest, plus one block."""

WIDER = 4
"""Texts are decoded together only where the widest may come to need at most this many times the columns of the others:
beside a far longer text, a short one would mostly be padding."""

SHARED = 2 * BLOCK
"""Tokens that two waiting sequences must share for the second to wait until the first has computed them."""


def block_keys(ids: Sequence[int]) -> list[bytes]:
    """A name for every full block of a sequence: of its tokens and of all tokens before it."""
    keys = []
    name = b""
    for start in range(0, len(ids) - BLOCK + 1, BLOCK):
        name = hashlib.blake2b(name + array("q", ids[start : start + BLOCK]).tobytes(), digest_size=16).digest()
        keys.append(name)
    return keys


@dataclass(slots=True)
class Limits:
    """How much fits into one pass. Halved when a GPU runs out of memory.

    Attributes:
        context: longest prompt plus reply, in tokens.
        batch_tokens: tokens of one forward pass, padding included; a longer prompt is read alone.
        rows: texts in the making at once, and rows of one pass.
        pass_columns: rows times columns of one pass, cached prefixes included.
        running_columns: rows times columns of the texts in the making.
        scored: positions of one pass whose logits are built.
        prefix_bytes: memory of prefixes kept for later calls.
    """

    context: int
    batch_tokens: int
    rows: int
    pass_columns: int
    running_columns: int
    scored: int
    prefix_bytes: int


def touched(call: Call) -> list[int]:
    """The positions from which on a call must be computed for itself: the first that each intervention, or a `Read`,
    touches. Every token before all of them is computed as in any other call."""
    first = [min(one.queries if isinstance(one, Cut) else one.positions, default=None) for one in call.interventions]
    first += [len(call.prompt) for one in call.interventions if getattr(one, "decode", False)]
    first += [call.positions[0]] if isinstance(call, Read) else []
    return [position for position in first if position is not None]


@dataclass(slots=True, eq=False)
class Waiting:
    """A sequence of tokens that is to be read.

    Attributes:
        call: the call, or one of the draws that share the sequence.
        ids: all tokens: of a text begun before, also those generated.
        jobs: a single call, or the drafts of any number of draws.
        keys: names of the blocks that may be found in, and left to, the prefix cache: of all tokens before the first
            whose logits are needed, and before the first that the call changes or reads inside the model.
    """

    call: Call
    ids: tuple[int, ...]
    jobs: list[Job] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, call: Call, ids: tuple[int, ...]) -> Waiting:
        """A sequence nobody waits for yet."""
        waiting = cls(call, ids)
        waiting.keys = block_keys(ids[: min([len(ids) - waiting.scored - 1, *touched(call)])])
        return waiting

    @property
    def scored(self) -> int:
        """Positions before its last one, from the first whose logits are needed on."""
        if isinstance(self.call, Choose) and self.call.positions:
            return len(self.ids) - 1 - self.call.positions[0]
        return len(self.call.continuation) if isinstance(self.call, Score) else 0

    def fresh(self, matched: Callable[[Sequence[bytes]], int]) -> int:
        """Tokens that must be computed."""
        return len(self.ids) - BLOCK * matched(self.keys)


@dataclass(frozen=True, slots=True)
class Shape:
    """Texts that are decoded together, and the columns that the longest of them may come to need."""

    texts: int
    width: int


@dataclass(slots=True)
class Group:
    """One forward pass.

    Attributes:
        rows: sequences, each with how many of its drafts go on from it.
        new: tokens computed of every row, padding included.
    """

    rows: list[tuple[Waiting, int]]
    new: int

    @property
    def columns(self) -> int:
        """Columns of the pass: each row's tokens stand at its right end."""
        return max(self.new, *(len(w.ids) for w, _ in self.rows))


@dataclass(slots=True)
class _Candidate:
    waiting: Waiting
    drafts: int
    fresh: int


def plan(
    waiting: Iterable[Waiting],
    matched: Callable[[Sequence[bytes]], int],
    limits: Limits,
    running: Sequence[Shape],
) -> Group | None:
    """The next pass: the sequence that waits for longest, and those most like it.

    Args:
        waiting: longest waiting first.
        matched: how many of some blocks, from the first on, are in the prefix cache.
        running: the cohorts of texts in the making.
    """
    candidates = _candidates(waiting, matched, limits, running)
    if not candidates:
        return None
    head = candidates[0]
    same = [c for c in candidates[1:] if bool(c.waiting.scored) == bool(head.waiting.scored)]
    same.sort(key=lambda c: abs(c.fresh - head.fresh))
    group = Group([(head.waiting, head.drafts)], head.fresh)
    shortest, longest, scored = head.fresh, len(head.waiting.ids), head.waiting.scored + 1
    computed = set(head.waiting.keys)
    for c in same:
        n = len(group.rows) + 1
        new, shortest = max(group.new, c.fresh), min(shortest, c.fresh)
        longest, scored = max(longest, len(c.waiting.ids)), max(scored, c.waiting.scored + 1)
        fits = n * new <= limits.batch_tokens and n * max(longest, new) <= limits.pass_columns
        if not fits or n > limits.rows or n * scored > limits.scored or new > SLACK * shortest + BLOCK:
            break
        if _shares(c, computed):
            continue
        group.rows.append((c.waiting, c.drafts))
        group.new = new
        computed.update(c.waiting.keys)
    return group


def _candidates(
    waiting: Iterable[Waiting],
    matched: Callable[[Sequence[bytes]], int],
    limits: Limits,
    running: Sequence[Shape],
) -> list[_Candidate]:
    """Sequences for which there is room, all at once; no text overtakes one that has to wait for room."""
    found: list[_Candidate] = []
    cohorts, full = list(running), False
    for w in waiting:
        if len(found) == 4 * limits.rows:
            break
        drafts = 0
        if isinstance(w.call, Generate):
            if full:
                continue
            drafts = _admit(cohorts, len(w.drafts), max(draft.width for draft in w.drafts), limits)
            if not drafts:
                full = True
                continue
        found.append(_Candidate(w, drafts, w.fresh(matched)))
    return found


def _admit(cohorts: list[Shape], drafts: int, width: int, limits: Limits) -> int:
    """How many drafts of a width there is room for, which join a cohort: a wide one widens every row of it."""
    place = cohort_of([c.width for c in cohorts], width)
    if place is None:
        place = len(cohorts)
        cohorts.append(Shape(0, width))
    joined = cohorts[place]
    wide, texts = max(width, joined.width), sum(c.texts for c in cohorts)
    columns = limits.running_columns - sum(c.texts * c.width for c in cohorts if c is not joined)
    admitted = max(0, min(drafts, limits.rows - texts, columns // wide - joined.texts))
    if not texts:
        admitted = max(admitted, 1)  # alone, whatever it takes
    if admitted:
        cohorts[place] = Shape(joined.texts + admitted, wide)
    return admitted


def cohort_of(widths: Sequence[int], width: int) -> int | None:
    """Which of some cohorts a text joins, by the columns that they may come to need; None begins a new one."""
    alike = (i for i, other in enumerate(widths) if max(width, other) <= WIDER * min(width, other))
    return next(alike, None)


def _shares(c: _Candidate, computed: set[bytes]) -> bool:
    """Whether a good part of what it must compute is being computed for another sequence of the same pass."""
    held = (len(c.waiting.ids) - c.fresh) // BLOCK
    last = held + max(SHARED, c.fresh // 8) // BLOCK - 1
    return last < len(c.waiting.keys) and c.waiting.keys[last] in computed
