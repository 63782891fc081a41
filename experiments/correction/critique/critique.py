"""Critique and correction: can a model judge answers, its own and others', and does its judgement mend them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

from annotated_types import Ge, Gt

from experiments.correction.chains import READABLE_AFTER, State, answered_after, pooled, revision, total, vote
from experiments.correction.critique.certainty import certainty, certainty_correlation
from experiments.correction.critique.prompts import TEXTS
from experiments.correction.critique.reviewing import GREEDY, Answer, Desk, Review, shown_to
from experiments.correction.critique.rows import ARMS, CORRECTED, SAMPLED, Critic, Critiqued, Words
from experiments.correction.critique.verdicts import released_label
from experiments.correction.given import given
from experiments.shared.critique import READABLE
from experiments.shared.critique import Critique as Written
from experiments.shared.other_critiques import Other, collected
from harness import ArmedExperiment, Bars, HarnessError, Item, Metric, Subject, Transitions, metrics, option_mass
from harness import Probability as P
from harness.arms import Shared, together

JUDGED, EXACT = {"judged": True}, {"exact": True}
SAID, RELEASED, RIGHT = ("says_wrong", "wrong"), ("released", "wrong"), ("verdict_right", "wrong")
CERTAIN = ("certainty", "verdict_right", "wrong")
CALLS = 3
"""Of the arm own: the answer, its critique and its correction."""


class Asked(NamedTuple):
    """Calls that the arms of an item share: the model's own answers by draw, and its reviews by words and answer."""

    desk: Desk
    own: Shared[int, Answer]
    reviews: Shared[tuple[Words, str], Review]


@dataclass(frozen=True, kw_only=True)
class Critique(ArmedExperiment[Critic, tuple[Other, ...]]):
    """Claim: judging whether an answer is right is hard, and harder for one's own; a critique helps to correct it.

    A: Luo et al. 2023, "Critique Ability of Large Language Models", arXiv 2310.04815: verdicts on given and on own
    answers, and a vote over the own ones that were judged right (self-check). B: Lin et al. 2024, "CriticBench", arXiv
    2402.14809: a verdict, then a correction. A third CriticBench (Lan et al. 2024, now CriticEval) is another set.
    Item: "Ivo has 52 shells. Then Ivo finds 14 more. Then Ivo loses 9. How many shells does Ivo have now?" with the
    answers "52 + 14 = 66, 66 - 9 = 57. The answer is 57." and "52 + 14 = 76, 76 - 9 = 67. The answer is 67."

    Every answer is reviewed, and corrected after the review. critique says "your previous answer", as B does of answers
    of others; neutral does not. own: the model's own answer. Controls see the same answers: gold verdict (an oracle),
    always wrong, a coin's verdict, no critique (empty), and the critique of another item with the same verdict
    (shuffled). "vote equal calls own" is a vote over as many answers as "own" takes calls; "vote equal calls" has the
    cost of self-check. "self-check oracle" drops what is in fact wrong: never set it beside the others.

    F1 is on the answers that are wrong. `f1_released` reads verdicts as B's release does: one that cannot be read
    counts as the mistaken one. `f1` leaves these rows out, and their number is told. F1 rewards harsh judges: the arm
    "always wrong" has 2p/(1 + p) at a share p of wrong answers. Rows of all sets are pooled, as in B. In
    `balanced_accuracy` a verdict that cannot be read is mistaken; `balanced_accuracy_readable` leaves it out.

    Differs: a chat prompt, greedy (A: few-shot; B: raw completion with examples, the arm few-shot with
    experiment.prompts, after which no exact verdict is read); short answers for small models (B: 512 tokens). Left out:
    B's JSON forms, and scores of critique-tuned models.

    Attributes:
        samples: sampled answers of each vote (A: 64); the votes at equal calls take more.
        others: training items, whose given answers are reviewed for the arm shuffled.
        temperature: of sampled answers and of their corrections.
        max_tokens: cap on an answer and on a correction.
        critique_tokens: cap on a critique. One that is cut has no verdict.
        prompts: folder src/prompt of CriticBench's release, for the arm few-shot.

    Raises:
        HarnessError: the arm few-shot without that folder.
    """

    arms: Sequence[str] = (*CORRECTED, *SAMPLED)
    samples: Annotated[int, Ge(1)] = 3
    others: Annotated[int, Ge(1)] = 8
    temperature: Annotated[float, Gt(0)] = 0.7
    max_tokens: Annotated[int, Ge(1)] = 96
    critique_tokens: Annotated[int, Ge(1)] = 96
    prompts: Path | None = None

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    papers: ClassVar = ("luo2023critique", "lin2024criticbench")
    outcome: ClassVar = Critiqued
    item_fields: ClassVar = ("question", "responses")
    metrics: ClassVar = (
        *metrics.each(RELEASED, metrics.f1, suffix="_released", where=JUDGED),
        *metrics.each(SAID, metrics.f1, where=JUDGED),
        *metrics.each(RIGHT, metrics.balanced_accuracy, where=JUDGED),
        *metrics.each(RIGHT, metrics.balanced_accuracy, suffix="_readable", where={**JUDGED, "parse_failed": False}),
        *metrics.each(RELEASED, metrics.f1, suffix="_released_by_source", by=("arm", "source"), where=JUDGED),
        *metrics.each(RELEASED, metrics.f1, suffix="_released_by_kind", by=("arm", "kind"), where=JUDGED),
        Metric("verdict_accuracy", metrics.accuracy, ("verdict_right",), where=JUDGED),
        *metrics.rates("wrong", "says_wrong", "parse_failed", suffix="_rate", where=JUDGED),
        *metrics.each(("p_wrong", "wrong"), metrics.auroc, metrics.ece_equal_width, suffix="_wrong", where=EXACT),
        *metrics.mean_probabilities(option_mass="mass", where=EXACT),
        *metrics.transitions(),
        *answered_after(),
        Metric("certainty_correlation", certainty_correlation, CERTAIN, where={"answers": "drawn"}),
        *metrics.mean_probabilities("certainty", "kept", prefix="mean_", where={"answers": "votes"}),
        *metrics.rates("same_verdict", suffix="_rate", where={"critique": "other"}),
        *metrics.means("calls", "prompt_tokens", "new_tokens", prefix="mean_"),
    )
    gates: ClassVar = (option_mass("p_wrong"), READABLE, READABLE_AFTER)
    figures: ClassVar = (Transitions("before", "after"), Bars("verdict_right", by="source", where=JUDGED))

    def __post_init__(self) -> None:
        super().__post_init__()
        if "few-shot" in self.arms and self.prompts is None:
            raise HarnessError("experiment.arms: few-shot needs experiment.prompts=FOLDER, src/prompt of CriticBench")

    def train_items(self) -> int:
        return self.others if "shuffled" in self.arms else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> tuple[Other, ...]:
        """The critiques of the answers that were given to training items."""

        async def reviewed(desk: Desk) -> list[Written]:
            reviews = await together(desk.review("previous", state.grade.text) for state in given(desk.item))
            return [review.critique for review in reviews]

        return await collected(reviewed(self.desk(item, subject)) for item in train)

    def desk(self, item: Item, subject: Subject) -> Desk:
        sizes = {"max_tokens": self.max_tokens, "critique_tokens": self.critique_tokens}
        return Desk(subject, item, self.wording, self.prompts, temperature=self.temperature, **sizes)

    async def begin(self, item: Item, subject: Subject, fitted: tuple[Other, ...]) -> Asked:
        desk = self.desk(item, subject)
        return Asked(desk, Shared(desk.own), Shared(lambda key: desk.review(*key)))

    async def ask(
        self, arm: Critic, common: Asked, item: Item, subject: Subject, fitted: tuple[Other, ...]
    ) -> list[Critiqued]:
        if arm.answers == "votes":
            return [await self.voted(arm, common)]
        if arm.answers == "given":
            answers = [Answer(state) for state in given(item)]
        else:
            answers = await together(map(common.own.get, range(self.samples) if arm.answers == "drawn" else [GREEDY]))
        sure = certainty([answer.state for answer in answers]) if arm.answers == "drawn" else None
        rows = await together(self.corrected(arm, answer, common, fitted) for answer in answers)
        return [replace(row, chain=at, certainty=sure) for at, row in enumerate(rows)]

    async def corrected(self, arm: Critic, answer: Answer, common: Asked, fitted: Sequence[Other]) -> Critiqued:
        """The row of an answer with its verdict and its correction."""
        wrong, desk = not answer.state.grade.correct, common.desk
        asks = arm.critique in ("model", "other")
        review = await common.reviews.get((arm.words, answer.text)) if asks else None
        shown = shown_to(arm, answer, review, desk.subject, fitted)
        after = await desk.correct(answer, shown.text, arm.words, answer.state.cost + shown.cost)
        released = None if shown.text is None else released_label(shown.text, wrong=wrong)
        return self.row(answer.state, after, desk.item, wrong=wrong, released=released, **shown.columns(wrong))

    async def voted(self, arm: Critic, common: Asked) -> Critiqued:
        """The row of a vote, beside that over all candidates."""
        n = {"self-check": 2 * self.samples, "correction": CALLS}.get(arm.keeps, self.samples)
        answers = await together(map(common.own.get, range(max(n, self.samples))))
        states = [answer.state for answer in answers]
        first, kept, spent = states[: self.samples], states[:n], total(states[:n])
        if arm.keeps == "not judged wrong":
            reviews = await together(common.reviews.get((arm.words, answer.text)) for answer in answers)
            kept = [state for state, one in zip(states, reviews, strict=True) if not one.critique.says_wrong]
            spent = sum((one.cost for one in reviews), spent)
        elif arm.keeps == "not wrong":
            kept = [state for state in states if state.grade.correct]
        row = self.row(pooled(first), vote(kept or states, spent), common.desk.item)
        return replace(row, certainty=certainty(first), kept=P(len(kept) / n))

    def row(self, before: State, after: State, item: Item, **columns: Any) -> Critiqued:
        told: dict[str, Any] = {name: str(item.fields.get(name, "")) for name in ("source", "kind")}
        return Critiqued(**asdict(revision(before, after, turn=2)), **told, **columns)
