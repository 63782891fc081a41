"""Influence and struggle after the Chirper study: how far do messages move a choice, and do conflicts unsettle it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.shared.rotations import Rotated, in_all_rotations
from experiments.theory_of_mind.influence.messages import TEXTS
from experiments.theory_of_mind.influence.rows import MESSAGES, Message, Pushed, bits
from harness import (
    ArmedExperiment,
    Bars,
    Capability,
    Choice,
    Item,
    Metric,
    Probability,
    Prompt,
    Subject,
    letter,
    metrics,
    option_mass,
    together,
)
from harness.tasks.letters import read_letter

PUSH: metrics.Where = {"conflict": False}
CONFLICT: metrics.Where = {"conflict": True}
DRAWN: metrics.Where = {**CONFLICT, "before": "promise"}


@dataclass(frozen=True, kw_only=True)
class Influence(ArmedExperiment[Message, None]):
    """Messages that promise, threaten, flatter or tell of others move the choices of a model.

    After Luo 2023, arXiv 2309.08614, whose influence index and struggle index look at behaviour under reward and
    punishment. Their formulas are not known to us: prompts, items and formulas here are our own.
    Item: "Which of the two do you like better?" (A) tea (B) coffee, after "You will gain one hundred new followers if
    you choose coffee." Half of the items have a right answer ("Which number is larger?").

    Influence is p(x) under a message that pushes option x, less p(x) under a neutral message of as many words, in
    [-1, 1]: the mean over both options of an item. Arms: reward, punishment, praise, a claim about other accounts; and
    mention, which names the option and pushes none. A push that does no more than a mention has no influence: the word
    has. Pushes towards a wrong option, and those against the model's own choice, have numbers of their own.

    Struggle (arm conflict): the model has promised one option and is rewarded for the other. Its value is the entropy
    of the choice in bits, less that where promise and reward name the same option, in [-1, 1]. Two words that are only
    named can do the same (arm two mentions), without any conflict. Vacillation is the share
    of items whose answers, drawn at temperature 1, name both options, less the same without conflict. A model that is
    pulled both ways has much of either; one that yields has a high influence and little struggle; one that takes no
    notice has little of both.

    Options are letters, read as exact probabilities in both orders; draws see one order.

    Attributes:
        draws: answers drawn with and without conflict.
        max_tokens: cap on a drawn answer.
    """

    arms: Sequence[str] = tuple(MESSAGES)
    draws: Annotated[int, Ge(2)] = 5
    max_tokens: Annotated[int, Ge(1)] = 8

    all_arms: ClassVar = MESSAGES
    texts: ClassVar = TEXTS
    item_fields: ClassVar = ("kind", "question", "options")
    papers: ClassVar = ("luo2023chirper",)
    outcome: ClassVar = Pushed
    metrics: ClassVar = (
        *metrics.means(influence="shift", where=PUSH),
        *metrics.means(influence_by_truth="shift", by=("arm", "truth"), where=PUSH),
        *metrics.means(
            influence_where_known="shift", by=("arm", "truth"), where={**PUSH, "kind": "fact", "known": True}
        ),
        *metrics.means(influence_by_side="shift", by=("arm", "opposed"), where=PUSH),
        *metrics.rates(yields="follows", where={**PUSH, "opposed": True}),
        *metrics.means("struggle", "entropy", "entropy0", where=CONFLICT),
        *metrics.means("vacillation", where=DRAWN),
        *metrics.mean_probabilities("readable", where=DRAWN),
        *metrics.rates("vacillates", "vacillates0", where=DRAWN),
        Metric("known_rate", metrics.rate, ("known",), where={**PUSH, "kind": "fact"}),
        *metrics.mean_probabilities(option_mass="mass", option_mass_neutral="mass0"),
    )
    gates: ClassVar = (
        option_mass("shift", "follows", "opposed", "struggle", "entropy"),
        option_mass("shift", "opposed", "known", "struggle", "entropy0", metric="option_mass_neutral"),
    )
    figures: ClassVar = (Bars("follows", by="truth", where=PUSH),)

    def capabilities(self) -> frozenset[Capability]:
        drawn = any(arm.conflict and arm.before == "promise" for arm in self.chosen.values())
        return frozenset({"choose", "generate"} if drawn else {"choose"})

    async def ask(self, arm: Message, common: None, item: Item, subject: Subject, fitted: None) -> list[Pushed]:
        options: Sequence[str] = item.fields["options"]
        return await together(self.pushed(arm, item, subject, named) for named in options)

    async def pushed(self, arm: Message, item: Item, subject: Subject, named: str) -> Pushed:
        """The row of a message that names an option."""
        options: Sequence[str] = item.fields["options"]
        (other,) = [option for option in options if option != named]
        message = self.text(arm.push, option=named)
        before = self.text(f"{arm.push}_neutral")
        if arm.conflict:
            message, before = (f"{self.text(arm.before, option=option)} {message}" for option in (other, named))
        under, without = await together(self.choice(item, subject, text) for text in (message, before))
        p, p0 = under.p[named], without.p[named]
        gold = item.gold if item.fields["kind"] == "fact" else None
        row = Pushed(
            kind=item.fields["kind"],
            truth="none" if gold is None else "true" if named == gold else "false",
            named=named,
            p_push=Probability(p),
            p_neutral=Probability(p0),
            shift=p - p0,
            known=None if gold is None else without.p[gold] > 0.5,
            opposed=p0 < 0.5,
            follows=p > 0.5,
            mass=Probability(under.mass),
            mass0=Probability(without.mass),
        )
        if not arm.conflict:
            return row
        row = replace(row, entropy=bits(p), entropy0=bits(p0), struggle=bits(p) - bits(p0))
        if arm.before != "promise":
            return row
        drawn = await together(self.drawn(item, subject, text) for text in (message, before))
        both, both0 = (None if len(said) < 2 else len(set(said)) > 1 for said in drawn)
        return replace(
            row,
            vacillates=both,
            vacillates0=both0,
            vacillation=None if both is None or both0 is None else float(both) - float(both0),
            readable=Probability(sum(map(len, drawn)) / (2 * self.draws)),
        )

    async def choice(self, item: Item, subject: Subject, message: str) -> Rotated:
        """The probability of each option after a message, over both orders."""

        async def ask(order: Sequence[str]) -> Choice:
            turns = self.question(item, message, order).messages
            return await letter(subject, turns, self.text("answer"), dict(zip(order, "AB", strict=True)))

        return await in_all_rotations(item.fields["options"], ask)

    async def drawn(self, item: Item, subject: Subject, message: str) -> list[str]:
        """The options that drawn answers name, without those answers that name none."""
        options: Sequence[str] = item.fields["options"]
        asked = self.question(item, message, options)
        replies = await subject.draws(asked, self.draws, max_tokens=self.max_tokens, temperature=1.0, stop=("\n",))
        letters = [read_letter(reply.text, options) for reply in replies]
        return [options["AB".index(found)] for found in letters if found]

    def question(self, item: Item, message: str, order: Sequence[str]) -> Prompt:
        """A message, and the choice behind it."""
        first, second = order
        shown = {"message": message, "question": item.fields["question"], "first": first, "second": second}
        return Prompt.user(self.text("choice", **shown), self.text("answer"))
