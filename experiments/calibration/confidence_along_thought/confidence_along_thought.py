"""Confidence along the model's own thought: its answer and confidence after growing shares of the thought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from experiments.calibration.confidence_along_thought.prompts import LETTERS, TEXTS, asked, expected, filler
from experiments.shared.surface import Surface, beyond_surface, surface
from experiments.shared.thoughts import NONE, own_thought
from harness import (
    Arm,
    ArmedExperiment,
    Curve,
    Graded,
    HarnessError,
    Item,
    JudgedAnswer,
    Metric,
    Probability,
    Reliability,
    Subject,
    Thought,
    graded,
    letter,
    metrics,
    option_mass,
    together,
)


@dataclass(frozen=True, kw_only=True)
class Read(Arm):
    """An arm with some thought before the answer.

    Attributes:
        thought: the model's own about this item, the one about another item, or filler without content.
        unread: whether the confidence in each answer is read without the thought that it comes from.
    """

    thought: Literal["own", "other", "filler"]
    unread: bool = False


@dataclass(frozen=True, kw_only=True)
class Stop(Surface, JudgedAnswer):
    """The answer after a part of a thought, and the model's confidence in it.

    Attributes:
        share: share of the thought that was read, in [0, 1].
        read: tokens of the thought before the answer; new_tokens: tokens of the thought, its marks and the answer.
        loss: (p - correct)^2, whose mean is the Brier score.
    """

    share: float
    read: int
    new_tokens: int
    loss: float


BY, WHOLE = ("arm", "share"), {"share": 1.0}


@dataclass(frozen=True, kw_only=True)
class ConfidenceAlongThought(ArmedExperiment[Read, tuple[Thought, ...]]):
    """Models that think get better calibrated as their thought unfolds.

    Yoon et al. 2025, "Reasoning Models Better Express Their Confidence", arXiv 2505.14489, the analysis by slopes.
    Item: "What is the capital of France?" The model thinks about it. Then 0, 10, ... 100 % of the tokens of its thought
    are put before its answer, closed by force, and it gives an answer and one of ten classes of confidence.

    Two controls show the effect of the thought's content: the same share of a thought about another item, and as many
    tokens of filler. A third tells better confidence from better answers: own unread has the answers of own, and reads
    the confidence in each without the thought. A constant confidence has the same Brier score in both. With `judged`
    "final" the confidence is read of the answer after the whole thought, so that all shares and arms have the same
    labels, and their metrics differ by the confidence alone.

    Slopes belong to a line over the share, from no thought to all of it: ten times the paper's, which are per step.
    The loss is the Brier score, which falls where calibration or ranking improves.

    Differs from the paper: confidence is the mean of the classes, weighted by the probabilities of their letters, and
    not one class that is said; no sentence in the thought has the model assess itself; the task's grader takes the
    place of a judge; the prompt is shorter. The paper has no controls.

    Attributes:
        shares: the shares of the thought after which the model is asked, in [0, 1].
        judged: the answer that the confidence is about: "so far" takes the one after the same share, as in the paper,
            "final" the one after the whole thought.
        others: training items whose thoughts are the control.
        max_tokens: cap on an answer; None takes the task's own.
    """

    arms: Sequence[str] = ("own", "own unread", "other", "filler")
    shares: Sequence[float] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    judged: Literal["so far", "final"] = "so far"
    others: Annotated[int, Ge(1)] = 20
    max_tokens: Annotated[int, Ge(1)] | None = None

    all_arms: ClassVar = {
        "own": Read(thought="own"),
        "own unread": Read(thought="own", unread=True),
        "other": Read(thought="other"),
        "filler": Read(thought="filler"),
    }
    texts: ClassVar = TEXTS
    papers: ClassVar = ("yoon2025reasoning",)
    outcome: ClassVar = Stop
    metrics: ClassVar = (
        *metrics.judged(by=BY),
        *beyond_surface(by=BY, where=WHOLE),
        *metrics.means(tokens_read="read", new_tokens="new_tokens", by=BY),
        *metrics.mean_probabilities(confidence="p", option_mass="mass", by=BY),
        Metric("accuracy_slope", metrics.slope, ("share", "correct")),
        Metric("confidence_slope", metrics.slope, ("share", "p")),
        Metric("brier_slope", metrics.slope, ("share", "loss")),
    )
    figures: ClassVar = (
        *(Curve(name, x="share") for name in ("confidence", "accuracy", "brier", "ece_equal_width", "auroc")),
        Reliability("p", "correct", by="share", where={"arm": "own"}),
    )
    gates: ClassVar = (option_mass("p", "loss"),)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.shares or not all(0 <= share <= 1 for share in self.shares):
            raise HarnessError(f"experiment.shares={list(self.shares)}: shares of a thought lie between 0 and 1")
        if len(set(self.shares)) < len(self.shares):
            raise HarnessError(f"experiment.shares={list(self.shares)}: a share is named twice")

    def train_items(self) -> int:
        return self.others if "other" in self.arms else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> tuple[Thought, ...]:
        """Thoughts about training items."""
        thoughts = await together(subject.think(asked(self.wording, item)) for item in train)
        found = tuple(thought for thought in thoughts if thought.tokens and thought.ended != "cut")
        if train and not found:
            raise HarnessError(NONE)
        return found

    async def begin(self, item: Item, subject: Subject, fitted: tuple[Thought, ...]) -> tuple[Thought, Graded | None]:
        """The model's own thought and, where all confidence is in it, the answer after it."""
        own = await own_thought(subject, asked(self.wording, item))
        return own, (await self._answer(item, subject, own))[0] if self.judged == "final" else None

    async def ask(
        self,
        arm: Read,
        common: tuple[Thought, Graded | None],
        item: Item,
        subject: Subject,
        fitted: tuple[Thought, ...],
    ) -> list[Stop]:
        own, final = common
        whole = own
        if arm.thought == "other":
            whole = subject.random("other").choice(fitted)
        elif arm.thought == "filler":
            whole = filler(self.wording, own, subject)

        async def stop(share: float) -> Stop:
            part = subject.first_part(whole, share)
            answer, tokens = (final, 0) if final else await self._answer(item, subject, part)
            lead = f"{self.wording['answer']} {answer.text}\n{self.wording['confidence']}"
            before = subject.first_part(own, 0.0) if arm.unread else part
            choice = await letter(subject, asked(self.wording, item).messages, lead, LETTERS, thought=before)
            p = expected(choice.p)
            return Stop(
                answer=answer.answer,
                correct=answer.correct,
                fate=answer.fate,
                p=p,
                mass=Probability(choice.mass),
                share=share,
                read=len(part.tokens),
                new_tokens=len(part.ids) + tokens,
                loss=(p - answer.correct) ** 2,
                **surface(item, answer.answer),
            )

        return await together(stop(share) for share in self.shares)

    async def _answer(self, item: Item, subject: Subject, thought: Thought) -> tuple[Graded, int]:
        """The answer after a thought, and its tokens."""
        stop = dict.fromkeys((*item.form.stop, f"\n{self.wording['confidence']}"))
        room = self.max_tokens or item.form.max_tokens
        reply = await subject.generate(asked(self.wording, item), max_tokens=room, stop=[*stop], thought=thought)
        return graded(item, reply), len(reply.tokens)
