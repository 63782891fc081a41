"""The computed best play against known entries of basic strategy and against dealing, and players of every kind."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from experiments.theory_of_mind.blackjack.blackjack import Blackjack
from experiments.theory_of_mind.blackjack.odds import (
    BUST,
    Hand,
    best,
    dealer_bust,
    dealer_ends,
    hit,
    loss,
    own_bust,
    stand,
)
from experiments.theory_of_mind.blackjack.rules import RULES
from experiments.theory_of_mind.blackjack.task import CARDS, BlackjackHands, decision, hand_of
from harness.config import load_job
from harness.errors import HarnessError
from harness.items import Item
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate
from harness.testing import Answer, simulate

CLAIMS = load_job(["experiment=blackjack", "engine=fake", "tracker=none"]).claims
HANDS = BlackjackHands(hands=120).load()
UP = (2, 3, 4, 5, 6, 7, 8, 9, 10, 1)


@pytest.mark.parametrize(
    ("cards", "hand"),
    [
        ((1, 1), Hand(12, soft=True)),
        ((1, 10), Hand(21, soft=True)),
        ((1, 5, 10), Hand(16)),
        ((1, 5, 10, 1), Hand(17)),
        ((1, 1, 9), Hand(21, soft=True)),
        ((10, 6, 10), Hand(26)),
        ((1,) * 12, Hand(12)),
    ],
)
def test_an_ace_counts_eleven_while_it_can(cards: tuple[int, ...], hand: Hand) -> None:
    assert Hand.of(cards) == hand


BASIC: dict[Hand, str] = {
    **{Hand(total): "hhhhhhhhhh" for total in range(4, 12)},
    Hand(12): "hhssshhhhh",
    **{Hand(total): "ssssshhhhh" for total in range(13, 17)},
    **{Hand(total): "ssssssssss" for total in range(17, 22)},
    **{Hand(total, soft=True): "hhhhhhhhhh" for total in range(12, 18)},
    Hand(18, soft=True): "ssssssshhh",
    **{Hand(total, soft=True): "ssssssssss" for total in range(19, 22)},
}
"""Basic strategy where one may only hit or stand (many decks, dealer stands on soft 17), against 2 to 10 and an ace."""


@pytest.mark.parametrize("hand", BASIC, ids=lambda hand: f"{'soft' if hand.soft else 'hard'}-{hand.total}")
def test_the_computed_play_is_basic_strategy(hand: Hand) -> None:
    assert "".join(best(hand, up)[0] for up in UP) == BASIC[hand]


def test_expected_values_agree_with_dealing() -> None:
    rng = random.Random(7)
    ranks = [CARDS[card] for card in CARDS]

    def dealt(up: int) -> int:
        """A dealer's hand, card by card, that is no blackjack."""
        while True:
            hand = Hand.of(cards := [up, rng.choice(ranks)])
            if set(cards) != {1, 10}:
                break
        while hand.total < 17:
            hand = hand.with_card(rng.choice(ranks))
        return min(hand.total, BUST)

    n = 20_000
    for up in (1, 6, 10):
        counts = Counter(dealt(up) for _ in range(n))
        ends = dealer_ends(up)
        assert sum(ends.values()) == pytest.approx(1)
        assert set(ends) == {17, 18, 19, 20, 21, BUST}
        for end, p in ends.items():
            assert counts[end] / n == pytest.approx(p, abs=4 * (p * (1 - p) / n) ** 0.5)
        won = counts[BUST] - sum(counts[end] for end in range(17, 22))
        assert stand(Hand(16), up) == pytest.approx(won / n, abs=4 / n**0.5)
    # A single card to a hard 20 busts unless it is an ace, and then cannot lose.
    assert own_bust(Hand(20)) == pytest.approx(12 / 13)
    assert hit(Hand(20), 10) == pytest.approx(-12 / 13 + stand(Hand(21), 10) / 13)
    assert own_bust(Hand(18, soft=True)) == 0
    assert max(UP, key=dealer_bust) == 6


def test_a_decision_costs_what_the_better_one_has_more() -> None:
    hand = Hand(16)
    assert loss("hit", hand, 10) == 0
    assert loss("stand", hand, 10) == pytest.approx(hit(hand, 10) - stand(hand, 10))
    assert 0 < loss("stand", hand, 10) < 0.001  # the closest decision of the game
    assert loss("hit", Hand(20), 6) > 1


def test_rules_decide_by_the_own_hand_alone() -> None:
    hands = [*map(Hand, (12, 14, 15, 17)), *(Hand(total, soft=True) for total in (16, 17, 18))]
    decided = {name: "".join(rule(hand)[0] for hand in hands) for name, rule in RULES.items()}
    assert decided == {
        "mimic the dealer": "hhhshss",
        "never bust": "sssshhh",
        "best without the dealer": "hhsshhs",
        "always stand": "sssssss",
        "always hit": "hhhhhhh",
    }


def test_no_play_by_the_own_hand_alone_beats_its_best_rule() -> None:
    """Of all thresholds; before it was a rule, who stands on hard 15 gave away less than any rule."""
    hands = [(hand_of(item.fields["cards"]), CARDS[item.fields["up"]]) for item in BlackjackHands().load()]

    def mean(play: Callable[[Hand], str]) -> float:
        return fmean(loss(play(hand), hand, up) for hand, up in hands)

    def threshold(hard: int, soft: int) -> Callable[[Hand], str]:
        return lambda hand: "stand" if hand.total >= (soft if hand.soft else hard) else "hit"

    found = min(mean(threshold(hard, soft)) for hard in range(12, 19) for soft in range(16, 21))
    assert mean(RULES["best without the dealer"]) == pytest.approx(found)
    assert min(mean(rule) for name, rule in RULES.items() if name != "best without the dealer") > 1.5 * found


def test_hands_are_balanced_and_their_answers_computed() -> None:
    items = BlackjackHands(hands=400).load()
    assert len({item.id for item in items}) == len(items) == 400
    assert Counter(item.gold for item in items) == {"hit": 200, "stand": 200}
    assert sum(item.gold == "stand" and item.fields["total"] < 17 for item in items) == 100
    for item in items:
        hand = Hand.of(CARDS[card] for card in item.fields["cards"])
        assert (hand.total, hand.soft) == (item.fields["total"], item.fields["soft"])
        assert 12 <= hand.total <= 20
        assert item.gold == best(hand, CARDS[item.fields["up"]])
    assert len({item.cluster for item in items}) > 100
    assert items[:120] == HANDS
    # The other hand says nothing about this one.
    others = [best(Hand.of(CARDS[c] for c in i.fields["other_cards"]), CARDS[i.fields["other_up"]]) for i in items]
    assert 160 < sum(other == item.gold for other, item in zip(others, items, strict=True)) < 240
    for n in (0, 2001):
        with pytest.raises(HarnessError, match=f"hands={n}; give 1 to 2000"):
            BlackjackHands(hands=n).load()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Hit", "hit"),
        ("I would stand.", "stand"),
        ("stand or hit? Let me see.\n**HIT**", "hit"),
        ("Do not hit, stand", "stand"),
        ("Don\u2019t hit; stand.", "stand"),
        ("Stand (do not hit)", "stand"),
        ("stand, not hit", "stand"),
        ("I'd rather stand than hit", "stand"),
        ("I choose to hit because to stand loses", "hit"),
        ("Stand. If you hit, you may bust.", "stand"),
        ("The dealer stands on 17, so hit", "hit"),
        ("Standing is best.", "stand"),
        ("(hit)", "hit"),
        ("I will not hit", ""),
        ("I would never stand.", ""),
        ("neither hit nor stand", ""),
        ("Hit on 12, stand on 17.", ""),
        ("hit/stand", ""),
        ("hit or stand", ""),
        ("Stay", ""),
        ("I understand", ""),
        ("White", ""),
        ("", ""),
    ],
)
def test_decisions_in_words(text: str, read: str) -> None:
    item = HANDS[0]
    grade = decision(text, item)
    assert grade.answer == read
    assert grade.correct == (None if not read else read == item.gold)


def shown(prompt: str) -> tuple[Hand, int] | None:
    """The hand and the dealer's rank in a prompt."""
    found = re.search(r"You hold (.*)\. The dealer shows (.*)\.", prompt)
    if found is None:
        return None
    return Hand.of(CARDS[card] for card in re.split(r", | and ", found[1])), CARDS[found[2]]


def playing(
    decide: Callable[[Hand, int], str], noise: float = 0.0, bare: Callable[[Hand, int, bool], float] | None = None
) -> Answer:
    """A player who decides by what the prompt shows, stands where nothing is shown, and knows the chances to go bust.

    Args:
        noise: the most that is taken off or added to a chance, at random.
        bare: gives the chance in place of the right one; the flag says whether the dealer is asked about.
    """

    def reply(prompt: str) -> dict[str, float]:
        at = shown(prompt)
        if at is None:
            return {" stand": 1.0}
        if "21?" not in prompt:
            return {f" {decide(*at)}": 1.0}
        dealer = "dealer's hand end" in prompt
        p = bare(*at, dealer) if bare else dealer_bust(at[1]) if dealer else own_bust(at[0])
        p = min(1.0, max(0.0, p + random.Random(prompt).uniform(-noise, noise)))
        return {" Yes": p / 2, " yes": p / 2, " no": 1 - p}

    return reply


def run(answer: Answer, items: list[Item] = HANDS, **settings: Any) -> Table:
    done = simulate(Blackjack(**settings), items, answer)
    assert not [one.result.errors for one in done.finished if one.result.errors]
    return done.table


def values(table: Table, name: str) -> dict[str, float | None]:
    (metric,) = (m for m in Blackjack.metrics if m.name == name)
    return {e.level["arm"]: e.value for e in estimate(metric, table, replicates=2)}


@pytest.mark.parametrize("metric", Blackjack.metrics, ids=lambda m: m.name)
def test_metrics_fit_the_columns(metric: Metric) -> None:
    metric.check(Blackjack.columns())


def test_the_best_player_loses_nothing_and_knows_the_chances() -> None:
    table = run(playing(best))
    for arm in ("options", "free"):
        assert values(table, "accuracy")[arm] == 1.0
        assert values(table, "loss")[arm] == 0.0
    assert values(table, "p_gold")["options"] == 1.0
    assert values(table, "own_bust_spearman") == {"own bust": pytest.approx(1.0)}
    assert values(table, "dealer_bust_spearman") == {"dealer bust": pytest.approx(1.0)}
    beliefs = table.where(np.isin(table.columns["arm"], ("own bust", "dealer bust")))
    assert beliefs.columns["correct"].all()
    assert np.isnan(beliefs.columns["loss"]).all()
    assert beliefs.columns["p"] == pytest.approx(beliefs.columns["chance"])


def test_a_player_who_knows_the_cards_and_the_dealer_supports_every_claim() -> None:
    table = run(playing(best, noise=0.01))
    estimates = [one for metric in Blackjack.metrics for one in estimate(metric, table, replicates=200)]
    judged = [judge_claim(claim, estimates, Blackjack.metrics, table, replicates=200).kind for claim in CLAIMS]
    assert judged == ["supported"] * 4


def test_who_goes_by_the_bare_numbers_knows_no_chances() -> None:
    """A high total, and a low card of the dealer's: two correlations that were far above 0."""

    def bare(hand: Hand, up: int, dealer: bool) -> float:
        return 1 - (11 if up == 1 else up) / 12 if dealer else hand.total / 21

    table = run(playing(best, bare=bare))
    for about in ("own", "dealer"):
        (found,) = values(table, f"{about}_bust_spearman").values()
        (number,) = values(table, f"{about}_{'total' if about == 'own' else 'card'}_spearman").values()
        assert found == pytest.approx(number)
        assert 0.4 < (found or 0) < 0.95
    estimates = [one for metric in Blackjack.metrics for one in estimate(metric, table, replicates=200)]
    judged = [judge_claim(claim, estimates, Blackjack.metrics, table, replicates=200).kind for claim in CLAIMS]
    assert judged[:2] == ["supported"] * 2
    assert "supported" not in judged[2:]


def test_who_does_not_look_is_as_good_as_the_rule_that_does_not() -> None:
    table = run(lambda _: {" stand": 1.0})
    found = values(table, "loss")
    assert {found[arm] for arm in ("options", "free", "no story", "shuffled story")} == {found["rule: always stand"]}
    assert values(table, "accuracy")["options"] == 0.5
    assert values(table, "accuracy")["rule: mimic the dealer"] == pytest.approx(0.75, abs=0.05)
    assert values(table, "dealer_bust_spearman") == {"dealer bust": None}


def test_who_goes_by_the_order_of_the_words_is_found_out() -> None:
    def first_listed(prompt: str) -> dict[str, float]:
        found = re.search(r"(?:Do you|Answer) (\w+) or", prompt)
        assert found is not None
        return {f" {found[1]}": 1.0}

    table = run(first_listed, arms=["options", "own bust"])
    assert values(table, "listed_first") == {"options": 1.0, "own bust": 1.0}
    assert values(table, "p_gold") == {"options": 0.5}


def test_a_text_without_a_decision_costs_the_worse_one() -> None:
    table = run({"": "It depends on the odds."}, arms=["free"])
    worse = {item.id: "stand" if item.gold == "hit" else "hit" for item in HANDS}
    for item, cost in zip(table.columns["item"], table.columns["loss"], strict=True):
        fields = next(one.fields for one in HANDS if one.id == item)
        assert cost == pytest.approx(loss(worse[item], Hand(fields["total"], fields["soft"]), CARDS[fields["up"]]))
    assert set(table.columns["fate"]) == {"unreadable"}
    assert values(table, "accuracy") == {"free": 0.0}


def test_controls_show_no_cards_or_those_of_another_hand() -> None:
    for arm, cards, up in (("no story", None, None), ("shuffled story", "other_cards", "other_up")):
        done = simulate(Blackjack(arms=[arm]), HANDS[:5], playing(best))
        for one in done.finished:
            (fields,) = (item.fields for item in HANDS if item.id == one.result.item)
            for exchange in one.transcript:
                expected = cards and up and (Hand.of(CARDS[c] for c in fields[cards]), CARDS[fields[up]])
                assert shown(exchange.prompt) == expected
