"""Self-preference on models whose answers and verdicts are known: coins, judges like the key, lovers of their own."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.judging.self_preference.prompts import CASES
from experiments.judging.self_preference.rows import ARMS, DEFAULT, Answer, Pair, cut_alike
from experiments.judging.self_preference.self_preference import SelfPreference
from experiments.judging.self_preference.task import KeyedSums
from harness.config import load_job
from harness.errors import HarnessError
from harness.execution.runner import ask_all
from harness.items import Item
from harness.outcomes import Table
from harness.runs.finished import Finished
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate
from harness.tasks.alpaca_eval import no_key
from harness.tasks.base import Split
from harness.tasks.texts import words
from harness.testing import fake_subject

CLAIMS = load_job(["experiment=selfPreference", "engine=fake", "tracker=none"]).claims
Reply = Callable[[str], str | Mapping[str, float]]
Prefers = Callable[[str, str, str], float]
"""The probability of (A), by the question and the two texts shown."""


def items(n: int = 24) -> list[Item]:
    return KeyedSums(size=n).load()


def model(answers: Callable[[int], str], prefers: Prefers, asked: list[Item]) -> Reply:
    """A model that answers the item of a number, judges pairs, and paraphrases by a change of case alone."""
    number = {item.fields["question"]: at for at, item in enumerate(asked)}

    def reply(prompt: str) -> str | Mapping[str, float]:
        if "Which answer is better" in prompt:
            shown = re.search(r"Question: (.*?)\n\n\(A\) (.*?)\n\n\(B\) (.*?)\n\nSay A", prompt, re.DOTALL)
            assert shown
            p = prefers(*shown.groups())
            return {"A": p, "B": 1 - p}
        if "in other words" in prompt:
            return (
                prompt.partition("\nAnswer: ")[2]
                .partition("\n")[0]
                .partition(" <")[0]
                .replace("answer is", "sum makes")
            )
        return answers(number[prompt.removeprefix("<user> ").partition("\n")[0]])

    return reply


def said(item: Item, author: str, right: bool) -> str:
    return f"{author} says that the answer is {int(item.gold) + (0 if right else 1)}."


def play(
    own: Reply, other: Reply | None, asked: list[Item], judge: Reply | None = None, **settings: Any
) -> tuple[Table, list[Finished]]:
    async def every() -> list[Finished]:
        subject = fake_subject(own)
        rival = subject if other is None else named(other, "rival")
        players = {"rival": (rival,), "judge": (subject if judge is None else named(judge, "judge"),)}
        return await ask_all(experiment, Split(tuple(asked), (), ""), replace(subject, players=players), window=8)

    experiment = SelfPreference(**settings)
    done = asyncio.run(every())
    return experiment.table([f.result for f in done]), done


def named(reply: Reply, name: str) -> Any:
    """A model of another identity."""
    subject = fake_subject(reply)
    subject.engine.identity = {**subject.engine.identity, "model": name}
    return replace(subject, name=name)


def by_number(author: str, right: Callable[[int], bool], asked: list[Item]) -> Callable[[int], str]:
    return lambda at: said(asked[at], author, right(at))


def own_right(at: int) -> bool:
    return at % 4 in (0, 2)


def other_right(at: int) -> bool:
    return at % 4 in (1, 2)


def two(prefers: Prefers, third: Prefers, asked: list[Item], **settings: Any) -> Table:
    """Both models are right in a quarter of the questions together, and in another one alone."""
    own = model(by_number("Ann", own_right, asked), prefers, asked)
    other = model(by_number("Bob", other_right, asked), third, asked)
    return play(own, other, asked, **settings)[0]


def coin(question: str, first: str, second: str) -> float:
    return 0.5


def first_always(question: str, first: str, second: str) -> float:
    return 1.0


def of_ann(question: str, first: str, second: str) -> float:
    return 0.9 if first.startswith("Ann") else 0.1 if second.startswith("Ann") else 0.5


def value(table: Table, name: str, **level: str) -> float | None:
    (metric,) = (m for m in SelfPreference.metrics if m.name == name)
    found = [e.value for e in estimate(metric, table, replicates=2) if level.items() <= e.level.items()]
    return found[0] if found else None


def test_sums_have_a_right_and_a_wrong_answer_by_rule() -> None:
    made = items(300)
    for item in made:
        assert item.grade(item.fields["right"]).correct is True
        assert item.grade(item.fields["wrong"]).correct is False
        assert int(item.gold) > 0
    assert len({item.fields["question"] for item in made}) > 290
    assert len({item.id for item in made}) == 300
    assert Counter(item.fields["stratum"] for item in made) == dict.fromkeys(("easy", "medium", "hard"), 100)


@pytest.mark.parametrize("question", ["add", "take", "share", "both"])
def test_the_key_is_the_result_of_the_numbers_in_the_question(question: str) -> None:
    results: dict[str, Callable[..., int]] = {
        "add": lambda a, b: a + b,
        "take": lambda a, b: a - b,
        "share": lambda a, b: a * b,
        "both": lambda a, b, c: a - b + c,
    }
    told = [item for item in items(120) if item.fields["kind"] == question]
    assert told
    for item in told:
        assert results[question](*map(int, re.findall(r"\d+", item.fields["question"]))) == int(item.gold)


def test_a_coin_has_the_dbg_of_the_coin_line_and_no_excess() -> None:
    asked = items()
    table = two(coin, first_always, asked)
    gold = value(table, "gold_win_rate")
    assert gold == pytest.approx(0.5)
    weak = [item for at, item in enumerate(asked) if at % 4 in (1, 3)]
    for rows in (table, two_weak(weak)):
        line = 0.5 - (value(rows, "gold_win_rate") or 0)
        for arm in ("judge own", "judge rival", "coin"):
            assert value(rows, "dbg", arm=arm) == pytest.approx(line)
        assert value(rows, "excess_dbg", arm="judge own") == pytest.approx(0)
    assert value(two_weak(weak), "gold_win_rate") == pytest.approx(0.25)


def two_weak(asked: list[Item]) -> Table:
    """The model is always wrong, its rival every second time; both judge by a coin."""
    own = model(by_number("Ann", lambda at: False, asked), coin, asked)
    other = model(by_number("Bob", lambda at: at % 2 == 0, asked), first_always, asked)
    return play(own, other, asked)[0]


def test_a_judge_that_always_takes_the_first_prefers_nobody() -> None:
    table = two(first_always, coin, items())
    assert value(table, "orders_agree", arm="judge own") == 0
    assert value(table, "dbg_by_mean", arm="judge own") == value(table, "dbg", arm="judge own")
    assert value(table, "own_win_rate", arm="judge own") == 0.5
    assert value(table, "first_bias", arm="judge own") == pytest.approx(0.5)


def test_a_judge_equal_to_the_key_has_no_dbg_no_harm_and_no_gap() -> None:
    asked = items()
    gold = {item.fields["question"]: int(item.gold) for item in asked}

    def key(question: str, first: str, second: str) -> float:
        right = [str(gold[question]) in re.findall(r"\d+", text) for text in (first, second)]
        return 0.5 + (right[0] - right[1]) / 2.5

    table = two(key, key, asked)
    assert value(table, "dbg", arm="judge own") == pytest.approx(0)
    assert value(table, "harmful", arm="judge own") == 0
    assert value(table, "legitimate", arm="judge own") == 1
    assert value(table, "wrong_vote_gap", arm="judge own") == 0
    assert value(table, "agreement", arm="judge own") == 1
    assert value(table, "own_win_rate", arm="stand-in") == pytest.approx(0.5)
    assert value(table, "paraphrase_kept", arm="blind") == 1


def test_a_lover_of_its_own_answers_shows_in_the_clean_cells_and_against_every_control() -> None:
    table = two(of_ann, coin, items(40))
    for cell in ("own right", "other right", "both right", "both wrong"):
        assert value(table, "own_win_rate_by_cell", arm="judge own", cell=cell) == 1
        assert value(table, "own_win_rate_by_cell", arm="judge rival", cell=cell) == 0.5
        assert value(table, "own_win_rate_by_cell", arm="stand-in", cell=cell) == 0.5
    assert value(table, "excess_dbg", arm="judge own") == pytest.approx(0.5)
    assert value(table, "wrong_vote_gap", arm="judge own") == pytest.approx(1)
    assert value(table, "harmful", arm="judge own") == 1
    estimates = [one for metric in SelfPreference.metrics for one in estimate(metric, table, replicates=200)]
    kinds = [judge_claim(claim, estimates, SelfPreference.metrics, table, replicates=200).kind for claim in CLAIMS]
    assert kinds[:6] == ["supported"] * 6


def test_two_that_each_love_their_own_have_an_interaction() -> None:
    def of_bob(question: str, first: str, second: str) -> float:
        return 0.9 if first.startswith("Bob") else 0.1 if second.startswith("Bob") else 0.5

    table = two(of_ann, of_bob, items())
    assert value(table, "excess_dbg", arm="judge own") == pytest.approx(1)
    # Both love Ann's: that is quality, and no preference for oneself.
    assert value(two(of_ann, of_ann, items()), "excess_dbg", arm="judge own") == pytest.approx(0)


def test_without_another_model_there_is_no_third_party() -> None:
    asked = items(6)

    def own(prompt: str) -> str | Mapping[str, float]:
        if "Which answer is better" in prompt:
            return {"A": 0.5, "B": 0.5}
        return {"It is 5.": 0.5, "It is 6.": 0.3, "It is 7.": 0.2}

    table, done = play(own, None, asked)
    assert set(table.columns["arm"]) == set(DEFAULT) - {"judge rival"}
    assert set(table.columns["error"]) == {None}
    assert value(table, "excess_dbg", arm="judge own") is None
    assert all(f.result.errors == () for f in done)


def test_equal_answers_are_counted_and_judged_by_nobody() -> None:
    asked = items(4)
    own = model(lambda at: "The answer is 5." if at < 2 else "The answer is 6.", of_ann, asked)
    other = model(lambda at: " the answer  is 5.", of_ann, asked)
    table, done = play(own, other, asked)
    assert value(table, "equal") == 0.5
    equal = table.where(table.columns["equal"] == 1)
    assert np.isnan(equal.columns["own_win"]).all()
    assert (
        sum("Which answer" in e.prompt for f in done for e in f.transcript if f.result.item in equal.columns["item"])
        == 0
    )


@pytest.mark.parametrize("author", ["own", "other"])
def test_an_answer_that_was_cut_or_is_empty_is_wrong_and_still_judged(author: str) -> None:
    asked = items(2)
    texts = {
        "own": "The answer is 5.",
        "other": "It is 7.",
        author: "  " if author == "own" else "It is " + "so " * 300,
    }
    table, _ = play(
        model(lambda at: texts["own"], coin, asked), model(lambda at: texts["other"], coin, asked), asked, max_tokens=20
    )
    assert set(table.columns[f"fate_{author}"]) == {"empty" if author == "own" else "cut"}
    assert not table.columns[f"{author}_right"].any()
    assert set(table.columns["own_win"][table.columns["arm"] == "judge own"]) == {0.5}


def test_a_judge_that_names_neither_is_held_back_by_its_mass() -> None:
    asked = items(4)

    def own(prompt: str) -> str | Mapping[str, float]:
        return {"A": 0.02, "B": 0.01, "x": 0.97} if "Which answer" in prompt else "It is 5."

    table, _ = play(own, model(lambda at: "It is 6.", coin, asked), asked)
    assert value(table, "option_mass", arm="judge own") == pytest.approx(0.03)


def open_items(n: int) -> list[Item]:
    return [Item({"question": f"Write a line about {n}."}, None, no_key) for n in range(n)]


def test_open_questions_are_decided_by_judges_that_know_clear_cases() -> None:
    asked = open_items(4)
    good = {case.good for case in CASES}

    def fair(question: str, first: str, second: str) -> float:
        if good & {first, second}:
            return 1.0 if first in good else 0.0
        return 0.8 if first.startswith("Bob") else 0.2

    own = model(lambda at: f"Ann {at}", of_ann, asked)
    other = model(lambda at: f"Bob {at}", coin, asked)
    table, _ = play(own, other, asked, model(lambda at: "", fair, asked), gold="judges")
    assert set(table.columns["cell"]) == {"no key"}
    assert value(table, "gold_win_rate") == 0
    assert value(table, "dbg", arm="judge own") == 1
    assert value(table, "dbg", arm="coin") == 0.5
    assert value(table, "judge_gold") == value(table, "judge_orders") == 1
    assert "stand-in" not in set(table.columns["arm"])


def test_a_judge_that_wrote_an_answer_decides_nothing() -> None:
    asked = open_items(1)
    own = model(lambda at: "Ann", coin, asked)
    with pytest.raises(HarnessError, match=r"name one: \+model@roles.judge.model=NAME"):
        play(own, model(lambda at: "Bob", coin, asked), asked, gold="judges")


def test_open_questions_without_judges_are_named_and_stop_nothing() -> None:
    asked = [*items(1), *open_items(1)]
    own = model(lambda at: "It is 5.", coin, asked)
    _, done = play(own, model(lambda at: "It is 6.", coin, asked), asked)
    errors = [error for f in done for error in f.result.errors]
    assert errors == ["the question has no answer key; let other models judge: experiment.gold=judges"]


def test_several_judges_can_be_named_for_open_questions() -> None:
    job = load_job(
        [
            "experiment=selfPreference",
            "task=alpaca_eval",
            "experiment.gold=judges",
            "+model@roles.judge.one.model=smollm2",
            "+model@roles.judge.two.model=smollm2",
            "engine=fake",
            "tracker=none",
        ]
    )
    assert sorted(job.roles) == ["judge.one", "judge.two"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a b c d", "e f", ("a b", "e f")),
        ("a", "b c\nd", ("a", "b")),
        ("", "b c", ("", "")),
    ],
)
def test_equal_length(one: str, other: str, expected: tuple[str, str]) -> None:
    assert cut_alike(one, other) == expected


@pytest.mark.parametrize(
    ("own", "other", "cell", "win"),
    [
        (True, False, "own right", 1.0),
        (False, True, "other right", 0.0),
        (True, True, "both right", 0.5),
        (False, False, "both wrong", 0.5),
    ],
)
def test_cells_and_wins_by_the_key(own: bool, other: bool, cell: str, win: float) -> None:
    pair = Pair(Answer("a", own, "answered"), Answer("b", other, "answered"))
    assert (pair.cell, pair.key_win) == (cell, win)


def test_arms_about_thoughts_run_when_asked_for_only() -> None:
    thoughts = {name for name, arm in ARMS.items() if arm.thought != "as set"}
    assert thoughts == {f"judge {who} {what} thought" for who in ("own", "rival") for what in ("no", "own")}
    assert thoughts.isdisjoint(DEFAULT)


def shorter(question: str, first: str, second: str) -> float:
    return 0.5 + (len(first) < len(second)) * 0.4 - (len(first) > len(second)) * 0.4


def wordy(question: str, first: str, second: str) -> float:
    asked = {*words(question)}
    shared = [len(asked & {*words(text)}) for text in (first, second)]
    return 0.5 + 0.4 * (shared[0] > shared[1]) - 0.4 * (shared[0] < shared[1])


def longer_text(question: str, first: str, second: str) -> float:
    return 1 - shorter(question, first, second)


@pytest.mark.parametrize(
    ("prefers", "own", "other"),
    [
        (shorter, "{n}.", "The answer to the question is {n}."),
        (longer_text, "After all of this the answer to the question is {n}.", "{n}."),
        (wordy, "How many now? {n} more.", "In total, {n} all over."),
    ],
)
def test_a_taste_for_short_long_or_repeated_words_is_no_preference_for_oneself(
    prefers: Prefers, own: str, other: str
) -> None:
    # The own answers have this form and the rival's and the stand-ins have not.
    asked = items(40)

    def form(text: str, right: Callable[[int], bool]) -> Callable[[int], str]:
        return lambda at: text.format(n=int(asked[at].gold) + (not right(at)))

    table, _ = play(model(form(own, own_right), prefers, asked), model(form(other, other_right), coin, asked), asked)
    assert (value(table, "dbg", arm="judge own") or 0) > 0.3
    estimates = [one for metric in SelfPreference.metrics for one in estimate(metric, table, replicates=200)]
    claims = [claim for claim in CLAIMS if claim.than and not isinstance(claim.than, Mapping)]
    judged = [judge_claim(claim, estimates, SelfPreference.metrics, table, replicates=200) for claim in claims]
    assert len(judged) == 5
    assert "supported" not in [one.kind for one in judged]
