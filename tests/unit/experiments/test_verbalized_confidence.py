"""VerbalizedConfidence confidence on subjects whose replies are known."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.calibration.verbalized_confidence.outcome import length_bin
from experiments.calibration.verbalized_confidence.verbalized_confidence import VerbalizedConfidence
from experiments.shared.confidence import PHRASES
from harness import Grade, Item, Subject
from harness.engines.fake.engine import Replies
from harness.errors import HarnessError
from harness.outcomes import Table
from harness.runs.finished import Finished
from harness.statistics.estimates import Estimate, estimate
from harness.tasks.choices import multiple_choice
from harness.testing import fake_subject, simulate
from tests.support.subjects import Asked, Rated, Reading, SimulatedSubject, Traits


def grade(text: str, item: Item) -> Grade:
    return Grade(text, text == item.gold if text in {"right", "wrong"} else None)


def items(n: int) -> list[Item]:
    return [Item({"question": f"What is {i}?"}, "right", grade) for i in range(n)]


def number_of(prompt: str) -> int:
    return int(prompt.rpartition("What is ")[2].partition("?")[0])


def form(answer: str, confidence: str) -> str:
    return f"<answer>{answer}</answer>\n<confidence>{confidence}</confidence>"


def saying(replies: Mapping[str, str]) -> Replies:
    """The only reply to a prompt, by its end or, failing that, by the number in its question."""

    def reply(prompt: str) -> Mapping[str, float]:
        ends = [end for end in replies if prompt.endswith(end)]
        return {replies[ends[0] if ends else str(number_of(prompt))]: 1.0}

    return reply


def run(
    experiment: VerbalizedConfidence, replies: Replies, n: int
) -> tuple[Table, dict[tuple[str, str], Estimate], list[Finished]]:
    table, finished = simulate(experiment, items(n), replies)
    assert not any(f.result.errors for f in finished), finished[0].result.error
    found = [e for m in experiment.metrics if "length" not in m.by for e in estimate(m, table, replicates=20)]
    return table, {(e.metric, e.level["arm"]): e for e in found if e.level.get("forced") != "true"}, finished


def one(arm: str, **settings: Any) -> VerbalizedConfidence:
    return VerbalizedConfidence(arms=[arm], **settings)


def row(table: Table, number: int, arm: str, *, forced: bool = False) -> dict[str, Any]:
    """The values of one item, by the number in its question."""
    at = (table.columns["item"] == items(number + 1)[number].id) & (table.columns["arm"] == arm)
    at &= table.columns["forced"] == forced
    (index,) = np.flatnonzero(at)
    return {name: values[index] for name, values in table.columns.items()}


def test_metrics_follow_from_known_confidences() -> None:
    # Five replies say 90 %, of which four are right; five say 60 %, of which one is.
    said = {str(i): form("right" if i < 5 else "wrong", "90%" if i in {0, 1, 2, 3, 5} else "60%") for i in range(10)}
    _, found, _ = run(one("percent one", forced=False), saying(said), 10)
    value = {metric: e.value for (metric, _), e in found.items()}
    expected = {
        "accuracy": 0.5,
        "accuracy_attempted": 0.5,
        "attempted_rate": 1.0,
        "in_form_rate": 1.0,
        "refusal_rate": 0.0,
        "ungraded_rate": 0.0,
        "mean_confidence": 0.75,
        "overconfidence": 0.25,
        "ece_equal_width": 0.5 * 0.1 + 0.5 * 0.4,
        "ece_equal_count": 0.5 * 0.1 + 0.5 * 0.4,  # ten bins of one row each, ties shared out
        "brier": (4 * 0.01 + 0.81 + 0.16 + 4 * 0.36) / 10,
        "auroc": (16 + (4 + 4) / 2) / 25,  # ties count one half
        "auprc": 0.8 * 0.8 + 0.2 * 0.5,
        "auprc_wrong": 0.8 * 0.8 + 0.2 * 0.5,
    }
    assert {name: value[name] for name in expected} == pytest.approx(expected)
    assert value["ece_equal_width_common"] == value["ece_equal_width"]


SAID = {
    "0": form("right", "80%"),
    "1": "I don't know.",
    "2": form("I am not sure", "10%"),
    "3": "<answer>right</answer>\n<confidence>very high</confidence>",
    "4": "<answer>right</answer> " + "so it is " * 40,
    "5": "80%",
    "6": form("maybe", "80%"),
    "7": form("final answer here", "80%"),
    "8": "right",
    "9": "right <confidence>90%</confidence>",
    "10": "so it is " * 40,
    "11": "",
    "<answer>": "right</answer>",
    "<confidence>": "70%</confidence>",
}
FATES = [
    *("answered", "refused", "refused", "answered", "answered", "unreadable"),
    *("unreadable", "unreadable", "answered", "answered", "cut", "empty"),
]


def test_every_reply_has_a_fate_and_nothing_is_filled_in() -> None:
    table, found, _ = run(one("percent one", begun=False), saying(SAID), 12)
    rows = [row(table, i, "percent one") for i in range(12)]
    assert [r["fate"] for r in rows] == FATES
    # An answer without a confidence, or outside of the tags, is still right; what could not be graded is wrong.
    assert [r["correct"] for r in rows] == [1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0]
    nan = np.nan
    confidences = [0.8, nan, 0.1, nan, nan, nan, 0.8, 0.8, nan, 0.9, nan, nan]
    np.testing.assert_array_equal([r["confidence"] for r in rows], confidences)
    assert [r["in_form"] for r in rows] == [1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert [r["attempted"] for r in rows] == [1, *[0] * 11]
    value = {metric: e.value for (metric, arm), e in found.items() if arm == "percent one"}
    assert value["accuracy"] == 5 / 12
    assert value["accuracy_answered"] == 1.0
    assert value["accuracy_upper"] == 1.0
    assert (value["attempted_rate"], value["in_form_rate"], value["refusal_rate"]) == (1 / 12, 3 / 12, 2 / 12)
    # Over all with a confidence, of which two are right and three not; the paper's is of those that attempted.
    ece = found["ece_equal_width", "percent one"]
    assert ece.value == pytest.approx((abs(0.8 * 3 - 1) + 0.1 + 0.1) / 5)
    assert (ece.n, ece.n_failed) == (5, 7)
    assert [found[f"ece_equal_width{s}", "percent one"].n for s in ("_answered", "_attempted")] == [2, 1]
    assert found["ece_equal_width_answered", "percent one"].value == pytest.approx((0.2 + 0.1) / 2)
    assert found["ece_equal_width_attempted", "percent one"].value == pytest.approx(0.2)


def test_the_fallback_has_rows_of_its_own_and_leaves_refusals_and_answers_alone() -> None:
    table, _, finished = run(one("percent one", begun=False), saying(SAID), 12)
    rows = [row(table, i, "percent one", forced=True) for i in range(12)]
    nan = np.nan
    confidences = [0.8, nan, 0.1, 0.7, 0.7, 0.7, 0.8, 0.7, 0.7, 0.9, 0.7, 0.7]
    np.testing.assert_array_equal([r["confidence"] for r in rows], confidences)
    assert [r["answer"] for r in rows[3:]] == ["right"] * 3 + ["maybe"] + ["right"] * 5
    assert [bool(r["refused"]) for r in rows] == [False, True, True] + [False] * 9
    assert [r["attempted"] for r in rows] == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1]
    answers = [e.prompt for f in finished for e in f.transcript if e.prompt.endswith("<answer>")]
    # Asked for an answer are those that gave none, and not 8, which said "right" without the tags.
    assert sorted(map(number_of, answers)) == [5, 7, 10, 11]
    for prompt in (e.prompt for f in finished for e in f.transcript if e.prompt.endswith("<confidence>")):
        continued = prompt.rpartition("<assistant> ")[2]
        assert "right" in continued
        assert "very high" not in continued  # the failed statement is taken back


def test_an_answer_in_the_models_own_words_is_not_contradicted_by_a_forced_one() -> None:
    replies = {"0": "right is the capital of that land.", "<answer>": "wrong", "<confidence>": "70%"}

    def by_word(text: str, item: Item) -> Grade:
        first = text.split(maxsplit=1)[0] if text.split() else ""
        return Grade(first, first == item.gold if first in {"right", "wrong"} else None)

    said = one("percent one", begun=False)
    table, _ = simulate(said, [Item({"question": "What is 0?"}, "right", by_word)], saying(replies))
    assert table.columns["correct"].tolist() == [1, 1]
    assert table.columns["fate"].tolist() == ["answered", "answered"]
    assert table.columns["in_form"].tolist() == [0, 0]


BEGUN = [
    ("right</answer>", "100%</confidence>", "answered", 1.0),
    ("right", "100%", "answered", 1.0),
    ("\nright\n</answer>", "\n100%\n</confidence>", "answered", 1.0),
    ("right\n<confidence>55%</confidence>", "100% sure</confidence>", "answered", 1.0),
    ("<answer>right</answer>", "<confidence>100%</confidence>", "answered", 1.0),
    ("right</answer>", "very high</confidence>", "answered", None),
    ("right</answer>", "confidence here</confidence>", "answered", None),
    ("right</answer>", " so" * 40 + " 9", "answered", None),
    ("I do not know</answer>", "10%</confidence>", "refused", 0.1),
    (" so" * 60, "10%</confidence>", "cut", None),
    ("final answer here</answer>", "10%</confidence>", "unreadable", None),
    ("</answer>", "10%</confidence>", "empty", None),
]


@pytest.mark.parametrize(("answer", "confidence", "fate", "value"), BEGUN)
def test_a_reply_that_is_begun_by_the_tags(answer: str, confidence: str, fate: str, value: float | None) -> None:
    table, finished = simulate(
        one("percent one"), items(1), lambda prompt: {confidence if prompt.endswith("<confidence>") else answer: 1.0}
    )
    assert table.columns["fate"].tolist() == [fate]
    assert table.columns["forced"].tolist() == [0]
    np.testing.assert_array_equal(table.columns["confidence"], [np.nan if value is None else value])
    if value is not None:
        second = finished[0].transcript[1].prompt
        given = "I do not know" if fate == "refused" else "right"
        assert second.endswith(f"<assistant> <answer>{given}</answer>\n<confidence>")


@pytest.mark.parametrize("reply", ["<confidence>\n100%\n</confidence>", "So:\n<confidence>\n 100 %</confidence>"])
@pytest.mark.parametrize("begun", [False, True])
def test_a_confidence_after_a_line_break_is_read(reply: str, begun: bool) -> None:
    experiment = one("percent two", begun=begun, forced=False)
    table, _ = simulate(experiment, items(1), lambda prompt: {reply if "your solution" in prompt else " right": 1.0})
    assert table.columns["confidence"].tolist() == [1.0]


def test_the_room_for_a_confidence_is_a_setting() -> None:
    def replies(prompt: str) -> Mapping[str, float]:
        return {"I am quite sure of it <confidence>90%</confidence>" if "your solution" in prompt else " right": 1.0}

    for tokens, value in ((6, np.nan), (32, 0.9)):
        experiment = one("percent two", begun=False, forced=False, confidence_tokens=tokens)
        table, _ = simulate(experiment, items(1), replies)
        np.testing.assert_array_equal(table.columns["confidence"], [value])


def example_of(prompt: str) -> str:
    return prompt.rpartition("For example, <confidence>")[2].partition("<")[0]


@pytest.mark.parametrize("scale", ["percent", "probability", "words"])
def test_a_model_that_copies_the_example_does_not_look_calibrated(scale: str) -> None:
    def copying(prompt: str) -> Mapping[str, float]:
        return {
            example_of(prompt) if prompt.endswith("<confidence>") else "right" if number_of(prompt) % 2 else "wrong": 1
        }

    arms = [f"{scale} one", f"{scale} two"]
    table, found, _ = run(VerbalizedConfidence(arms=arms), copying, 400)
    for arm in arms:
        assert found["echo_rate", arm].value == 1.0
        auroc = found["auroc", arm].value
        assert auroc is not None
        assert abs(auroc - 0.5) < 0.09  # three standard errors
        ece = found["ece_equal_width", arm].value
        assert ece is not None
        assert ece > 0.15
    values = dict(zip(table.columns["item"], table.columns["confidence"], strict=True))
    assert len(set(values.values())) > 5
    assert np.mean(list(values.values())) == pytest.approx(0.5, abs=0.05)


def test_an_own_confidence_is_no_echo() -> None:
    _, found, _ = run(one("percent one"), saying({"0": form("right", "90%"), "1": form("right", "90%")}), 2)
    assert found["echo_rate", "percent one"].value == 0.0


def test_the_second_request_holds_the_whole_first_reply() -> None:
    def replies(prompt: str) -> Mapping[str, float]:
        if "your solution" in prompt:
            return {"<confidence>0.25</confidence>": 1.0}
        return {"Hm, so\n<answer>right</answer> I say.": 1.0} if "Reason" in prompt else {" right, I say": 1.0}

    experiment = VerbalizedConfidence(
        arms=["probability two", "probability two reasoned"], reasoning_tokens=64, forced=False, begun=False
    )
    table, finished = simulate(experiment, items(1), replies)
    short, second, long, third = sorted(
        (e.prompt for e in finished[0].transcript), key=lambda p: "64" in p or "Hm" in p
    )
    assert short == "<user> Question: What is 0?\n<assistant> Answer:"
    assert second.endswith("Question: What is 0?\nSolution: right, I say\n<assistant> ")
    asked, reflected = sorted((long, third), key=lambda p: "Hm" in p)
    assert "at most 64 tokens" in asked
    assert reflected.endswith("Question: What is 0?\nSolution: Hm, so\n<answer>right</answer> I say.\n<assistant> ")
    # "right, I say" is no answer that the grader knows; the tagged one is.
    assert table.columns["answer"].tolist() == ["right, I say", "right"]
    assert table.columns["fate"].tolist() == ["unreadable", "answered"]
    np.testing.assert_array_equal(table.columns["confidence"], [0.25, 0.25])


def test_an_answer_forced_after_cut_off_reasoning_is_reflected_upon_like_any_other() -> None:
    def replies(prompt: str) -> Mapping[str, float]:
        if prompt.endswith("<answer>"):
            return {"right</answer>": 1.0}
        return {"70%" if prompt.endswith("<confidence>") else "Hm. " * 40: 1.0}

    table, finished = simulate(one("percent two reasoned", reasoning_tokens=8, max_tokens=6), items(1), replies)
    assert table.columns["forced"].tolist() == [0, 1]
    assert table.columns["fate"].tolist() == ["cut", "answered"]
    np.testing.assert_array_equal(table.columns["confidence"], [np.nan, 0.7])
    reflected = next(e.prompt for e in finished[0].transcript if "your solution" in e.prompt)
    cut = " ".join(["Hm."] * 7)  # 8 + 6 tokens
    assert reflected.endswith(f"Solution: {cut}\n<answer>right</answer>\n<assistant> ")


def test_after_a_refusal_nothing_more_is_asked() -> None:
    table, finished = simulate(one("words two", begun=False), items(1), lambda prompt: {" I do not know.": 1.0})
    assert len(finished[0].transcript) == 1
    assert table.columns["refused"].tolist() == [1, 1]


def test_phrases_are_read_by_the_mapping_that_the_prompt_names() -> None:
    def replies(prompt: str) -> Mapping[str, float]:
        if "your solution" not in prompt:
            return {" right": 1.0}
        assert f"as one of these: {', '.join(PHRASES)}." in prompt
        return {"<confidence>Chances are slight</confidence>": 1.0}

    table, _ = simulate(one("words two", forced=False), items(1), replies)
    assert table.columns["confidence"].tolist() == [0.25]


def test_thoughts_are_no_answers_and_a_budget_that_runs_out_is_no_refusal() -> None:
    thinking = "<think><answer>wrong</answer></think>" + form("right", "90%")
    endless = "<think> I am not sure. " + "Hm " * 120
    replies = saying({"0": thinking, "1": endless, "<answer>": "wrong", "<confidence>": "20%"})
    table, _, _ = run(one("percent one reasoned", reasoning_tokens=8, max_tokens=40), replies, 2)
    first, second = (row(table, i, "percent one reasoned") for i in (0, 1))
    assert (first["answer"], first["confidence"]) == ("right", 0.9)
    assert (second["fate"], second["refused"], second["tokens"]) == ("cut", 0, 80)
    forced = row(table, 1, "percent one reasoned", forced=True)
    assert (forced["answer"], forced["confidence"], forced["reply"]) == (
        "wrong",
        0.2,
        "<answer>wrong</answer>\n<confidence>20%",
    )


def test_common_numbers_are_of_the_items_that_all_arms_attempted() -> None:
    def replies(prompt: str) -> Mapping[str, float]:
        number = number_of(prompt)
        if "percentage" in prompt or "0%" in prompt:
            return {form("right", "90%") if number else "I don't know": 1.0}
        return {form("right" if number < 2 else "wrong", "0.5"): 1.0}

    table, found, _ = run(VerbalizedConfidence(arms=["percent one", "probability one"], forced=False), replies, 4)
    assert found["accuracy", "probability one"].value == 0.5
    assert found["accuracy_common", "probability one"].value == pytest.approx(1 / 3)
    assert found["accuracy_common", "percent one"].n == 3
    assert (table.columns["common"] == 0).sum() == 2


def test_an_arm_that_does_not_fit_fails_alone_and_nothing_is_common() -> None:
    experiment = VerbalizedConfidence(arms=["percent one", "percent one reasoned"], reasoning_tokens=1 << 21)
    table, finished = simulate(experiment, items(2), lambda _: {form("right", "90%"): 1.0})
    lost = table.where(table.columns["reasoned"] == 1)
    assert len(lost) == 2
    assert all("does not fit" in error or "tokens" in error for error in lost.columns["error"])
    kept = table.where(table.columns["reasoned"] == 0)
    assert kept.columns["confidence"].tolist() == [0.9] * 2
    assert kept.columns["common"].tolist() == [0] * 2
    assert {error.partition(":")[0] for f in finished for error in f.result.errors} == {"arm percent one reasoned"}


def test_texts_are_settings() -> None:
    wording = {"outright": "At once,", "percent": "in percent, and 5 $$"}
    table, finished = simulate(one("percent one", wording=wording, forced=False), items(1), lambda _: {"no": 1.0})
    assert (
        finished[0]
        .transcript[0]
        .prompt.startswith(
            "<user> Answer the question. At once, give your final answer and your confidence that it is correct, in "
            "percent, and 5 $. Reply in this form:\n<answer>final answer here</answer>"
        )
    )
    assert (table.kinds["scale"], table.kinds["steps"], table.kinds["reasoned"]) == ("text", "number", "label")


def judged(verdicts: Mapping[str, str], own: bool) -> Table:
    """Four items whose answers name the letter that the judge says of them."""

    def replies(prompt: str) -> Mapping[str, float]:
        if "Reference answer: right" in prompt:
            return {verdicts[prompt.rpartition("Answer: ")[2].partition("\n")[0]]: 1.0}
        return {form("abcd"[number_of(prompt)], "80%"): 1.0}

    class Judged(VerbalizedConfidence):
        async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Any:
            if own:
                return await super().protocol(item, subject, fitted)
            judge = replace(fake_subject(replies), name="judge", model="grader-1")
            return await super().protocol(item, replace(subject, players={"judge": (judge,)}), fitted)

    return simulate(Judged(arms=["percent one"], forced=False, judge=True), items(4), replies)[0]


def test_a_judge_sorts_into_right_wrong_and_not_attempted_and_is_named_in_every_row() -> None:
    verdicts = {"a": "A", "b": "B", "c": "C: NOT ATTEMPTED", "d": "Well."}
    table = judged(verdicts, own=False)
    rows = [row(table, i, "percent one") for i in range(4)]
    np.testing.assert_array_equal([r["correct"] for r in rows], [1, 0, 0, 0])
    assert [r["fate"] for r in rows] == ["answered", "answered", "refused", "unreadable"]
    assert [r["refused"] for r in rows] == [0, 0, 1, 0]
    assert [r["ungraded"] for r in rows] == [0, 0, 0, 1]
    (name,) = set(table.columns["graded_by"])
    assert name.startswith("grader-1 ")
    assert name.partition(", prompt ")[2].isalnum()
    (own,) = set(judged(verdicts, own=True).columns["graded_by"])
    assert "(the subject itself)" in own


def test_draws_of_an_item_are_one_group() -> None:
    replies = {form("right", "90%"): 0.5, form("wrong", "60%"): 0.5}
    experiment = one("percent one", draws=5, temperature=1.0, forced=False)
    table, found, _ = run(experiment, lambda prompt: replies, 6)
    accuracy = found["accuracy", "percent one"]
    assert (len(table), accuracy.n, accuracy.n_groups) == (30, 30, 6)
    assert 0 < float(np.nansum(table.columns["correct"])) < 30


@pytest.mark.parametrize("reply", ["I cannot help with that.", "AAAAAAAA", "", "<answer></answer><confidence>"])
def test_a_model_that_says_nothing_of_use_gives_undefined_numbers_with_a_reason(reply: str) -> None:
    table, found, _ = run(
        VerbalizedConfidence(arms=["percent one", "percent two", "words two"]), lambda _: {reply: 1.0}, 3
    )
    assert table.columns["attempted"].sum() == 0
    for estimated in found.values():
        assert estimated.value is None or np.isfinite(estimated.value)
        assert estimated.value is not None or estimated.note
    assert found["ece_equal_width", "percent one"].value is None
    assert found["attempted_rate", "percent one"].value == 0.0


def test_a_simulated_subjects_stated_confidence_arrives_unchanged() -> None:
    def read(prompt: str) -> Reading:
        question = f"What is {number_of(prompt)}?"
        if "your solution" not in prompt:
            return Asked(question, " right", [" wrong"])
        answer = prompt.rpartition("Solution: ")[2].partition("\n")[0]
        return Rated(question, answer, answer == "right", "<confidence>{percent}%</confidence>")

    subject = SimulatedSubject(Traits(insight=1.5, intercept=2.0), read)
    table, _ = simulate(one("percent two", temperature=1.0, forced=False), items(60), subject)
    stated = {}
    for i, item in enumerate(items(60)):
        for answer in ("right", "wrong"):
            logit = subject.stated_logit(f"What is {i}?", answer, answer == "right")
            stated[item.id, answer] = round(100 / (1 + np.exp(-logit))) / 100
    expected = [stated[pair] for pair in zip(table.columns["item"], table.columns["answer"], strict=True)]
    np.testing.assert_allclose(table.columns["confidence"], expected, atol=1e-12)
    experiment = one("percent two")
    (gap,) = (e for m in experiment.metrics if m.name == "overconfidence" for e in estimate(m, table, replicates=200))
    assert gap.low is not None
    assert gap.low > 0.05  # two logits too sure


def test_no_reference_answer_enters_a_prompt_of_the_subject() -> None:
    hidden = [Item({"question": f"What is {i}?"}, "gold", grade) for i in range(2)]
    _, finished = simulate(VerbalizedConfidence(), hidden, lambda _: {form("right", "90%"): 1.0})
    assert not any("gold" in e.prompt or "{" in e.prompt for f in finished for e in f.transcript)


def test_a_multiple_choice_item_is_asked_for_a_letter() -> None:
    item = multiple_choice("Which?", ["this", "that"], 1, "test")
    table, finished = simulate(one("percent one", forced=False), [item], lambda _: {form("(B)", "90%"): 1.0})
    assert (
        "<answer>letter here</answer>\n<confidence>confidence here</confidence>\nFor example, <confidence>"
        in finished[0].transcript[0].prompt
    )
    assert table.columns["correct"].tolist() == [1]


@pytest.mark.parametrize(
    ("tokens", "name"), [(0, "0000-0007"), (7, "0000-0007"), (8, "0008-0015"), (1023, "0512-1023"), (1024, "1024-2047")]
)
def test_lengths_fall_into_bins_of_powers_of_two(tokens: int, name: str) -> None:
    assert length_bin(tokens) == name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"arms": []}, "arms is empty; choose among percent one, percent one no thought, "),
        ({"arms": ["percent"]}, "there is no arm 'percent'"),
        ({"arms": ["percent three"]}, "there is no arm 'percent three', did you mean 'percent"),
        ({"phrases": {"likely": 65.0}}, r"probability in \[0, 1\]"),
        ({"draws": 5}, "temperature above 0"),
        ({"draws": 0}, "experiment.draws=0"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        VerbalizedConfidence(**settings)
