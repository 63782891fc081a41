"""Verdicts on pairs, critiques and worked sums, against replies that are known."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable

import pytest

from experiments.shared.critique import Critique, critique, says_wrong
from experiments.shared.other_critiques import Other, collected, pick
from experiments.shared.pairs import PairVerdict, pair_verdict
from experiments.shared.twin_solutions import TwinSolutions
from experiments.shared.worked_sums import worked_sum
from harness import HarnessError, ItemError, Message, Prompt, Text
from harness.testing import fake_subject


def judged(reply: Callable[[str], dict[str, float]]) -> PairVerdict:
    def ask(first: str, second: str) -> list[Message]:
        return [Message("user", f"(A) {first}\n(B) {second}")]

    return asyncio.run(pair_verdict(fake_subject(reply), ask, "one", "other", lead="Better:"))


def test_a_judge_that_takes_the_first_answer_prefers_neither() -> None:
    verdict = judged(lambda prompt: {"A": 0.8, "B": 0.2})
    assert [verdict.p, verdict.win, verdict.first_bias] == pytest.approx([0.5, 0.5, 0.3])
    assert not verdict.orders_agree


def test_a_preference_for_an_answer_shows_in_both_orders() -> None:
    def one(prompt: str) -> dict[str, float]:
        return {"A": 0.6, "B": 0.2, "x": 0.2} if "(A) one" in prompt else {"A": 0.1, "B": 0.7, "x": 0.2}

    verdict = judged(one)
    assert [verdict.p, verdict.win, verdict.mass] == pytest.approx([(0.75 + 0.875) / 2, 1, 0.8])
    assert verdict.orders_agree


def test_a_judge_without_any_preference_gives_half_a_vote_in_each_order() -> None:
    verdict = judged(lambda prompt: {"A": 0.3, "B": 0.3, "x": 0.4})
    assert [verdict.p, verdict.win, verdict.first_bias] == pytest.approx([0.5, 0.5, 0.0])
    assert not verdict.orders_agree


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Judgment: correct", False),
        ("The sum is off.\nJudgment: incorrect", True),
        ("**Judgement:** The answer is wrong.", True),
        ("Judgment: not correct", True),
        ("judgment - right", False),
        ("Judgment: correct\nWait, 3 + 4 is 7.\nJudgment: incorrect.", True),
        ('End with "Judgment: correct" or "Judgment: incorrect".', None),
        ('I was told to write "Judgment: correct" or "Judgment: incorrect".\nJudgment: correct', False),
        ("Judgment:\n\nincorrect", True),
        ("Judgment: The given answer is wrong", True),
        ("Judgment: the student's answer is right", False),
        ("My judgment is that the answer is incorrect.", True),
        ("Judgment: it is correct", False),
        ("Judgment: [incorrect]", True),
        ("Judgment: correct or not correct", None),
        ("Judgment: partially correct", None),
        ("Judgment: yes", None),
        ("It is incorrect.", None),
        ("Judgment: correctness cannot be told", None),
        ("Judgment: correct/incorrect", None),
        ("Judgment: correct or incorrect", None),
        ('Judgment: "correct" | "incorrect"', None),
        ("Judgment: correct? It is not.", None),
        ("Judgment: correct/incorrect\nJudgment: incorrect", True),
        ("Judgment: wrong, as the correct sum is 7", True),
        ("", None),
    ],
)
def test_the_last_line_of_judgment_decides(text: str, expected: bool | None) -> None:
    assert says_wrong(text) is expected


def test_a_critique_that_was_cut_has_no_verdict() -> None:
    subject = fake_subject(lambda prompt: "Judgment: correct and so on and on and on")
    whole = asyncio.run(critique(subject, Prompt.user("q"), max_tokens=400))
    cut = asyncio.run(critique(subject, Prompt.user("q"), max_tokens=len(whole.reply.tokens) - 2))
    assert (whole.says_wrong, cut.says_wrong, cut.parse_failed) == (False, None, True)


def test_a_planted_error_is_one_wrong_step_and_changes_the_result() -> None:
    for number in range(300):
        sums = worked_sum(0, number, steps=2 + number % 4)
        right, flawed = sums.right_lines(), sums.flawed_lines()
        assert right[: sums.at] == flawed[: sums.at]
        wrong = [line for line in flawed if not holds(line)]
        assert wrong == [flawed[sums.at]]
        assert all(holds(line) for line in right)
        assert int(flawed[-1].split("= ")[1]) == sums.wrong != sums.gold == int(right[-1].split("= ")[1])
        assert sums.at < len(sums.steps) - 1
        assert {str(sums.gold), str(sums.wrong)}.isdisjoint(re.findall(r"\d+", sums.question))
    assert len({worked_sum(0, number).question for number in range(300)}) == 300


def holds(line: str) -> bool:
    left, sign, right, _, result = line.split()
    return int(left) + int(right) * (1 if sign == "+" else -1) == int(result)


def test_twins_differ_in_one_step_and_its_consequences_and_balance_the_labels() -> None:
    items = TwinSolutions(size=200).load()
    assert len({item.id for item in items}) == len({item.fields["question"] for item in items}) == 200
    for item in items:
        right, wrong = item.fields["responses"]
        assert (right["right"], wrong["right"]) == (True, False)
        lines, flawed = right["text"].splitlines(), wrong["text"].splitlines()
        assert len(lines) == len(flawed) == item.fields["difficulty"] + 1
        assert [holds(line) for line in flawed[:-1]].index(False) + 1 == wrong["first_error"] < len(flawed) - 1
        assert sum(not holds(line) for line in flawed[:-1]) == 1
        assert all(holds(line) for line in lines[:-1])
        results = [re.findall("[0-9]+", text)[-1] for text in (right["text"], wrong["text"])]
        elsewhere = [item.fields["question"] + other["text"] for other in (wrong, right)]
        assert not [one for one, text in zip(results, elsewhere, strict=True) if one in re.findall("[0-9]+", text)]
        assert item.grade(right["text"]).correct is True
        assert item.grade(wrong["text"]).correct is False
    assert Counter(item.fields["difficulty"] for item in items) == {2.0: 67, 3.0: 67, 4.0: 66}
    assert items[:5] == TwinSolutions(size=5).load()
    assert TwinSolutions(seed=1, size=5).load() != items[:5]


@pytest.mark.parametrize("settings", [{"size": 0}, {"steps": []}, {"steps": [1, 2]}], ids=["size", "none", "short"])
def test_twins_need_a_problem_and_two_steps(settings: dict[str, object]) -> None:
    with pytest.raises(HarnessError, match="2 steps or more"):
        TwinSolutions(**settings)  # type: ignore[arg-type]


def test_another_items_critique_has_the_same_verdict_where_there_is_one() -> None:
    others = [Other("a", True, 1), Other("b", None, 1), Other("c", True, 1)]
    rng = random.Random(0)
    assert {pick(others, True, rng)[0].text for _ in range(40)} == {"a", "c"}
    assert pick(others, None, rng) == (others[1], True)
    other, same = pick(others, False, rng)
    assert (other in others, same) == (True, False)
    with pytest.raises(ItemError, match="no training item could be criticised"):
        pick([], True, rng)


def test_training_items_that_cannot_be_asked_about_give_no_critique() -> None:
    async def made(text: str) -> list[Critique]:
        if text == "too long":
            raise ItemError("the prompt does not fit")
        if text == "fault":
            raise KeyError(text)
        return [Critique(text, None, Text(text, (1, 2), (), "stop"))]

    async def collect(*texts: str) -> tuple[Other, ...]:
        return await collected(made(text) for text in texts)

    assert asyncio.run(collect("a", "too long", "b")) == (Other("a", None, 2), Other("b", None, 2))
    with pytest.raises(KeyError):
        asyncio.run(collect("a", "fault"))
