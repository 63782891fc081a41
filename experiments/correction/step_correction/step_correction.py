"""Step correction: does a model mend a wrong step in the solution that it is writing?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.correction.planted import GATE, METRICS, READABLE, WRONG, Planting, by_rule, set_against, told
from experiments.correction.step_correction.markers import MARKERS, first_marker
from experiments.correction.step_correction.rows import ARMS, SLIPS, Stepped
from harness import (
    ArmedExperiment,
    Bars,
    Graded,
    Item,
    ItemError,
    Metric,
    Prompt,
    Subject,
    Text,
    Transitions,
    graded,
    metrics,
    together,
)
from harness.arms import Shared
from harness.calls.calls import Capability
from harness.tasks.numbers import write_number

CHANGE, WITHOUT, MARKED = ("before", "correct"), ("went_on", "correct"), {"marked": True}


@dataclass(frozen=True, kw_only=True)
class StepCorrection(ArmedExperiment[Planting, None]):
    """A model that makes a wrong step goes on from it, unless it has been trained to mend its steps as it writes.

    Yan et al. 2024, "S3c-Math", arXiv 2409.01524: the test of the ability without the training, in the words of the
    injection test. Sums of our own.
    Item: "Ada has 40 stamps. Then Ada finds 7 more. Then Ada sells 12. Then Ada gets 5 more from a friend. How many
    stamps does Ada have now?" The model's solution is begun for it: "40 + 7 = 46" (injected) or "40 + 7 = 47" (clean),
    and it goes on.

    Arms: recovery is the share of right results after a wrong step, false alarms the share of wrong results after the
    right step, and net_recovery their difference. "flagged" puts "Wait," after the step, "filler" a word that hints at
    nothing ("So,"), and in "other voice" the user gives the same steps, which tells correcting oneself from finding an
    error. Each stands beside the same with the right step. "question alone" is a solution without any help. Rules see
    what follows from the steps, and not the question: keep, always wrong, coin. Where the model hardly gets to the
    right result from the right step either ("able" below 0.1), verdicts on mending are held back.

    A marker ("Wait", "let me check") that the model writes by itself is no correction yet: the reply is cut before the
    first one and closed by force ("The answer is"). The answer held there is set beside the whole reply's. Half a
    solution holds a wrong answer by itself, and would seem to be mended by going on: so the reply is also gone on with
    from there behind the filler, and marker_gain is the accuracy with the marker less that without.

    Differs from the paper: no training; a wrong step by rule (a digit off by one) and not from samples; all corrections
    of one reply are taken together. Of a model that thinks the steps stand in its answer, after its own thought about
    the problem.

    Attributes:
        max_tokens: cap on a reply; one that is cut is wrong.
        markers: phrases that announce a correction, in any capitals.
    """

    arms: Sequence[str] = tuple(ARMS)
    max_tokens: Annotated[int, Ge(1)] = 128
    markers: Sequence[str] = MARKERS

    all_arms: ClassVar = ARMS
    texts: ClassVar = {
        "solve": "$question\n\nSolve this step by step, with one calculation on each line. On the last line, write "
        '"The answer is" and the result.',
        "begun": "$solve\n\nHere are the first steps:\n$steps",
        "wait": "Wait,",
        "filler": "So,",
        "close": "The answer is",
    }
    papers: ClassVar = ("yan2024s3cmath", "tsui2025selfcorrection")
    outcome: ClassVar = Stepped
    metrics: ClassVar = (
        *METRICS,
        *metrics.rates(recovery_by_step="correct", by=("arm", "step"), where=WRONG),
        *metrics.rates(recovery_by_flaw="correct", by=("arm", "flaw"), where=WRONG),
        *metrics.rates(marker_rate="marked", missed_rate="missed", where={"rule": "none"}),
        *metrics.rates(marked_change_rate="changed", where=MARKED),
        *metrics.transitions(*CHANGE, fates=False, prefix="marked_", where=MARKED),
        Metric("marker_gain", metrics.delta, WITHOUT, where=MARKED),
    )
    gates: ClassVar = (GATE, READABLE)
    figures: ClassVar = (
        Bars("correct", by="step", where={**WRONG, "rule": "none"}),
        Transitions(*CHANGE, where=MARKED),
    )

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate"} if any(arm.rule == "none" for arm in self.chosen.values()) else ())

    async def begin(self, item: Item, subject: Subject, fitted: None) -> Shared[Planting, Stepped]:
        return Shared(lambda arm: self.answer(arm, item, subject))

    async def ask(
        self, arm: Planting, common: Shared[Planting, Stepped], item: Item, subject: Subject, fitted: None
    ) -> Stepped:
        return await set_against(arm, common.get)

    async def answer(self, arm: Planting, item: Item, subject: Subject) -> Stepped:
        """The row of an arm by itself."""
        fields = item.fields
        if arm.planted != "none" and "wrong_steps" not in fields:
            raise ItemError(
                "the item has no first steps; take task=planted_steps or task=gsm8k_steps, or "
                "experiment.arms='[question alone]'"
            )
        led_to = {"wrong": fields.get("carried", ""), "right": item.gold, "none": ""}[arm.planted]
        if arm.rule != "none":
            near = [write_number(Fraction(led_to) + slip) for slip in SLIPS]
            return self.row(item, graded(item, by_rule(arm, led_to, near, subject)), led_to)
        prompt = self.prompt(arm, item)
        reply = await subject.generate(prompt, max_tokens=self.max_tokens)
        row = replace(self.row(item, graded(item, reply), led_to), tokens=reply.new_tokens, marked=False)
        at = first_marker(reply.text, self.markers, known=fields["question"] if arm.voice == "none" else None)
        if at is None:
            return replace(row, missed=not row.correct)
        if reply.thought and reply.thought.again:  # nothing can be put behind a part of such a reply
            return replace(row, marked=True, missed=False)
        held, went_on = await together(ask(prompt, reply, at, item, subject) for ask in (self.held, self.went_on))
        row = replace(row, marked=True, missed=False, changed=held.answer != row.answer, went_on=went_on.correct)
        return replace(row, before=held.correct, answer_before=held.answer)

    def prompt(self, arm: Planting, item: Item) -> Prompt:
        """The problem and, in the model's turn or in the user's, the first steps, each of which ends with its line."""
        solve = self.text("solve", question=item.fields["question"])
        if arm.planted == "none":
            return Prompt.user(solve)
        steps = "\n".join(item.fields[f"{arm.planted}_steps"])
        if arm.voice == "user":
            return Prompt.user(self.text("begun", solve=solve, steps=steps))
        return Prompt.user(solve, f"{steps}\n{'' if arm.marker == 'none' else self.text(arm.marker)}")

    async def held(self, prompt: Prompt, reply: Text, at: int, item: Item, subject: Subject) -> Graded:
        """The answer that a reply held at a place, after the thought that stood before it."""
        close = self.text("close")
        begun = f"{prompt.prefill}{reply.text[:at]}".rstrip()
        cut = replace(prompt, prefill=f"{begun}\n{close}" if begun else close).thinking(reply.thought)
        closed = await subject.generate(cut, max_tokens=16, stop=["\n"])
        return graded(item, f"{close}{closed.text}")

    async def went_on(self, prompt: Prompt, reply: Text, at: int, item: Item, subject: Subject) -> Graded:
        """The answer of a reply that goes on from a place behind the filler, and not behind its marker."""
        begun = f"{reply.text[:at]}{self.text('filler')}"
        cut = replace(prompt, prefill=f"{prompt.prefill}{begun}").thinking(reply.thought)
        more = await subject.generate(cut, max_tokens=self.max_tokens)
        return graded(item, f"{begun}{more.text}", cut=more.finish == "length")

    def row(self, item: Item, given: Graded, led_to: str) -> Stepped:
        """The row of a graded answer."""
        return Stepped(**told(given, led_to), step=item.fields.get("step"), flaw=item.fields.get("flaw", ""))
