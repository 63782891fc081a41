"""The views of a person that are shown, and the row that each question gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness import Arm, Outcome, Probability, Score

PARTS = ("S", "P", "C", "SP", "SC", "PC", "SPC")


@dataclass(frozen=True, kw_only=True)
class View(Arm):
    """The task, and the parts that are shown of each person.

    Attributes:
        task: "verify" asks of each statement whether it is true of the person; "choose" asks to choose among four.
        wanted: in "choose", the "person" who makes five statements, or the "job" that a person has.
        parts: parts of the profile that are shown.
        whose: whose profile is shown in "verify"; who writes the statements in "choose": "model" is the model itself.
        rule: a rule that answers in the model's place; "none" asks the model.
    """

    task: Literal["verify", "choose"]
    parts: str
    wanted: Literal["statement", "person", "job"] = "statement"
    whose: str = "own"
    rule: str = "none"


@dataclass(frozen=True, kw_only=True)
class Answer(Outcome):
    """One statement that is verified, or one choice of a person or a job.

    Attributes:
        statement: the text, of "verify"; part, wording: its part, and whether it is "contained" or "implied".
        own: whether it is the person's, and not the other one's; p_yes: probability of Yes; accepted: whether that is
            above a half.
        overlap: share of the statement's content words in the profile that is shown.
        identified: of a choice, whether it is right; p_true: probability of the right option.
        statements: statements that a choice of a person rests on. Without any it is wrong.
        mass: probability that an option is said at all.
    """

    statement: str = ""
    part: str | None = None
    wording: str | None = None
    own: bool | None = None
    p_yes: Probability | None = None
    accepted: bool | None = None
    overlap: Score | None = None
    identified: bool | None = None
    p_true: Probability | None = None
    statements: int | None = None
    mass: Probability | None = None


VIEWS: Mapping[str, View] = {
    **{parts: View(task="verify", parts=parts) for parts in PARTS},
    "C padded": View(task="verify", parts="C", whose="own padded"),
    "other person": View(task="verify", parts="SPC", whose="other"),
    "no profile": View(task="verify", parts=""),
    **{f"identify {parts}": View(task="choose", wanted="person", parts=parts) for parts in ("S", "P", "C", "SPC")},
    "identify own words": View(task="choose", wanted="person", parts="SPC", whose="model"),
    "job from C": View(task="choose", wanted="job", parts="C"),
    "rule: shared words": View(task="choose", wanted="person", parts="SPC", rule="shared words"),
    "rule: shared words of own words": View(
        task="choose", wanted="person", parts="SPC", whose="model", rule="shared words"
    ),
    "rule: longest profile": View(task="choose", wanted="person", parts="SPC", rule="longest profile"),
}
