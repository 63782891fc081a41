"""Reasoning about minds: does the trace before an answer carry it, and is the answer better than rules of places?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from experiments.theory_of_mind.rules import OF_PLACES
from experiments.theory_of_mind.tom_reasoning.prompts import TEXTS, asked
from experiments.theory_of_mind.tom_reasoning.rows import METRICS, REPLY, Reasoned, of_choice, of_option, of_reply
from experiments.theory_of_mind.tom_reasoning.traces import Trace, Whole, after, chosen, emptied, halved, reasoned
from harness import Arm, ArmedExperiment, Bars, Capability, Item, ItemError, Subject, option_mass, together
from harness.arms import Shared


@dataclass(frozen=True, kw_only=True)
class After(Arm):
    """What stands before the answer.

    Attributes:
        exact: the answer is the most probable option after <answer>, and not a text.
        trace: the model's own reasoning, its first half, none, or that about another item.
        told: the story before the question: its own, none, or another item's.
        rule: a rule of `rules.OF_PLACES` that answers in the model's place; "none" asks the model.
    """

    exact: bool = True
    trace: Literal["own", "half", "none", "swapped"] = "own"
    told: Literal["own", "none", "other"] = "own"
    rule: str = "none"


@dataclass(frozen=True, slots=True)
class Others:
    """Reasoning about training items, and their stories."""

    traces: tuple[Trace, ...]
    stories: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TomReasoning(ArmedExperiment[After, Others]):
    """A model that reasons about minds beats every rule of places, and loses its answer with its reasoning.

    Lu et al. 2025, "Do Theory of Mind Benchmarks Need Explicit Human-like Reasoning in Language Models?", arXiv
    2504.01698: its evaluation and the analysis of traces; any trained checkpoint can be named as the model.
    Item: "Where does Robin think that Kai thinks the key is?" after a story in which Kai has left before the key was
    moved. The model reasons between <think> and </think>, and answers between <answer> and </answer>.

    Arms: whole reply is all that the model writes, read as text: strictly, where the last <answer> equals the right
    option, and loosely, where it ends with it. The others read the exact probability of every option after <answer>:
    after the own trace, closed where the model did not, after half of it, none, and the trace of a training item whose
    question is of the same order. no story and shuffled story have no trace. Rules of places answer the same rows.

    Headroom is the accuracy less the best rule's; trace dependence is own trace less swapped trace, on the same
    items. short_traces above one half is the collapse of reasoning (a median trace below 20 tokens).

    Of a model that thinks by itself the trace is its own thought; the prompt opens <think> for any other. Differs from
    the paper: the question lists its options (`listed`), our wording, no training, Hi-ToM's half with prompts for
    chains of thought alone (task=hi_tom).

    Attributes:
        max_tokens: cap on a whole reply; on thought and answer each of a model that thinks by itself.
        listed: whether the question lists its options. The paper drops them.
        others: training items for swapped trace and shuffled story.
    """

    arms: Sequence[str] = (
        *(REPLY, "own trace", "half trace", "no trace", "swapped trace", "no story", "shuffled story"),
        *(f"rule: {rule}" for rule in OF_PLACES),
    )
    max_tokens: Annotated[int, Ge(1)] = 2048
    listed: bool = True
    others: Annotated[int, Ge(1)] = 15

    all_arms: ClassVar = {
        REPLY: After(exact=False),
        "own trace": After(),
        "half trace": After(trace="half"),
        "no trace": After(trace="none"),
        "swapped trace": After(trace="swapped"),
        "no story": After(trace="none", told="none"),
        "shuffled story": After(trace="none", told="other"),
        **{f"rule: {rule}": After(exact=False, rule=rule) for rule in OF_PLACES},
    }
    texts: ClassVar = TEXTS
    papers: ClassVar = ("lu2025tom", "he2023hitom")
    outcome: ClassVar = Reasoned
    item_fields: ClassVar = ("story", "asked", "choices", "places", "condition", "order")
    metrics: ClassVar = METRICS
    gates: ClassVar = (option_mass("correct", "p_gold"),)
    figures: ClassVar = (Bars("correct", by="order"),)

    def capabilities(self) -> frozenset[Capability]:
        asked = any(arm.rule == "none" for arm in self.chosen.values())
        return frozenset({"generate", "choose"}) if asked else frozenset()

    def train_items(self) -> int:
        return self.others if any(arm.trace == "swapped" or arm.told == "other" for arm in self.chosen.values()) else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Others:
        """The reasoning about training items that fit the context, and their stories."""

        async def trace(item: Item) -> list[Trace]:
            try:
                return [(await self.reasoned(item, subject)).trace]
            except ItemError:
                return []

        swapped = train if any(arm.trace == "swapped" for arm in self.chosen.values()) else ()
        found = await together(trace(item) for item in swapped)
        stories = dict.fromkeys(str(item.fields["story"]) for item in train)
        return Others(tuple(trace for some in found for trace in some), tuple(stories))

    async def begin(self, item: Item, subject: Subject, fitted: Others) -> Shared[str, Whole]:
        return Shared(lambda _: self.reasoned(item, subject))

    async def reasoned(self, item: Item, subject: Subject) -> Whole:
        """The model's reasoning about an item, and its answer."""
        question = asked(self.wording, item, item.fields["story"], listed=self.listed)
        return await reasoned(subject, question, item.fields["order"], self.max_tokens)

    async def ask(
        self, arm: After, common: Shared[str, Whole], item: Item, subject: Subject, fitted: Others
    ) -> list[Reasoned]:
        if arm.rule != "none":
            said = OF_PLACES[arm.rule](item.fields, subject.random("rules"))
            return [] if said is None else [of_option(item, said)]
        whole = await common.get("own")
        if not arm.exact:
            return [of_reply(item, whole)]
        trace = self.trace(arm, whole.trace, subject, fitted)
        told = {"own": item.fields["story"], "none": None}
        story = subject.random("story").choice(fitted.stories) if arm.told == "other" else told[arm.told]
        prompt = after(asked(self.wording, item, story, listed=self.listed), trace)
        return [of_choice(item, await chosen(subject, prompt, item.fields["choices"]), trace.tokens)]

    @staticmethod
    def trace(arm: After, own: Trace, subject: Subject, fitted: Others) -> Trace:
        """The trace of an arm."""
        match arm.trace:
            case "own":
                return own
            case "half":
                return halved(own, subject)
            case "none":
                return emptied(own)
        same = [trace for trace in fitted.traces if trace.order == own.order] or fitted.traces
        if not same:
            raise ItemError("no training item has reasoning that could be swapped in; raise experiment.others")
        return subject.random("swapped").choice(same)
