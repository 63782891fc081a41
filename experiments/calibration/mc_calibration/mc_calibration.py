"""Lettered multiple choice: is the model right as often as it says? (card parts A, B and E)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.calibration.mc_calibration.multiple_choice import TEXTS, Answer, Asked, Layout, ask, examples, layout
from experiments.calibration.mc_calibration.rows import Option, rows
from experiments.calibration.mc_calibration.temperature import best_temperature
from experiments.shared.surface import beyond_surface
from harness import (
    ArmedExperiment,
    Bars,
    Capability,
    Item,
    ItemError,
    Message,
    Metric,
    Reliability,
    Subject,
    metrics,
    option_mass,
    together,
)

Examples = Mapping[str, tuple[Message, ...]]
"""Items with their letters, as exchanges, by name (`Asked.told`)."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The fit on training items: examples and temperature."""

    examples: Examples
    temperature: float


PAIR, SCALED, BY_LETTER = ("p", "right"), ("p_scaled", "right"), ("arm", "letter")
TOP, RIGHT, TRUE = {"picked": True}, {"right": True}, {"form": "true-false", "letter": "A"}


@dataclass(frozen=True, kw_only=True)
class McCalibration(ArmedExperiment[Asked, Fitted]):
    """Asked lettered multiple choice, models are right about as often as the letters' probabilities say.

    Kadavath et al. 2022, "Language Models (Mostly) Know What They Know", arXiv 2207.05221, sections 2 and 3.
    Item: "What is the capital of France?" with (A) Madrid, (B) Paris, (C) Rome, (D) Berlin. One call reads the next
    letter after "Answer: ("; p of an option is the probability of its letter over the sum for all letters shown. The
    confidence is the p of the most probable option; `rms_all_options` and the reliability diagram take all options.

    Forms: the text of the last option overwritten by "none of the above" (nota); the right answer and a wrong one
    proposed and judged (A) True or (B) False, without the options (true-false); p averaged over all k rotations of the
    k options, which takes the letters' own appeal off (cyclic). An item with "all of the above" or the like keeps its
    order and has no row in nota and cyclic. The metrics `letter_...` show the letters' remaining appeal.

    Examples show the form, and how often each letter is right, besides what is right. In few-shot shuffled the same
    examples have the right letters of each other, and tell the first two alone. Of a model that thinks, two arms are
    asked after no thought, and after its own about the question.

    One temperature for all arms, as the paper has one for all tasks, is fitted on training items that are no examples,
    asked in all arms but the shuffled one.
    It changes no answer and no order of the options of a question. `nll_gain` above 0: it pays on the test items.

    Attributes:
        shots: examples of the few-shot arms (the paper: 5), the same for items of all subjects.
        tuning: training items that the temperature is fitted on; 0 leaves it at 1.
        shuffle: whether options are put in an order of their own; the paper keeps the data's.
    """

    arms: Sequence[str] = ("zero-shot", "few-shot", "few-shot shuffled", "few-shot nota", "few-shot true-false")
    shots: Annotated[int, Ge(1)] = 5
    tuning: Annotated[int, Ge(0)] = 20
    shuffle: bool = True

    all_arms: ClassVar = {
        "zero-shot": Asked(),
        "zero-shot nota": Asked(form="nota"),
        "zero-shot true-false": Asked(form="true-false"),
        "zero-shot cyclic": Asked(form="cyclic"),
        "zero-shot no thought": Asked(thought="none"),
        "zero-shot own thought": Asked(thought="own"),
        "few-shot shuffled": Asked(examples="shuffled"),
        "few-shot": Asked(examples="own"),
        "few-shot nota": Asked(form="nota", examples="own"),
        "few-shot true-false": Asked(form="true-false", examples="own"),
        "few-shot cyclic": Asked(form="cyclic", examples="own"),
    }
    texts: ClassVar = TEXTS
    papers: ClassVar = ("kadavath2022language",)
    outcome: ClassVar = Option
    item_fields: ClassVar = ("stem", "choices")
    metrics: ClassVar = (
        *metrics.each(("right",), metrics.accuracy, where=TOP),
        *metrics.each(PAIR, metrics.ece_equal_width, metrics.ece_adaptive, metrics.ece_equal_count, where=TOP),
        *metrics.each(PAIR, metrics.overconfidence, metrics.brier, metrics.brier_skill, metrics.auroc, where=TOP),
        *metrics.each(PAIR, metrics.nll, where=RIGHT),
        Metric("rms_all_options", metrics.rmsce_equal_count, PAIR),
        *(Metric(f"{n}_all_options", m, PAIR) for n, m in (("ece", metrics.ece_equal_width), ("brier", metrics.brier))),
        *metrics.each(PAIR, metrics.calibration_slope, where=TOP),
        *metrics.means("temperature", where=TOP),
        *metrics.mean_probabilities(option_mass="mass", where=TOP),
        Metric("ece_after_temperature", metrics.ece_equal_width, SCALED, where=TOP),
        *metrics.each(SCALED, metrics.overconfidence, suffix="_after_temperature", where=TOP),
        *metrics.each(SCALED, metrics.nll, suffix="_after_temperature", where=RIGHT),
        *metrics.means(nll_gain="gain", where=RIGHT),
        *metrics.each(PAIR, metrics.auroc, metrics.ece_equal_count, metrics.brier, prefix="p_true_", where=TRUE),
        *beyond_surface(PAIR, where=TOP),
        *beyond_surface(PAIR, prefix="p_true_", where=TRUE),
        *metrics.rates("picked", "right", prefix="letter_", by=BY_LETTER),
        *metrics.means("excess", prefix="letter_", by=BY_LETTER),
    )
    gates: ClassVar = (option_mass("p", "p_scaled", "right", "gain"),)
    figures: ClassVar = (Reliability("p", "right"), Bars("picked", by="letter"))

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"choose"})

    def train_items(self) -> int:
        return self.shots * any(arm.told for arm in self.chosen.values()) + self.tuning

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Fitted:
        """Examples from the first training items, then the temperature from the others, asked in every arm."""
        layouts = [layout(item, subject.random(f"layout {item.id}"), shuffle=self.shuffle) for item in train]
        # A small set gives fewer items than are wanted: both uses get their part of them.
        wanted = max(1, self.train_items())
        n_shown = -(-len(train) * (wanted - self.tuning) // wanted)  # rounded up
        shown, tuning = layouts[:n_shown], layouts[n_shown:]
        # Of two proposals one is shown: true and false in equal numbers, mixed.
        turns = subject.random("proposals").sample([i % 2 for i in range(len(shown))], len(shown))
        told = {
            arm.told: examples(
                arm.form, shown, turns, self.wording, subject.random("letters") if arm.examples == "shuffled" else None
            )
            for arm in self.chosen.values()
            if arm.told
        }
        arms = [arm for arm in self.chosen.values() if arm.examples != "shuffled"]
        asked = (self.tuned(arm, one, told, subject) for one in tuning for arm in arms)
        return Fitted(told, best_temperature([pair for some in await together(asked) for pair in some]))

    async def begin(self, item: Item, subject: Subject, fitted: Fitted) -> Layout:
        return layout(item, subject.random("layout"), shuffle=self.shuffle)

    async def ask(self, arm: Asked, common: Layout, item: Item, subject: Subject, fitted: Fitted) -> list[Option]:
        answers = await self.answers(arm, common, fitted.examples, subject)
        return [row for answer in answers for row in rows(answer, fitted.temperature, item)]

    async def tuned(
        self, arm: Asked, shown: Layout, told: Examples, subject: Subject
    ) -> list[tuple[tuple[float, ...], int]]:
        """For the temperature, the probabilities of a training item's options and which is right; none where the arm
        cannot be asked about it, as where a model that is to think does not."""
        try:
            return [(one.p, one.question.right) for one in await self.answers(arm, shown, told, subject)]
        except ItemError:
            return []

    async def answers(self, arm: Asked, shown: Layout, told: Examples, subject: Subject) -> list[Answer]:
        """The answer to each question of an arm; none where its form would make nonsense of the options."""
        return await ask(arm, shown, told.get(arm.told, ()), subject, self.wording)
