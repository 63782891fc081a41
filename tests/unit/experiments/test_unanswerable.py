"""Questions without an answer: the generated ones, and SelfAware from its file."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.calibration.self_knowledge.questions import Both
from experiments.calibration.self_knowledge.selfaware import SelfAware
from experiments.calibration.self_knowledge.unanswerable import KINDS, TEMPLATES, Unanswerable
from experiments.shared.bag_of_words import BagOfWords
from harness.errors import HarnessError
from harness.items import Item
from harness.metrics.classification import f1, precision
from harness.metrics.columns import Labels
from harness.tasks.base import split


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return Unanswerable(name="unanswerable").load()


def test_half_have_an_answer_and_each_kind_a_sixth(items: list[Item]) -> None:
    assert Counter(i.fields["kind"] for i in items) == {"answerable": 120, **dict.fromkeys(KINDS, 40)}
    assert len({i.id for i in items}) == len({i.fields["question"] for i in items}) == 240


def test_every_template_asks_both_sorts_of_question(items: list[Item]) -> None:
    kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        assert item.group == f"template:{item.fields['template']}"
        kinds[item.group][item.fields["kind"]] += 1
    assert len(kinds) == 45
    assert all(len(found) == 2 and found["answerable"] >= 2 for found in kinds.values())
    assert Counter(kind for found in kinds.values() for kind in found if kind != "answerable") == dict.fromkeys(
        KINDS, 15
    )


def test_a_run_of_120_items_has_groups_enough_for_an_interval() -> None:
    chosen = split(Unanswerable(name="unanswerable"), 120, 0).test
    assert len({item.group for item in chosen}) >= 40


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("size", [240, 900])
def test_the_words_of_a_question_give_little_away(seed: int, size: int) -> None:
    asked = Unanswerable(name="u", size=size, seed=seed).load()
    right = 0
    for group in {item.group for item in asked}:
        bag = BagOfWords.fit((item.fields["question"], not item.gold) for item in asked if item.group != group)
        right += sum(bag.positive(item.fields["question"]) != bool(item.gold) for item in asked if item.group == group)
    assert 0.5 < right / size < 0.61


@pytest.mark.parametrize("made", [make for made in TEMPLATES.values() for make in made.values()])
def test_no_question_is_asked_in_both_halves(made: Callable[[random.Random], Both]) -> None:
    answerable, without = made(random.Random(0))
    texts = [{question.text for question in half} for half in (answerable, without)]
    assert not texts[0] & texts[1]
    assert min(map(len, texts)) >= 5
    assert all(question.gold for question in answerable)
    assert not any(question.gold for question in without)


def test_gold_is_empty_exactly_without_an_answer_and_graded_by_refusal(items: list[Item]) -> None:
    for item in items:
        refusal = item.grade("The answer is unknown.").correct
        if item.fields["kind"] == "answerable":
            answers = [item.gold] if isinstance(item.gold, str) else item.gold
            assert item.grade(answers[0]).correct is True
            assert refusal is not True
        else:
            assert item.gold == []
            assert refusal is True


def test_answers_are_computed(items: list[Item]) -> None:
    many = {i.fields["question"]: i.gold for i in Unanswerable(name="u", size=8000).load()}
    assert many["Which day of the year, counted from 1, is 31 August in a year of 365 days?"] == "243"
    assert many["Which day of the week comes 7 days after a Saturday?"] == "Saturday"
    assert many["Which whole number has the square 2304?"] == "48"
    assert many["Which planet of the solar system is number 7 counted from the Sun?"] == "Uranus"
    assert many["Which country is the winner of the men's football World Cup of 1966?"] == ["England", "England"]
    assert many["Which country is the winner of the men's football World Cup of 1990?"] == ["West Germany", "Germany"]
    assert many["Which country is the winner of the men's football World Cup of 2022?"][0] == "Argentina"
    assert many["Which prime number is larger than 19 and smaller than 29?"] == "23"
    assert many["How much is the correct Roman numeral XLIX in digits?"] == "49"
    assert many["How much is the correct Roman numeral VL in digits?"] == []
    assert many["Which number lies opposite the 5 on a usual die of six sides?"] == "2"
    assert many["Which letter of the English alphabet is number 26?"] == "z"
    assert many["Which piece stands on the square d1 when a game of chess begins?"] == "queen"
    assert many["Which piece stands on the square e8 when a game of chess begins?"] == "king"
    assert many["Around which planet does the moon Titania turn?"] == "Uranus"
    assert many["Which of two numbers is larger, 11 or 72?"] == "72"
    assert many["Which day of the year, counted from 1, is 30 February in a year of 365 days?"] == []
    assert {i.fields["question"] for i in items} < set(many)


def test_seeds_differ_and_a_seed_is_always_the_same(items: list[Item]) -> None:
    assert [i.id for i in Unanswerable(name="other").load()] == [i.id for i in items]
    other = {i.id for i in Unanswerable(name="u", seed=1).load()}
    assert len(other & {i.id for i in items}) < 120


@pytest.mark.parametrize(("size", "message"), [(5, "give at least 6"), (99999, "questions run out")])
def test_a_size_that_cannot_be_had(size: int, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        Unanswerable(name="u", size=size).load()


def selfaware(folder: Path, *rows: dict[str, Any], **settings: float) -> list[Item]:
    # The layout of the set: one list of objects among lists of words.
    path = folder / "SelfAware.json"
    path.write_text(json.dumps({"keywords": ["a", "b"], "example": rows}), encoding="utf-8")
    return SelfAware(name="selfaware", path=str(path), **settings).load()  # type: ignore[arg-type]


ROW = {"question": "Where would you spend stotinki?", "answer": ["bulgaria"], "answerable": True, "source": "trivia"}
NONE = {"question": "Why do we love?", "answer": None, "answerable": False, "source": "SelfAware"}


def test_rows_of_selfaware_become_items(tmp_path: Path) -> None:
    with_answer, without = selfaware(tmp_path, ROW, NONE)
    assert (with_answer.gold, with_answer.fields["kind"], with_answer.fields["source"]) == (
        ["bulgaria"],
        "answerable",
        "trivia",
    )
    assert (without.gold, without.fields["kind"]) == ([], "unanswerable")
    assert with_answer.grade("In Bulgaria.").correct is True
    assert without.grade("Nobody knows.").correct is True


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": None}, r"SelfAware\.json, row 2: 'answerable' is True, but the answers are \[\]"),
        ({"answerable": False}, r"row 2: 'answerable' is False, but the answers are \['bulgaria'\]"),
        ({"answerable": "yes"}, r"row 2: 'answerable' is 'yes'"),
        ({"answer": 3}, r"row 2: 'answerable' is True and 'answer' is 3; want"),
        ({"question": " "}, r"row 2: 'question' is ' '"),
    ],
)
def test_rows_that_fit_no_item(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        selfaware(tmp_path, NONE, {**ROW, **change}, max_broken=0)


def test_always_refusing_on_the_real_set_has_the_published_f1(real_data: Path) -> None:
    import numpy as np

    items = SelfAware(name="selfaware", path=str(real_data / "selfaware" / "SelfAware.json")).load()
    assert len({i.id for i in items}) == len(items)
    positive = Labels(np.array([float(not i.gold) for i in items]))
    always, w = Labels(np.ones(len(items))), np.ones((1, len(items)))
    assert precision(always, positive, w=w)[0] == pytest.approx(0.306, abs=1e-3)
    assert f1(always, positive, w=w)[0] == pytest.approx(0.469, abs=1e-3)
