"""Self-Correction Bench: is an error mended less often in the model's own words than in the user's?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.correction.planted import (
    CONTROLS,
    GATE,
    METRICS,
    READABLE,
    WRONG,
    Planted,
    Planting,
    by_rule,
    set_against,
    told,
)
from experiments.correction.self_correction_bench.reading import standing
from experiments.correction.self_correction_bench.stimuli import near
from harness import (
    ArmedExperiment,
    Bars,
    Graded,
    Item,
    ItemError,
    Probability,
    Prompt,
    Subject,
    graded,
    metrics,
    option_mass,
)
from harness.arms import Shared
from harness.calls.calls import Capability

ARMS = {
    "error in model": Planting(),
    "error in user": Planting(voice="user"),
    "wait": Planting(marker="wait"),
    "filler": Planting(marker="filler"),
    "correct prefill": Planting(planted="right"),
    "correct in user": Planting(voice="user", planted="right"),
    "wait after correct": Planting(planted="right", marker="wait"),
    "filler after correct": Planting(planted="right", marker="filler"),
    **CONTROLS,
}


@dataclass(frozen=True, kw_only=True)
class Bench(Planted):
    """One answer after a right or wrong one was planted.

    Attributes:
        kind: of the question.
        committed: whether the planted words end in "The answer is ..." ("after"), or stop before it ("before").
        p_right: probability of the right answer after "The correct answer is", given that the right or the wrong one
            is said there; it asks for no free text, so that a model that only stops cannot hide what it knows.
        mass: probability that either is said there.
    """

    kind: str
    committed: str
    p_right: Probability | None = None
    mass: Probability | None = None


@dataclass(frozen=True, kw_only=True)
class SelfCorrectionBench(ArmedExperiment[Planting, None]):
    """Models leave errors in their own words that they correct in the user's (the blind spot); "Wait" opens their eyes.

    Tsui 2025, "Self-Correction Bench", arXiv 2507.02778; easy questions and worked sums of our own, or GSM8K
    (task=gsm8k_errors).
    Item: "Which day comes after Monday?" The wrong answer is "The answer is Thursday.": in the model's own turn, which
    is left open and gone on from ("error in model"), or behind the question in the user's turn ("error in user"). The
    blind spot is (acc_user - acc_model) / acc_user, on the same items; the difference stands beside it (voice_gap),
    and where the model corrects less than a tenth of the user's errors there is no ratio.

    Arms: "wait" puts " Wait" after the model's words, "filler" a word that hints at nothing (" So"). "correct prefill",
    "correct in user", "wait after correct" and "filler after correct" have the right answer in place of the wrong one:
    not to keep it is a false alarm, which the paper does not measure. net_recovery is recovery less false alarms.
    "question alone" shows what the model can do. Rules see what is planted and not the question: keep, always wrong
    (changes every answer a little), coin.

    Differs from the paper: slips of 1 and 2 in either direction, so that no rule mends them; weekdays, months and sums
    in place of comparisons, counts and PRM800K; errors in GSM8K by rule and not by a model; the answer that stands is
    read by rule and not by a judge. As in the paper the user's turn holds question and error, and asks for nothing
    more. Of a model that thinks the error stands in its answer, after its own thought about the question: the paper
    puts it into the thought, which is another experiment.

    Attributes:
        max_tokens: cap on a reply (the paper: 1024); one that is cut is wrong.
    """

    arms: Sequence[str] = tuple(ARMS)
    max_tokens: Annotated[int, Ge(1)] = 96

    all_arms: ClassVar = ARMS
    texts: ClassVar = {
        "answer": "The answer is $value.",
        "wait": "Wait",
        "filler": "So",
        "read": "The correct answer is",
        "read_on": "$marker, the correct answer is",
    }
    papers: ClassVar = ("tsui2025selfcorrection",)
    outcome: ClassVar = Bench
    item_fields: ClassVar = ("question", "kind", "wrong", "right_steps", "wrong_steps", "committed")
    metrics: ClassVar = (
        *METRICS,
        *metrics.rates(recovery_by_kind="correct", by=("arm", "kind"), where=WRONG),
        *metrics.rates(recovery_by_commitment="correct", by=("arm", "committed"), where=WRONG),
        *metrics.mean_probabilities("p_right", where={"rule": "none"}),
        *metrics.mean_probabilities(option_mass="mass", where={"rule": "none"}),
    )
    gates: ClassVar = (GATE, READABLE, option_mass("p_right"))
    figures: ClassVar = (Bars("correct", by="kind", where={**WRONG, "rule": "none"}), Bars("correct", by="planted"))

    def capabilities(self) -> frozenset[Capability]:
        asked = any(arm.rule == "none" for arm in self.chosen.values())
        return frozenset({"generate", "choose"} if asked else ())

    async def begin(self, item: Item, subject: Subject, fitted: None) -> Shared[Planting, Bench]:
        return Shared(lambda arm: self.answer(arm, item, subject))

    async def ask(
        self, arm: Planting, common: Shared[Planting, Bench], item: Item, subject: Subject, fitted: None
    ) -> Bench:
        return await set_against(arm, common.get)

    async def answer(self, arm: Planting, item: Item, subject: Subject) -> Bench:
        """The row of an arm by itself."""
        kind, values = item.fields["kind"], {"wrong": item.fields["wrong"], "right": item.gold, "none": ""}
        planted = values[arm.planted]
        if values["wrong"] == values["right"]:
            raise ItemError(f"the wrong answer is the right one, {item.gold!r}; give the item another 'wrong'")
        if arm.rule != "none":
            return self.row(item, graded(item, by_rule(arm, planted, near(kind, planted), subject)), planted)
        prompt, read = self.prompts(arm, item, self.words(arm, item, planted))
        forms = {value: [f" {value}"] for value in (item.gold, item.fields["wrong"])}
        reply, choice = await asyncio.gather(
            subject.generate(prompt, max_tokens=self.max_tokens), subject.choose(read, forms)
        )
        row = self.row(item, standing(item, reply, planted, own_words=arm.voice == "model"), planted)
        p, mass = Probability(choice.p[item.gold]), Probability(choice.mass)
        return replace(row, tokens=reply.new_tokens, p_right=p, mass=mass)

    def words(self, arm: Planting, item: Item, planted: str) -> str:
        """The words that are planted; "" for none."""
        if not planted:
            return ""
        stated = [self.text("answer", value=planted)] if item.fields["committed"] == "after" else []
        return "\n".join([*item.fields[f"{arm.planted}_steps"], *stated])

    def prompts(self, arm: Planting, item: Item, words: str) -> tuple[Prompt, Prompt]:
        """The prompt that is answered freely, and the one behind which two answers are read."""
        question, lead = item.fields["question"], self.text("read")
        if arm.voice != "model":
            asked = "\n".join((question, words)) if "\n" in words else f"{question} {words}".strip()
            return Prompt.user(asked), Prompt.user(asked, lead)
        if arm.marker == "none":
            return Prompt.user(question, words), Prompt.user(question, f"{words} {lead}")
        marker = self.text(arm.marker)
        read = self.text("read_on", marker=marker)
        return Prompt.user(question, f"{words} {marker}"), Prompt.user(question, f"{words} {read}")

    def row(self, item: Item, given: Graded, planted: str) -> Bench:
        """The row of a graded answer."""
        return Bench(**told(given, planted), kind=item.fields["kind"], committed=item.fields["committed"])
