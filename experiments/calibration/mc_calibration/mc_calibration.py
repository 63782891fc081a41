"""Lettered multiple choice: is the model right as often as it says? (card parts A, B and E)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

from experiments.calibration.mc_calibration.multiple_choice import (
    Form,
    Layout,
    Question,
    at_temperature,
    best_temperature,
    layout,
    questions,
    unrotated,
)
from experiments.shared.demonstrations import reading
from harness import (
    Bars,
    Experiment,
    HarnessError,
    Item,
    Message,
    Metric,
    Outcome,
    Probability,
    Prompt,
    Reliability,
    Subject,
    metrics,
)
from harness.calls.calls import Capability
from harness.tasks.choices import LETTERS

Arm = Literal[
    "zero-shot", "zero-shot nota", "zero-shot true/false", "zero-shot cyclic",
    "few-shot", "few-shot nota", "few-shot true/false", "few-shot cyclic",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class OptionOutcome(Outcome):
    """One option of one question in one arm.

    Attributes:
        form: lettered, nota, true/false or cyclic.
        letter: the option's letter; in the cyclic form that of the first rotation.
        option: its text; proposed: the answer that is judged, "" where the options are the answers.
        right: whether it is the right one.
        p: probability of the letter given that one of the letters shown is said; sums to 1 over the options.
        p_scaled: the same at the temperature fitted on other items.
        picked: whether it is the most probable one (the first of equals).
        excess: p - 1/k for k options.
        gain: ln(p_scaled) - ln(p) of the option, in nats.
        mass: probability that any of the letters is said, the mean over rotations in the cyclic form.
        temperature: the one temperature of the run; at 0.01 or 100, the ends of its range, no temperature fits best.
    """

    form: str
    letter: str
    option: str
    proposed: str
    right: bool
    p: Probability
    p_scaled: Probability
    picked: bool
    excess: float
    gain: float
    mass: Probability
    temperature: float


@dataclass(frozen=True)
class Fitted:
    """What comes from training items: the examples of the few-shot arms by form, and the temperature."""

    blocks: Mapping[Form, tuple[Message, ...]]
    temperature: float


PAIR, SCALED = ("p", "right"), ("p_scaled", "right")
TOP, RIGHT, TRUE = {"picked": True}, {"right": True}, {"form": "true/false", "letter": "A"}
BY_LETTER = ("arm", "letter")


@dataclass(frozen=True, kw_only=True)
class McCalibration(Experiment):
    """Claim: asked lettered multiple choice, models are right about as often as the letters' probabilities say.

    Kadavath et al. 2022, "Language Models (Mostly) Know What They Know", arXiv 2207.05221, sections 2 and 3.
    Item: "What is the capital of France?" with (A) Madrid, (B) Paris, (C) Rome, (D) Berlin. One call reads the next
    letter after "Answer: ("; p of an option is that of its letter over those of all letters shown. The confidence is
    that of the most probable option; `rms_all_options` and the reliability diagram take all options.

    Arms: without examples (zero-shot) and with those of other items and their right letters (few-shot), each also with
    nota: the text of the last option is overwritten by "none of the above";
    true/false: the right answer and a wrong one are proposed and judged (A) True or (B) False, without the options;
    cyclic: p averaged over all k rotations of the k options, which takes the letters' own appeal off.

    The order of options is drawn from the run's seed. What is left of a letter's appeal, `letter_excess` (mean p
    less 1/k) and `letter_picked` beside `letter_right` show. An item with "all of the above" or the like keeps its
    order and has no row in nota and cyclic.

    One temperature for all arms, as the paper has one for all tasks, is fitted on training items that are no examples.
    It changes no answer and no order of the options of a question. `nll_gain` above 0: it pays on the test items.

    Attributes:
        arms: which arms run.
        shots: examples of the few-shot arms (the paper: 5), the same for all items, whatever their subject.
        tuning: training items that the temperature is fitted on; 0 leaves it at 1.
        shuffle: whether options are put in an order of their own; the paper keeps that of the data.
        parenthesis: end the prompt with " (" and read the letter. Set it to False for a tokenizer that merges "(A" into
            one token: then " (A" and " A" are read after the colon.

    Raises:
        HarnessError: no arm, or a number out of its range.
    """

    arms: Sequence[Arm] = ("zero-shot", "few-shot", "few-shot nota", "few-shot true/false")
    shots: int = 5
    tuning: int = 20
    shuffle: bool = True
    parenthesis: bool = True

    outcome: ClassVar = OptionOutcome
    item_fields: ClassVar = ("stem", "choices")
    metrics: ClassVar = (
        *metrics.each(("right",), metrics.accuracy, where=TOP),
        *metrics.each(PAIR, metrics.ece_equal_width, metrics.ece_adaptive, metrics.ece_equal_count, where=TOP),
        *metrics.each(PAIR, metrics.overconfidence, metrics.brier, metrics.auroc, where=TOP),
        *metrics.each(PAIR, metrics.nll, where=RIGHT),
        Metric("rms_all_options", metrics.rmsce_equal_count, PAIR),
        Metric("ece_all_options", metrics.ece_equal_width, PAIR),
        Metric("brier_all_options", metrics.brier, PAIR),
        *metrics.means("temperature", option_mass="mass", where=TOP),
        Metric("ece_after_temperature", metrics.ece_equal_width, SCALED, where=TOP),
        *metrics.each(SCALED, metrics.overconfidence, suffix="_after_temperature", where=TOP),
        *metrics.each(SCALED, metrics.nll, suffix="_after_temperature", where=RIGHT),
        *metrics.means(nll_gain="gain", where=RIGHT),
        *metrics.each(PAIR, metrics.auroc, metrics.ece_equal_count, metrics.brier, prefix="p_true_", where=TRUE),
        *metrics.rates("picked", "right", prefix="letter_", by=BY_LETTER),
        *metrics.means("excess", prefix="letter_", by=BY_LETTER),
    )
    figures: ClassVar = (Reliability("p", "right"), Bars("picked", by="letter"))

    def __post_init__(self) -> None:
        if not self.arms or self.tuning < 0 or (self.shots < 1 and self._few_shot):
            raise HarnessError(
                "experiment: arms must name one, shots be 1 or more for the few-shot arms, and tuning 0 or more"
            )

    @property
    def _few_shot(self) -> bool:
        return any(arm.startswith("few-shot") for arm in self.arms)

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"choose"})

    def train_items(self) -> int:
        return (self.shots if self._few_shot else 0) + self.tuning

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Fitted:
        """Examples from the first training items, then the temperature from the others, asked in every arm."""
        layouts = [layout(item, subject.random(f"layout {item.id}"), shuffle=self.shuffle) for item in train]
        shown = layouts[: len(train) - self.tuning]
        # Of two proposals one is shown: true and false in equal numbers, mixed.
        turns = subject.random("proposals").sample([i % 2 for i in range(len(shown))], len(shown))
        blocks = {form: _blocks(form, shown, turns) for form in map(_form, self.arms)}
        asked = (self._ask(subject, arm, blocks, one) for one in layouts[len(shown) :] for arm in self.arms)
        answers = [answer for some in await asyncio.gather(*asked) for answer in some]
        return Fitted(blocks, best_temperature([(answer.p, answer.question.right) for answer in answers]))

    async def protocol(self, item: Item, subject: Subject, fitted: Fitted) -> list[OptionOutcome]:
        shown = layout(item, subject.random("layout"), shuffle=self.shuffle)
        answers = await asyncio.gather(*(self._ask(subject, arm, fitted.blocks, shown) for arm in self.arms))
        return [row for some in answers for answer in some for row in answer.rows(fitted.temperature)]

    async def _ask(
        self, subject: Subject, arm: Arm, blocks: Mapping[Form, tuple[Message, ...]], shown: Layout
    ) -> list[_Answer]:
        """The probabilities of the options of each question of an arm."""
        form = _form(arm)
        asked = questions(form, shown)
        before = blocks[form] if arm.startswith("few-shot") else ()

        async def ask(question: Question) -> _Answer:
            letters = LETTERS[: len(question.options)]
            end, options = reading({letter: letter for letter in letters}, parenthesis=self.parenthesis)
            said = Prompt((*before, Message("user", question.text)), question.lead + end)
            choice = await subject.choose(said, options)
            return _Answer(arm, question, [choice.p[letter] for letter in letters], choice.mass)

        answers = list(await asyncio.gather(*map(ask, asked)))
        if form == "cyclic" and answers:
            p = unrotated([answer.p for answer in answers])
            return [_Answer(arm, asked[0], p, math.fsum(answer.mass for answer in answers) / len(answers))]
        return answers


@dataclass(frozen=True)
class _Answer:
    arm: Arm
    question: Question
    p: list[float]
    mass: float

    def rows(self, temperature: float) -> list[OptionOutcome]:
        """One row per option."""
        scaled = at_temperature(self.p, temperature)
        top = self.p.index(max(self.p))
        return [
            OptionOutcome(
                arm=self.arm,
                form=_form(self.arm),
                letter=LETTERS[at],
                option=option,
                proposed=self.question.proposed,
                right=at == self.question.right,
                p=Probability(self.p[at]),
                p_scaled=Probability(scaled[at]),
                picked=at == top,
                excess=self.p[at] - 1 / len(self.p),
                gain=math.log(max(scaled[at], 1e-12)) - math.log(max(self.p[at], 1e-12)),
                mass=Probability(self.mass),
                temperature=temperature,
            )
            for at, option in enumerate(self.question.options)
        ]


def _form(arm: Arm) -> Form:
    return cast(Form, arm.partition(" ")[2] or "lettered")


def _blocks(form: Form, shown: Sequence[Layout], turns: Sequence[int]) -> tuple[Message, ...]:
    """The examples of a form; `turns` says which of two proposals is shown."""
    asked = [
        (questions("lettered" if form == "cyclic" else form, one), turn) for one, turn in zip(shown, turns, strict=True)
    ]
    return tuple(message for some, turn in asked if some for message in some[turn % len(some)].block)
