"""The opponents by their rules, the reading of replies, and games of players who know the rule, or no rule at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from experiments.theory_of_mind.number_guessing.game import (
    LEVELS,
    TEXTS,
    Guess,
    GuessingGame,
    is_exact,
    next_number,
    read_guess,
)
from experiments.theory_of_mind.number_guessing.number_guessing import NumberGuessing
from experiments.theory_of_mind.number_guessing.rows import locked_from, rounds_of
from experiments.theory_of_mind.number_guessing.task import GuessingGames
from harness import Text, Turn
from harness.config import load_job
from harness.errors import HarnessError
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate
from harness.testing import simulate

CLAIMS = load_job(["experiment=numberGuessing", "engine=fake", "tracker=none"]).claims
GAMES = GuessingGames(games=12).load()
Reply = Callable[[str], str]


def against(level: int, own: list[int]) -> list[int]:
    """The opponent's numbers, round by round, as the game gives them."""
    world = GuessingGame(level=level, rounds=len(own), wording=TEXTS)
    state = world.begin(GAMES[0], Random(0))
    for number in own:
        state = world.step(state, Guess(number, 1), Random(0))
    assert world.over(state)
    return list(state.theirs)


@pytest.mark.parametrize(
    ("level", "own", "theirs"),
    [
        (1, [67] * 10, [50] * 10),
        (2, [67] * 10, [50, 45, 40, 35, 30, 25, 20, 15, 10, 5]),
        (2, [1] * 12, [50, 45, 40, 35, 30, 25, 20, 15, 10, 5, 1, 1]),
        (3, [40, 40, 32, 1], [50, 36, 30, 24]),  # the paper's figure
        (3, [67] * 10, [50, 46, 45, 44, 44, 44, 44, 44, 44, 44]),
        (3, [1] * 6, [50, 20, 8, 3, 1, 1]),
        (3, [100, 100], [50, 60]),
    ],
)
def test_opponents_follow_their_rules(level: int, own: list[int], theirs: list[int]) -> None:
    assert against(level, own) == theirs


def test_only_the_third_level_depends_on_the_other_player() -> None:
    assert [len({next_number(level, [own], [50]) for own in range(1, 101)}) for level in LEVELS] == [1, 1, 41]


@pytest.mark.parametrize(("guess", "exact"), [(36, True), (36.4, True), (35.6, True), (36.5, False), (35, False)])
def test_a_guess_within_half_a_unit_is_exact(guess: float, exact: bool) -> None:
    assert is_exact(guess, 36) is exact


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("40, 50", Guess(40, 50)),
        (" 40 50\n", Guess(40, 50)),
        ("(40, 36.4)", Guess(40, 36.4)),
        ("My number is 40, and I expect Ada to name 50.", Guess(40, 50)),
        ("Half of 100 is 50.\nMine: 40. Yours: 36.", Guess(40, 36)),
        ("40-50", Guess(40, 50)),
        ("40/50", Guess(40, 50)),
        ("1 and 100", Guess(1, 100)),
        ("**40**, **50**", Guess(40, 50)),
        ("- My number: 40; Ada's number: 50", Guess(40, 50)),
        ("1. 40, 50", Guess(40, 50)),
        ("40, around 50</s>", Guess(40, 50)),
        ("1. 40", None),  # the first line of a list, of which the second is cut off
        ("between 40 and 50", None),
        ("40 to 50", None),
        ("\u221240, 50", None),
        ("40, -50", None),
        ("40, fifty", None),
        ("40,000", None),
        ("40, 40 (0.8 * 50)", None),
        ("40", None),
        ("40, 50, 60", None),
        ("Round 2: 40, 50", None),
        ("0, 50", None),
        ("40, 101", None),
        ("-40, 50", None),
        ("40.5, 50", None),
        ("forty, fifty", None),
        ("x40, 50", None),
        ("\u0664\u0660, \u0665\u0660", None),
        (f"{'9' * 500}, 50", None),
        ("", None),
        ("I do not know.", None),
    ],
    ids=repr,
)
def test_replies_are_two_numbers_or_nothing(text: str, read: Guess | None) -> None:
    assert read_guess(text) == read


@pytest.mark.parametrize(
    ("exact", "start"),
    [([True] * 3, 1), ([False, True, True], 2), ([True, False, True], 3), ([True, True, False], None), ([], None)],
)
def test_locked_on_is_the_first_round_of_an_unbroken_end(exact: list[bool], start: int | None) -> None:
    assert locked_from(exact) == start


def played(prompt: str) -> list[tuple[int, int]]:
    """What the model has been told: its own number and the opponent's, round by round."""
    told = re.findall(r"you named (\d+) and \w+ named (\d+)\.", prompt)
    return [(int(own), int(theirs)) for own, theirs in told]


def run(reply: Reply, **settings: Any) -> Table:
    done = simulate(NumberGuessing(**settings), GAMES, reply)
    assert not [one.result.errors for one in done.finished if one.result.errors]
    return done.table


def values(table: Table, name: str, arm: str = "model") -> list[float | None]:
    """The metric at level 1, 2 and 3."""
    (metric,) = (m for m in NumberGuessing.metrics if m.name == name)
    found = {(e.level["arm"], e.level["level"]): e.value for e in estimate(metric, table, replicates=2)}
    return [found[arm, str(level)] for level in LEVELS]


def verdicts(table: Table) -> list[str]:
    estimates = [one for metric in NumberGuessing.metrics for one in estimate(metric, table, replicates=200)]
    return [judge_claim(claim, estimates, NumberGuessing.metrics, table, replicates=200).kind for claim in CLAIMS]


@pytest.mark.parametrize("metric", NumberGuessing.metrics, ids=lambda m: m.name)
def test_metrics_fit_the_columns(metric: Metric) -> None:
    metric.check(NumberGuessing.columns())


def test_a_constant_of_67_has_one_answer_and_none_exact() -> None:
    table = run(lambda _: "67, 67")
    for arm in ("model", "rule: constant 67"):
        assert values(table, "distinct", arm) == [1.0] * 3
        assert values(table, "accuracy", arm) == values(table, "locked", arm) == [0.0] * 3
        assert values(table, "locked_from", arm) == [None] * 3
        assert values(table, "mean_absolute_error", arm) == pytest.approx([17, 39.5, 67 - 44.9])
    assert values(table, "distinct_own") == [1.0] * 3
    assert values(table, "answered") == [1.0] * 3
    assert values(table, "accuracy", "rule: perfect player") == [1.0] * 3
    assert values(table, "locked_from", "rule: perfect player") == [1.0] * 3
    # Against a constant the third level comes to rest, and repeating its last number is then exact.
    assert values(table, "accuracy", "rule: repeat last") == pytest.approx([1.0, 0.1, 0.7])
    assert values(table, "accuracy", "rule: last step") == pytest.approx([1.0, 0.9, 0.7])
    assert values(table, "accuracy", "rule: own last") == [0.1] * 3
    # All games are the same one, so that an error without bounds has no interval.
    assert verdicts(table) == ["contradicted", "undecided", "undecided"]


def test_who_answers_the_opponents_rule_beats_every_rule_without_a_model_of_it() -> None:
    def knowing(prompt: str) -> str:
        """Knows level 3 in all games, plays a high and a low number by turns, so that nothing comes to rest."""
        rounds = played(prompt)
        own = 10 if len(rounds) % 2 else 50 + len(prompt.partition(".")[0]) % 40
        return f"{own}, {4 * sum(rounds[-1]) // 10 if rounds else 67}"

    table = run(knowing)
    accuracy = values(table, "accuracy")
    assert accuracy[2] == pytest.approx(0.9)  # the first number cannot be known: one wrong round, then all are right
    assert values(table, "locked_from")[2] == 2
    assert values(table, "locked")[2] == 1.0
    assert values(table, "distinct_own") == [2.0] * 3
    assert verdicts(table)[0] == "supported"
    assert verdicts(table)[2] == "supported"


def test_replies_that_cannot_be_read_are_asked_for_again_and_lost_rounds_are_wrong_for_everybody() -> None:
    def stubborn(prompt: str) -> str:
        """Two good rounds, and then words."""
        return "50, 50" if len(played(prompt)) < 2 else "I choose wisely."

    table = run(stubborn)
    assert values(table, "replies_per_game") == [20.0] * 3
    assert values(table, "answered") == pytest.approx([0.2] * 3)
    assert values(table, "accuracy") == pytest.approx([0.2, 0.1, 0.1])
    assert values(table, "accuracy", "rule: perfect player") == pytest.approx([0.2] * 3)
    lost = table.where(table.columns["round"] > 2)
    assert set(lost.columns["fate"]) == {"unreadable"}
    assert not lost.columns["correct"].any()
    assert len(table) == len(GAMES) * 3 * 10 * 6

    table = run(lambda _: "no numbers")
    assert values(table, "answered") == [0.0] * 3
    assert values(table, "distinct") == [0.0] * 3


def test_a_model_that_mends_its_reply_goes_on_playing() -> None:
    def mending(prompt: str) -> str:
        return "40, 50" if "Two whole numbers from 1 to 100 are needed." in prompt else "forty"

    table = run(mending)
    assert values(table, "replies_per_game") == [11.0] * 3
    assert values(table, "answered") == [1.0] * 3
    assert values(table, "accuracy")[0] == 1.0


def test_a_reply_that_was_cut_is_played_and_counts_as_wrong() -> None:
    table = run(lambda _: "50, 50 " + "because " * 40, max_tokens=8)
    assert values(table, "answered") == values(table, "accuracy") == [0.0] * 3
    assert set(table.where(table.columns["arm"] == "model").columns["fate"]) == {"cut"}
    assert values(table, "accuracy", "rule: perfect player") == [1.0] * 3


def test_the_rows_of_a_game_follow_its_turns() -> None:
    world = GuessingGame(level=3, rounds=3, wording=TEXTS)
    state, turns = world.begin(GAMES[0], Random(0)), []
    for text in ("40, 50", "40, 35.8", "32, 24"):
        action = world.read(state, text)
        assert isinstance(action, Guess)
        told, state = world.tell(state), world.step(state, action, Random(0))
        turns.append(Turn(told, Text(text, (1,), (0.0,), "stop"), action, "", state, world.over(state)))
    rows = rounds_of(3, turns, 3, None)
    assert [(row.own, row.guess, row.theirs, row.correct) for row in rows] == [
        (40, 50.0, 50, True),
        (40, 35.8, 36, True),
        (32, 24.0, 30, False),
    ]
    assert [row.signed_error for row in rows] == pytest.approx([0, -0.2, -6])
    assert [row.ends for row in rows] == [False, False, True]
    assert {(row.locked_from, row.locked, row.distinct, row.distinct_own) for row in rows} == {(None, False, 3, 2)}
    assert replace(rows[0], round=2).answer == "50"


def test_the_conversation_tells_both_numbers_and_never_the_target() -> None:
    done = simulate(NumberGuessing(), GAMES[:1], lambda prompt: f"40, {50 - len(played(prompt))}")
    prompts = [exchange.prompt for exchange in done.finished[0].transcript]
    assert len(prompts) == 30
    longest = max(prompts, key=len)
    assert longest.count("Round ") == 10
    assert "In round 9 you named 40 and" in longest
    name = GAMES[0].fields["opponent"]
    assert f"In round 1 you named 40 and {name} named 50.\nRound 2 of 10." in longest
    assert "target was" not in longest


def test_tellings_are_different_and_as_many_as_there_are() -> None:
    items = GuessingGames(games=540, seed=3).load()
    assert len({item.id for item in items}) == 540
    assert set(Counter(item.group for item in items).values()) == {20}
    assert GuessingGames(games=20).load()[:12] == GAMES
    with pytest.raises(HarnessError, match="games=541; give 1 to 540"):
        GuessingGames(games=541).load()
    with pytest.raises(TypeError, match="no single answer"):
        items[0].grade("40, 50")
