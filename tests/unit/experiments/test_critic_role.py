"""Step-by-step critiques as they are read, and the critic's role with actors and critics that are known."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from experiments.correction.critic_role.critic_role import BINS, CriticRole
from experiments.correction.critic_role.steps import final_wrong, first_wrong_step, names_gold, up_to_verdict
from experiments.shared.twin_solutions import TwinSolutions
from harness import Item
from harness.config import load_job
from harness.statistics.estimates import Estimate, estimate
from harness.tasks.graders import letter_choice, number, short_answer
from harness.testing import Simulated, simulate

STEPS = ["52 + 14 = 66", "66 - 9 = 57", "The answer is 57."]
FINAL = "Correctness of the final answer: "


def step(sentence: str, verdict: str) -> str:
    return f"Step sentence: {sentence}\nCorrectness of the step: {verdict}\nExplanation: because."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{FINAL}Wrong", True),
        (f"{FINAL}[Correct]\nExplanation: nothing is wrong.", False),
        (f"{FINAL}**Incorrect**", True),
        (f"{FINAL}not correct", True),
        (f"{FINAL}[Correct/Wrong]", None),
        (f"{FINAL}[Correct/Wrong]\n{FINAL}Correct", False),
        (f"{step(STEPS[0], 'Wrong')}\n{FINAL}Correct", False),
        (step(STEPS[0], "Wrong"), None),
        ("The final answer is wrong.", True),
        (f"{FINAL}\nWrong", True),
        (f"**{FINAL}**\n\n[Correct]", False),
        (f"| {FINAL}| Wrong |", True),
        (f"{FINAL}\u274c Wrong", True),
        (f"{FINAL}The final answer is wrong.", True),
        (f"{FINAL}not wrong", False),
        (f"{FINAL}Partially correct", None),
        (f"{FINAL}Yes", None),
        (f"{FINAL}Wrong\nExplanation: The final answer is correct up to a sign.", True),
        (f"{FINAL}Wrong\nExplanation: The correct final answer is 57.", True),
        ("The final answer 57 is correct.", False),
        ("The final answer (57) is wrong.", True),
        ("The final answer of 57 is incorrect.", True),
        ("The final answer isn't correct.", True),
        ("The correct final answer is 57.", None),
        ("Is the final answer correct?", None),
        ("If the final answer is wrong, say so.", None),
        ("The final answer could be wrong.", None),
        ("", None),
    ],
)
def test_the_verdict_on_the_final_answer_is_never_that_on_a_step(text: str, expected: bool | None) -> None:
    assert final_wrong(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n\n".join([step(STEPS[0], "Correct"), step(STEPS[1], "Wrong"), step(STEPS[2], "Wrong")]), 2),
        (step(STEPS[0], "Wrong"), 1),
        (step(STEPS[1], "[Wrong]"), 2),  # it skipped the first step, and says which it means
        ("\n".join([step("one", "Correct"), step("two", "Wrong")]), 2),
        ("\n".join([step(STEPS[0], "Correct"), step(STEPS[1], "[Correct/Wrong]")]), None),
        (f"{step(STEPS[0], 'Correct')}\n{FINAL}Wrong", None),
        ("\n".join([step(STEPS[0], "\nCorrect"), step(STEPS[1], "\nWrong")]), 2),
        ("Step 1:\nCorrectness of Step 1: Correct\nStep 2:\nCorrectness of Step 2: Wrong", 2),
        ("Step sentence: 52+14=66\nCorrectness of the step: Correct\nCorrectness of the step: Wrong", 2),
        ("", None),
    ],
)
def test_the_first_wrong_step_is_that_of_the_repeated_line_or_of_the_count(text: str, expected: int | None) -> None:
    assert first_wrong_step(text, STEPS) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{step(STEPS[0], 'Wrong')}\n\n{FINAL}Wrong\nExplanation: 66.", step(STEPS[0], "Wrong")),
        (f"Fine.\n\n**{FINAL}**\n[Correct]", "Fine."),
        (f"{FINAL}[Correct/Wrong]\nLet me see.\n{FINAL}Correct", f"{FINAL}[Correct/Wrong]\nLet me see."),
        (f"{FINAL}Correct", ""),
        (f"Fine.\n\nStep sentence: {FINAL}Correct.\nExplanation: 39.", "Fine."),
        ("Cut in the mid", "Cut in the mid"),
        ("The final answer is wrong.", "The final answer is wrong."),
        ("", ""),
    ],
)
def test_a_critique_is_closed_before_its_own_verdict(text: str, expected: str) -> None:
    assert up_to_verdict(text) == expected


@pytest.mark.parametrize(
    ("gold", "critique", "leaks"),
    [
        ("1234", "It must be 1,234.", True),
        ("1234", "It must be 1234.0", True),
        ("1234", "It must be 234 or 12345.", False),
        ("52", "She has 52 shells.", False),  # as the question says
        ("57", "The step 66 - 9 = 57 is wrong.", False),  # as the solution says
        ("-3", "It is -3.", True),
        ("3", "It is 57-3.", True),
    ],
)
def test_a_critique_leaks_a_number_that_stands_in_neither_question_nor_solution(
    gold: str, critique: str, leaks: bool
) -> None:
    item = Item({"question": "Ivo has 52 shells. How many are left?"}, gold, number)
    assert names_gold(critique, item, "\n".join(STEPS)) is leaks


def test_words_and_options_leak_as_whole_words() -> None:
    words = Item({"question": "Who wrote it?"}, ["Jane Austen"], short_answer)
    assert [names_gold(text, words, "Bob.") for text in ("It was jane austen!", "Janet Austen")] == [True, False]
    option = Item({"question": "Where?", "choices": ["Rome", "Paris"]}, "(B) Paris", letter_choice)
    assert [names_gold(text, option, "Rome.") for text in ("No: Paris.", "(B)")] == [True, False]


def problems(n: int = 6) -> list[Item]:
    return TwinSolutions(size=n).load()


TRAIN = TwinSolutions(size=4, seed=9).load()
GOLD: dict[str, str] = {item.fields["question"]: item.gold for item in [*problems(40), *TRAIN]}
SOLUTION = re.compile(r"Solution:\n(.*?)\n<assistant>", re.DOTALL)


def question_in(prompt: str) -> str:
    return next(question for question in GOLD if question in prompt)


def answering(text: Callable[[str, str], str]) -> Callable[[str], str]:
    """An actor: `text` gives its turn from the right number and from the last request."""

    def actor(prompt: str) -> str:
        return text(GOLD[question_in(prompt)], prompt.rsplit("<user> ", maxsplit=1)[-1])

    return actor


def obeys(gold: str, request: str) -> str:
    """It is wrong at first, and right once a critique names the right number."""
    return f"The answer is {gold if 'critique' in request and gold in re.findall('[0-9]+', request) else 1}."


def critic(names: Callable[[str, bool], str]) -> Callable[[str], str]:
    """A critic that knows which solutions are right; `names` adds to its verdict."""

    def reply(prompt: str) -> str:
        gold = GOLD[question_in(prompt)]
        right = f"The answer is {gold}." in SOLUTION.findall(prompt)[-1]
        return f"{names(gold, right)}\n{FINAL}{'Correct' if right else 'Wrong'}"

    return reply


def run(
    actor: Callable[[str], Any], judge: Callable[[str], Any], items: Sequence[Item] | None = None, **settings: Any
) -> Simulated:
    def both(prompt: str) -> Any:
        return judge(prompt) if "Check each step" in prompt else actor(prompt)

    return simulate(CriticRole(**settings), items or problems(), both, train=TRAIN, roles={"critic": judge})


def by_arm(simulated: Simulated) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in simulated.rows:
        assert row["error"] is None
        rows[row["arm"]].append(row)
    return rows


def estimates(simulated: Simulated, name: str) -> dict[str, Estimate]:
    (metric,) = (m for m in CriticRole.metrics if m.name == name)
    return {str(e.level["arm"]): e for e in estimate(metric, simulated.table, replicates=20)}


def test_a_critic_that_names_the_answer_leaks_it_and_mends_everything() -> None:
    done = run(answering(obeys), critic(lambda gold, right: f"It should be {gold}."))
    assert estimates(done, "leak_rate")["real"].value == 1
    assert estimates(done, "fix_rate")["real"].value == 1
    assert estimates(done, "fix_rate")["empty"].value == estimates(done, "fix_rate")["shuffled"].value == 0
    assert estimates(done, "fix_rate")["always wrong"].value == estimates(done, "fix_rate")["gold verdict"].value == 0
    assert "real" not in {arm for arm, one in estimates(done, "fix_rate_without_leak").items() if one.n}


def test_a_critic_that_keeps_the_answer_to_itself_does_not_leak() -> None:
    done = run(answering(obeys), critic(lambda gold, right: "Look again."))
    assert {one.value for one in estimates(done, "leak_rate").values()} == {0}
    assert estimates(done, "fix_rate")["real"].value == 0
    assert estimates(done, "balanced_accuracy")["given real"].value == 1
    assert estimates(done, "false_alarm_rate")["given real"].value == 0


def test_the_shuffled_critique_keeps_the_verdict_and_the_distribution_of_lengths() -> None:
    judge = critic(lambda gold, right: "All steps hold, I have checked each of them." if right else "No.")
    rows = by_arm(run(answering(obeys), judge))
    for real, shuffled in (("real", "shuffled"), ("given real", "given shuffled")):
        assert all(row["same_verdict"] for row in rows[shuffled])
        assert [row["says_wrong"] for row in rows[real]] == [row["says_wrong"] for row in rows[shuffled]]
        assert [row["critique_tokens"] for row in rows[real]] == [row["critique_tokens"] for row in rows[shuffled]]
    assert len({row["critique_tokens"] for row in rows["given real"]}) == 2


def test_without_a_critique_nothing_but_a_second_attempt_is_asked_for() -> None:
    done = run(answering(obeys), critic(lambda gold, right: "Hm."), problems(1), arms=("empty", "given empty"))
    last = [exchange.prompt.rsplit("<user> ", maxsplit=1)[-1] for exchange in done.finished[0].transcript]
    again = [request for request in last if request.startswith("Please solve it again.")]
    assert len(again) == 3  # its own solution, and the two that were given
    assert not [request for request in last if "critique" in request or "Check each step" in request]


def test_given_solutions_show_whether_the_critic_finds_the_first_error() -> None:
    items = problems(12)
    flawed = {wrong["text"]: wrong["first_error"] for item in items for wrong in item.fields["responses"][1:]}

    def finds(prompt: str) -> str:
        solution = SOLUTION.findall(prompt)[-1]
        first = flawed.get(solution)
        marks = [
            step(line, "Wrong" if first is not None and at >= first else "Correct")
            for at, line in enumerate(solution.splitlines(), 1)
        ]
        return "\n\n".join([*marks, f"{FINAL}{'Correct' if first is None else 'Wrong'}"])

    done = run(answering(obeys), finds, items, critique_tokens=1000)
    assert estimates(done, "first_error_hit_rate")["given real"].value == 1
    rows = by_arm(done)
    assert {row["first_error_hit"] for row in rows["real"]} == {None}
    assert [row["first_error_hit"] for row in rows["given real"]] == [None, True] * 12
    assert (
        estimates(run(answering(obeys), lambda prompt: FINAL + "Wrong", items), "first_error_hit_rate")[
            "given real"
        ].value
        == 0
    )


def half(gold: str, request: str) -> str:
    return f"The answer is {gold if int(gold) % 2 else 1}."


def test_routing_by_an_oracle_leaves_right_solutions_alone() -> None:
    def spoils(gold: str, request: str) -> str:
        return "The answer is 1." if "critique" in request else half(gold, request)

    rows = by_arm(run(answering(spoils), critic(lambda gold, right: "Hm."), problems(12)))
    assert {row["before"] for row in rows["real"]} == {True, False}
    assert not any(row["after"] for row in rows["real"])
    for row in rows["oracle routing"]:
        assert row["after"] is row["before"]
        assert row["calls"] == (1 if row["before"] else 3)
        assert (row["says_wrong"] is None) is row["before"]


def test_the_vote_takes_as_many_calls_and_none_of_the_draws_behind_the_difficulty() -> None:
    def actor(prompt: str) -> Mapping[str, float]:
        gold = GOLD[question_in(prompt)]
        return {f"The answer is {gold}.": 0.5, "The answer is 1.": 0.5}

    rows = by_arm(run(actor, critic(lambda gold, right: "Hm."), problems(40)))
    assert {row["calls"] for row in rows["vote equal calls"]} == {row["calls"] for row in rows["real"]} == {3}
    hardest = [row["after"] for row in rows["vote equal calls"] if row["difficulty"] in (BINS[0], BINS[1])]
    assert any(hardest)
    assert not all(hardest)
    assert {row["difficulty"] for row in rows["real"]} >= set(BINS[1:4])


@pytest.mark.parametrize(
    ("right", "expected"), [(0, "0"), (1, "(0, .25]"), (2, "(.25, .5]"), (3, "(.5, .75]"), (4, "(.75, 1]")]
)
def test_difficulty_is_the_bin_of_the_share_of_right_draws(right: int, expected: str) -> None:
    assert BINS[-int(-4 * (right / 4) // 1)] == expected


def test_the_critic_is_another_model_where_one_is_named_and_self_is_the_actor() -> None:
    def actor(prompt: str) -> str:
        return FINAL + "Correct" if "Check each step" in prompt else "The answer is 1."

    done = simulate(CriticRole(), problems(2), actor, train=TRAIN, roles={"critic": lambda prompt: FINAL + "Wrong"})
    rows = by_arm(done)
    assert [{row["says_wrong"] for row in rows[arm]} for arm in ("real", "self")] == [{True}, {False}]
    alone = by_arm(simulate(CriticRole(), problems(2), actor, train=TRAIN))
    assert [{row["says_wrong"] for row in alone[arm]} for arm in ("real", "self")] == [{False}, {False}]


@pytest.mark.parametrize(
    "reply", ["", "I see.", f"{FINAL}[Correct/Wrong]", "word " * 400], ids=["empty", "none", "form", "cut"]
)
def test_a_critique_without_a_verdict_is_counted_and_never_a_verdict(reply: str) -> None:
    done = run(answering(obeys), lambda prompt: reply)
    assert estimates(done, "parse_failed_rate")["given real"].value == 1
    assert estimates(done, "f1")["given real"].value is None
    assert estimates(done, "f1")["given real"].n_failed == 12
    gate = CriticRole.gates[0]
    assert gate.against(estimates(done, "parse_failed_rate")["given real"])
    assert not gate.against(estimates(run(answering(obeys), lambda prompt: f"{FINAL}Wrong"), gate.metric)["given real"])


def closing(text: str, p_wrong: Callable[[bool], float]) -> Callable[[str], Mapping[str, float]]:
    """A critic that writes a text without a verdict; closed by force, it gives Wrong a probability."""

    def reply(prompt: str) -> Mapping[str, float]:
        right = f"The answer is {GOLD[question_in(prompt)]}." in SOLUTION.findall(prompt)[-1]
        p, closed = p_wrong(right), prompt.endswith(FINAL.strip())
        return {" Wrong": 0.9 * p, " [Correct]": 0.9 * (1 - p), " 57": 0.1} if closed else {text: 1.0}

    return reply


@pytest.mark.parametrize("text", ["I see.", "", "word " * 400], ids=["no verdict", "empty", "cut"])
def test_a_critique_without_a_verdict_is_closed_by_force_and_its_verdict_is_exact(text: str) -> None:
    done = run(answering(obeys), closing(text, lambda right: 0.3 if right else 0.4))
    rows = by_arm(done)
    assert [row["p_wrong"] for row in rows["given real"][:2]] == pytest.approx([0.3, 0.4])
    assert [row["mass"] for row in rows["given real"]] == pytest.approx([0.9] * 12)
    assert estimates(done, "auroc_wrong")["given real"].value == 1
    assert {row["says_wrong"] for row in rows["given real"]} == {None}
    judged = {arm for arm, some in rows.items() if any(row["p_wrong"] is not None for row in some)}
    assert judged == {"real", "self", "given real", "given self"}


def test_a_critic_that_knows_nothing_ranks_by_chance_when_it_is_closed() -> None:
    done = run(answering(obeys), closing("I see.", lambda right: 0.4))
    assert estimates(done, "auroc_wrong")["given real"].value == 0.5


def test_the_actor_is_shown_the_critique_as_written_and_not_its_forced_end() -> None:
    done = run(answering(obeys), closing("I see.", lambda right: 0.4), problems(1), arms=("given real",))
    refined = [e.prompt for e in done.finished[0].transcript if "I have made" in e.prompt]
    assert len(refined) == 2
    assert not [prompt for prompt in refined if FINAL.strip() in prompt]


def test_a_critic_without_probabilities_needs_none_where_critiques_are_not_closed() -> None:
    closes, plain = CriticRole(), CriticRole(close=False)
    assert closes.needed_parts()["critic"].capabilities == closes.capabilities() == {"generate", "choose"}
    assert plain.needed_parts()["critic"].capabilities == plain.capabilities() == {"generate"}
    assert CriticRole(arms=("empty",)).capabilities() == {"generate"}
    rows = by_arm(run(answering(obeys), critic(lambda gold, right: "Hm."), problems(2), close=False))
    assert {row["p_wrong"] for row in rows["given real"]} == {None}


def test_items_without_given_solutions_have_rows_of_their_own_solutions_only() -> None:
    items = [Item({"question": item.fields["question"]}, item.gold, number) for item in problems(3)]
    rows = by_arm(run(answering(obeys), critic(lambda gold, right: "Hm."), items))
    assert set(rows) == {arm for arm in CriticRole().arms if not arm.startswith("given")}


def test_every_number_of_the_whole_experiment_is_finite() -> None:
    def actor(prompt: str) -> str | Mapping[str, float]:
        gold = GOLD[question_in(prompt)]
        request = prompt.rsplit("<user> ", maxsplit=1)[-1]
        if "critique" in request:
            return obeys(gold, request)
        wrong = {"The answer is 1.": 0.6, f"The answer is {gold}.": 0.4}
        return {f"The answer is {gold}.": 0.6, "The answer is 1.": 0.4} if int(gold) % 2 else wrong

    def judge(prompt: str) -> str:
        gold = GOLD[question_in(prompt)]
        line = SOLUTION.findall(prompt)[-1].splitlines()[0]
        told = f"It is {gold}." if len(line) % 2 else "Hm."
        return f"{step(line, 'Wrong')}\n{told}\n{FINAL}{'Wrong' if len(prompt) % 3 else 'Correct'}"

    done = run(actor, judge, problems(40))
    undefined = {
        (metric.name, tuple(one.level.values()))
        for metric in CriticRole.metrics
        for one in estimate(metric, done.table, replicates=20)
        if one.value is None
    }
    assert undefined == set()


def test_the_claims_are_about_numbers_that_there_are() -> None:
    job = load_job(["experiment=criticRole", "engine=fake", "tracker=none"])
    assert {claim.metric for claim in job.claims} <= {metric.name for metric in CriticRole.metrics}
    assert job.task.name == "twin_solutions"
