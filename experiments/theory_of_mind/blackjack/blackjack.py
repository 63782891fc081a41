"""Blackjack: does a model decide by its own hand and by the dealer's likely one?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.shared.rotations import Rotated, in_all_rotations
from experiments.theory_of_mind.blackjack.odds import ACE, dealer_bust, loss, own_bust
from experiments.theory_of_mind.blackjack.rows import ARMS, Asked, Played
from experiments.theory_of_mind.blackjack.rules import RULES
from experiments.theory_of_mind.blackjack.task import CARDS, hand_of
from harness import (
    ArmedExperiment,
    Bars,
    Choice,
    Item,
    Probability,
    Prompt,
    Score,
    Subject,
    graded,
    metrics,
    option_mass,
)
from harness.calls.calls import Capability

DECISIONS: metrics.Where = {"about": "decision"}
READ: metrics.Where = {"rule": "none", "exact": True}


@dataclass(frozen=True, kw_only=True)
class Blackjack(ArmedExperiment[Asked, None]):
    """Claim: models hit and stand better than rules that do not weigh the dealer's card.

    Hou et al. 2024, "EgoSocialArena", arXiv 2410.06195 (Blackjack: own cards, dealer, decision).
    Item: "You hold a king and a six. The dealer shows an ace." Hit or stand? Best: hit, which loses .52 units on
    average, where standing loses .67.

    The right decision and the cost of the wrong one are computed from the rules (`odds`): infinitely many decks, the
    dealer stands on every 17 and has no blackjack, no doubling, splitting or surrender. Half of the hands are to be
    hit; on half of the others it is best to stand below 17, which only the dealer's card tells.
    "loss" is the graded measure: expected units given away per decision, so that a close decision weighs little.

    Arms: options (both by exact probability, in both orders) and free (a short text); no story (without the cards) and
    shuffled story (the cards of another hand); rules on the same hands. Beliefs are asked for as the paper does, and
    read as probabilities of Yes, in both orders: own bust (would one more card take the hand above 21?) and dealer bust
    (will the dealer end above 21?). Their rank correlation with the true chance says what the cards make likely to the
    model. Much of it is reached by the bare number, the total of the hand or a low card of the dealer's, which
    correlates on the same rows. There are ten ranks: the interval of the dealer's is about further hands, not about
    further ranks.

    Differs from the paper: basic strategy in place of a judge who gives up to 100 points, and three short questions in
    place of one report.

    Attributes:
        max_tokens: cap on the free answer; it ends at a line break anyway.
    """

    arms: Sequence[str] = (*ARMS, *(f"rule: {rule}" for rule in RULES))
    max_tokens: Annotated[int, Ge(1)] = 24

    all_arms: ClassVar = {**ARMS, **{f"rule: {rule}": Asked(rule=rule, exact=False) for rule in RULES}}
    texts: ClassVar = {
        "rules": "You are playing blackjack with many decks. An ace counts 1 or 11; jacks, queens and kings count 10. "
        "The dealer draws up to 16, stands on 17 or more, and has no blackjack. You may only hit or stand.",
        "hand": "You hold $cards. The dealer shows $up.",
        "decision": "Do you $first or $second? Answer $first or $second.",
        "own_bust": "If you took one more card, would your hand go above 21? Answer $first or $second.",
        "dealer_bust": "Will the dealer's hand end above 21? Answer $first or $second.",
        "lead": "Answer:",
    }
    papers: ClassVar = ("hou2024egosocialarena",)
    outcome: ClassVar = Played
    item_fields: ClassVar = ("cards", "up", "other_cards", "other_up")
    metrics: ClassVar = (
        *metrics.graded(where=DECISIONS),
        *metrics.means("loss", where=DECISIONS),
        *metrics.each(("correct",), metrics.accuracy, suffix="_by_softness", by=("arm", "soft"), where=DECISIONS),
        *metrics.mean_probabilities("p_gold", where={**DECISIONS, **READ}),
        *metrics.each(("p", "chance"), metrics.spearman, where={"about": "own_bust"}, prefix="own_bust_"),
        *metrics.each(("p", "chance"), metrics.spearman, where={"about": "dealer_bust"}, prefix="dealer_bust_"),
        *metrics.each(("number", "chance"), metrics.spearman, where={"about": "own_bust"}, prefix="own_total_"),
        *metrics.each(("number", "chance"), metrics.spearman, where={"about": "dealer_bust"}, prefix="dealer_card_"),
        *metrics.means("listed_first", where=READ),
        *metrics.mean_probabilities(option_mass="mass", where=READ),
    )
    gates: ClassVar = (option_mass("correct", "loss", "p", "p_gold", "listed_first"),)
    figures: ClassVar = (
        Bars("correct", by="up", where={**DECISIONS, **READ}),
        Bars("correct", by="soft", where=DECISIONS),
    )

    def capabilities(self) -> frozenset[Capability]:
        asked = [arm for arm in self.chosen.values() if arm.rule == "none"]
        return frozenset({"choose" if arm.exact else "generate" for arm in asked})

    async def ask(self, arm: Asked, common: None, item: Item, subject: Subject, fitted: None) -> Played:
        if arm.rule != "none":
            return played(item, RULES[arm.rule](hand_of(item.fields["cards"])))
        if not arm.exact:
            prompt = self.prompt(arm, item, ("hit", "stand"))
            reply = await subject.generate(prompt, max_tokens=self.max_tokens, stop=("\n",))
            grade = graded(item, reply)
            return replace(played(item, grade.answer), correct=grade.correct, fate=grade.fate)
        options = ("hit", "stand") if arm.about == "decision" else ("yes", "no")

        async def ask(order: Sequence[str]) -> Choice:
            forms = {option: (f" {option.capitalize()}", f" {option}") for option in options}
            return await subject.choose(self.prompt(arm, item, order), forms)

        return read(arm, item, await in_all_rotations(options, ask))

    def prompt(self, arm: Asked, item: Item, order: Sequence[str]) -> Prompt:
        """The rules, the hand and the question, with the options in an order."""
        which = {"own": "", "other": "other_", "none": None}[arm.shows]
        lines = [self.text("rules")]
        if which is not None:
            cards: Sequence[str] = item.fields[f"{which}cards"]
            held = f"{', '.join(cards[:-1])} and {cards[-1]}"
            lines.append(self.text("hand", cards=held, up=item.fields[f"{which}up"]))
        lines.append(self.text(arm.about, first=order[0], second=order[1]))
        return Prompt.user("\n".join(lines), self.text("lead"))


def read(arm: Asked, item: Item, choice: Rotated) -> Played:
    """The row of an answer that was read as probabilities."""
    row = replace(
        played(item, choice.best),
        p=Probability(choice.p["hit" if arm.about == "decision" else "yes"]),
        mass=Probability(choice.mass),
        listed_first=choice.listed_first,
    )
    if arm.about == "decision":
        return replace(row, p_gold=Probability(choice.p[item.gold]))
    own = arm.about == "own_bust"
    chance = own_bust(hand_of(item.fields["cards"])) if own else dealer_bust(row.up)
    gold = "yes" if chance > 0.5 else "no"
    number = Score(row.total if own else -(11 if row.up == ACE else row.up))
    return replace(row, gold=gold, correct=choice.best == gold, loss=None, number=number, chance=Probability(chance))


def played(item: Item, said: str) -> Played:
    """The row of a decision; one that is neither "hit" nor "stand" costs what the worse of both costs."""
    hand, up = hand_of(item.fields["cards"]), CARDS[item.fields["up"]]
    worse = "stand" if item.gold == "hit" else "hit"
    return Played(
        total=hand.total,
        soft=hand.soft,
        up=up,
        gold=item.gold,
        answer=said,
        correct=said == item.gold,
        fate="answered",
        loss=loss(said if said == item.gold else worse, hand, up),
    )
