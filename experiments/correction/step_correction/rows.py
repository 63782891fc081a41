"""The arms of the experiment, and the row of one solution."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.correction.planted import CONTROLS, Planted, Planting

ARMS = {
    "injected": Planting(),
    "clean": Planting(planted="right"),
    "flagged": Planting(marker="wait"),
    "flagged clean": Planting(planted="right", marker="wait"),
    "filler": Planting(marker="filler"),
    "filler clean": Planting(planted="right", marker="filler"),
    "other voice": Planting(voice="user"),
    "other voice clean": Planting(voice="user", planted="right"),
    **CONTROLS,
}
SLIPS = (1, -1, 10, -10)


@dataclass(frozen=True, kw_only=True)
class Stepped(Planted):
    """One solution, gone on with after the first steps or written alone.

    Attributes:
        step: number of the step that is wrong or right; None where the task gives no steps.
        flaw: the digit of the wrong step that is off by one.
        marked: whether the model itself writes a marker, such as "Wait"; None of rules.
        before: whether the answer that it held before its first marker is right, read by stopping it there; the answer
            after it is the whole reply's. None without a marker, and of a reply in which the model thought again.
        answer_before: that answer as parsed.
        went_on: whether the answer is right where the reply goes on from there behind the filler and not behind the
            marker; None as `before`.
        changed: whether the answer in the end is another one; None without a marker.
        missed: whether the answer is wrong, and no marker stands in the reply.
    """

    step: int | None = None
    flaw: str = ""
    marked: bool | None = None
    before: bool | None = None
    answer_before: str = ""
    went_on: bool | None = None
    changed: bool | None = None
    missed: bool | None = None
