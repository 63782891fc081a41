"""Self-critique of confidence on subjects whose replies are known."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.calibration.self_critique_confidence.prompts import TEXTS, prompt_for
from experiments.calibration.self_critique_confidence.self_critique_confidence import Scored, SelfCritiqueConfidence
from harness import Grade, Item
from harness.config import load_job
from harness.engines.fake.engine import Replies
from harness.errors import HarnessError
from harness.outcomes import Failed, Table
from harness.prompting.rendering import Renderer
from harness.runs.finished import Finished
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import Estimate, estimate
from harness.tasks.choices import multiple_choice
from harness.testing import fake_subject, simulate


def grade(text: str, item: Item) -> Grade:
    return Grade(text, text == item.gold if text in {"right", "wrong"} else None)


def items(n: int) -> list[Item]:
    return [Item({"question": f"What is {i}?"}, "right", grade) for i in range(n)]


def number_of(prompt: str) -> int:
    return int(prompt.rpartition("What is ")[2].partition("?")[0])


def saying(first: Mapping[int, str], second: Mapping[int, str]) -> Replies:
    """The replies by the number in the question, before and after the critique."""

    def reply(prompt: str) -> Mapping[str, float]:
        return {(second if "Initial response" in prompt else first)[number_of(prompt)]: 1.0}

    return reply


def said(answer: str, score: int, instrument: str = "confidence") -> str:
    return f" {answer}, and the {instrument} is {score}%"


def run(
    experiment: SelfCritiqueConfidence, replies: Replies, n: int
) -> tuple[Table, dict[tuple[str, str], Estimate], list[Finished]]:
    table, finished = simulate(experiment, items(n), replies)
    assert not any(f.result.errors for f in finished), finished[0].result.error
    found = [e for m in experiment.metrics if m.by == ("arm",) for e in estimate(m, table, replicates=20)]
    return table, {(e.metric, e.level["arm"]): e for e in found}, finished


ONE = ("confidence", "confidence critique")
ONLY = SelfCritiqueConfidence(arms=ONE)


def test_a_subject_always_sure_has_the_error_rate_as_ece_and_ranks_at_chance() -> None:
    sure = {i: said("right" if i < 3 else "wrong", 100) for i in range(10)}
    _, found, _ = run(ONLY, saying(sure, sure), 10)
    for arm in ("confidence", "confidence critique"):
        assert found["ece_equal_width", arm].value == pytest.approx(1 - 0.3)
        assert found["overconfidence", arm].value == pytest.approx(1 - 0.3)
        assert found["auroc", arm].value == 0.5
        assert found["in_form_rate", arm].value == 1.0


def test_three_policies_for_missing_scores_give_three_numbers_side_by_side() -> None:
    # Two right and two wrong with 90 %; one right and two wrong without a score, one of these without an answer.
    replies = {0: said("right", 90), 1: said("right", 90), 2: said("wrong", 90), 3: said("wrong", 90)}
    replies |= {4: " right", 5: " wrong", 6: " hm"}
    table, found, _ = run(ONLY, saying(replies, replies), 7)
    value = {metric: e.value for (metric, arm), e in found.items() if arm == "confidence"}
    assert value["ece_equal_width"] == pytest.approx(0.9 - 0.5)
    assert value["ece_equal_width_half"] == pytest.approx((4 * 0.4 + 3 * abs(0.5 - 1 / 3)) / 7)
    # 1 where wrong (two rows), 0 where right (one row), each in a bin of its own: 0.9 is in the bin below its edge.
    assert value["ece_equal_width_adversarial"] == pytest.approx((4 * 0.4 + 2 * 1 + 1 * 1) / 7)
    assert value["auroc"] == 0.5
    assert value["auroc_half"] == pytest.approx((2 * 2 / 2 + 2 * 2 * 1 + 1 * 0 + 1 * 2 / 2) / 12)
    assert value["auroc_adversarial"] == pytest.approx((2 * 2 / 2) / 12)  # below chance
    assert (found["ece_equal_width", "confidence"].n, found["auroc_half", "confidence"].n) == (4, 7)
    assert value["no_score_rate"] == pytest.approx(3 / 7)
    assert value["answered"] == pytest.approx(6 / 7)
    assert value["accuracy"] == pytest.approx(3 / 7)
    vanilla = table.columns["stage"] == "vanilla"
    assert np.isnan(table.columns["confidence"][vanilla]).sum() == 3  # nothing is filled in


def test_the_critique_is_a_request_of_its_own_with_the_first_reply_letter_for_letter() -> None:
    first = " right, I think (50% sure)?  and the confidence is [85]%"
    _, _, finished = run(ONLY, saying({0: first}, {0: said("wrong", 20)}), 1)
    asked, critique = finished[0].transcript
    assert asked.prompt.startswith("<system> You are a helpful assistant.\n<user> Answer the following question")
    assert asked.prompt.endswith("Question: What is 0?\n<assistant> The answer is")
    assert critique.prompt.count("<user>") == 1
    assert critique.prompt.count("<assistant>") == 1
    assert critique.prompt.endswith(
        f"Question: What is 0?\nInitial response: The answer is{first}\n<assistant> The refined answer is"
    )


def test_asked_again_the_model_sees_its_reply_and_no_word_of_critique() -> None:
    asked = SelfCritiqueConfidence(arms=["confidence critique", "confidence again"])
    _, _, finished = run(asked, saying({0: said("right", 85)}, {0: said("wrong", 20)}), 1)
    critique, again = sorted((exchange.prompt for exchange in finished[0].transcript[1:]), key=lambda p: "again" in p)
    assert again.endswith(
        "What is 0?\nInitial response: The answer is right, and the confidence is 85%\n<assistant> The answer is"
    )
    assert "Now answer it again and give your confidence. Your response should be 'The answer is ANSWER" in again
    assert "refin" in critique
    assert not any(word in again for word in ("refin", "reassess", "improve", "calibration"))


def test_a_critique_that_moves_answers_as_asking_again_does_is_no_critique() -> None:
    # Every second wrong answer is mended whenever the model answers once more; or by the critique alone.
    first = {i: said("right" if i < 30 else "wrong", 60) for i in range(60)}
    second = {i: said("right" if i < 30 or i % 2 else "wrong", 60) for i in range(60)}
    claim = load_job(["experiment=selfCritiqueConfidence", "engine=fake"]).claims[-1]
    experiment = SelfCritiqueConfidence(arms=[*ONE, "confidence again"])

    def verdict(again: Mapping[int, str]) -> str:
        def reply(prompt: str) -> Mapping[str, float]:
            said = first if "Initial" not in prompt else again if "answer it again" in prompt else second
            return {said[number_of(prompt)]: 1.0}

        table, _ = simulate(experiment, items(60), reply)
        accuracy = [metric for metric in experiment.metrics if metric.name == claim.metric]
        found = estimate(accuracy[0], table, replicates=200)
        return judge_claim(claim, found, accuracy, table, replicates=200).kind

    assert (verdict(second), verdict(first)) == ("undecided", "supported")


def test_an_uncertainty_is_converted_and_kept_apart() -> None:
    def replies(prompt: str) -> Mapping[str, float]:
        instrument = "uncertainty" if "the uncertainty is NUMBER%" in prompt else "confidence"
        return {said("right", 20, instrument): 1.0}

    table, _, finished = run(SelfCritiqueConfidence(), replies, 1)
    confidence = dict(zip(table.columns["arm"], table.columns["confidence"], strict=True))
    assert confidence == pytest.approx(
        {
            "confidence": 0.2,
            "confidence critique": 0.2,
            "confidence again": 0.2,
            "uncertainty": 0.8,
            "uncertainty critique": 0.8,
            "uncertainty again": 0.8,
        }
    )
    prompts = [e.prompt for e in finished[0].transcript]
    assert not any("{" in p for p in prompts)
    assert sum("the calibration of your uncertainty." in p for p in prompts) == 1
    assert sum("how uncertain you are about the question" in p for p in prompts) == 3
    assert sum("how sure you are about your answer" in p for p in prompts) == 3


def test_a_score_on_the_other_instrument_is_none() -> None:
    replies = {0: said("right", 20, "uncertainty")}
    table, _, _ = run(ONLY, saying(replies, replies), 1)
    assert np.isnan(table.columns["confidence"]).all()
    assert table.columns["answer"].tolist() == ["right", "right"]


def test_the_table_of_moves_and_the_new_score_on_the_old_answers() -> None:
    # Right before: 0, 1, 2. Right after: 0, 1, 3, 4. The new score is 80 % for 0 to 3, 20 % for 4 and 5.
    first = {i: said("right" if i < 3 else "wrong", 60) for i in range(6)}
    second = {i: said("right" if i in {0, 1, 3, 4} else "wrong", 80 if i < 4 else 20) for i in range(6)}
    _, found, _ = run(ONLY, saying(first, second), 6)
    value = {metric: e.value for (metric, arm), e in found.items() if arm == "confidence critique"}
    assert value["delta"] == pytest.approx(1 / 6)
    assert value["delta_i2c"] == pytest.approx(2 / 6)
    assert value["delta_c2i"] == pytest.approx(1 / 6)
    assert value["fix_rate"] == pytest.approx(2 / 3)
    assert value["break_rate"] == pytest.approx(1 / 3)
    assert value["mcnemar_p"] == 1.0
    # New answers: of 0 to 3 three are right, of 4 and 5 one. Old answers: of 0 to 3 three, of 4 and 5 none.
    assert value["ece_equal_width"] == pytest.approx((4 * abs(0.8 - 0.75) + 2 * abs(0.2 - 0.5)) / 6)
    assert value["ece_equal_width_on_old"] == pytest.approx((4 * abs(0.8 - 0.75) + 2 * abs(0.2 - 0)) / 6)
    assert value["auroc_on_old"] == pytest.approx((3 * 1 / 2 + 3 * 2) / 9)
    assert value["overconfidence_on_old"] == pytest.approx(0.6 - 0.5)
    assert ("delta", "confidence") not in found


def test_a_reply_that_was_cut_off_states_no_half_number_or_answer() -> None:
    words = " well" * 40
    replies = {0: f"{words} right, and the confidence is 85%", 1: " right, and the confidence is 85%"}
    table, found, _ = run(SelfCritiqueConfidence(arms=ONE, max_tokens=7), saying(replies, replies), 2)
    # The fake's seventh token of the second reply is "85": without "%" it may go on.
    vanilla = table.where(table.columns["stage"] == "vanilla")
    assert sorted(zip(vanilla.columns["answer"], vanilla.columns["fate"], strict=True)) == [
        ("", "cut"),
        ("right", "answered"),
    ]
    assert np.isnan(vanilla.columns["confidence"]).all()
    assert sorted(vanilla.columns["answer"]) == ["", "right"]
    assert found["answered", "confidence"].value == 0.5


def test_with_reasoning_the_model_begins_its_reply_itself_and_thoughts_are_left_out() -> None:
    thought = "<think>The answer is wrong, and the confidence is 10%</think>\nLet me see.\n"
    reply = thought + "The answer is [right], and the confidence is [90]%."
    experiment = SelfCritiqueConfidence(arms=ONE, reason=True, max_tokens=99, wording={"system": ""})
    table, _, finished = run(experiment, lambda _: {reply: 1.0}, 1)
    assert table.columns["answer"].tolist() == ["right", "right"]
    assert table.columns["confidence"].tolist() == [0.9, 0.9]
    asked, critique = finished[0].transcript
    assert asked.prompt.startswith("<user>")
    assert asked.prompt.endswith("<assistant> ")
    assert "<think>" not in critique.prompt


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (" [right], and the confidence is", "right"),
        (": The answer is right. The confidence is 90%", "right"),
        (" right with a confidence of 90%", "right"),
        (" [right].", "right"),
        (" **right**", "right"),
        (" [country_name] and the confidence is 10%", ""),
        (" ANSWER, and the confidence is NUMBER%", ""),
        (" NUMBER, and the confidence is 90%", ""),
        (" X, and the confidence is 90%", "X"),
        (" ", ""),
    ],
)
def test_the_last_stated_answer_is_read_without_its_brackets(reply: str, answer: str) -> None:
    table, _, _ = run(ONLY, lambda _: {reply: 1.0}, 1)
    assert set(table.columns["answer"]) == {answer}


def test_a_percentage_that_is_the_answer_is_not_the_score() -> None:
    table, found, _ = run(ONLY, lambda _: {" 1.8%": 1.0}, 1)
    assert np.isnan(table.columns["confidence"]).all()
    table, found, _ = run(ONLY, lambda _: {" 1.8%, I am 90% sure, and the confidence is high": 1.0}, 1)
    assert np.isnan(table.columns["confidence"]).all()
    table, found, _ = run(ONLY, lambda _: {" 1.8%\nI am 90% sure": 1.0}, 1)  # cut at the line break
    assert np.isnan(table.columns["confidence"]).all()
    reasons = SelfCritiqueConfidence(arms=ONE, reason=True, max_tokens=50)
    table, found, _ = run(reasons, lambda _: {"The answer is 1.8%\nI am 90% sure": 1.0}, 1)
    assert table.columns["confidence"].tolist() == [0.9, 0.9]
    assert found["in_form_rate", "confidence"].value == 0.0


def test_multiple_choice_asks_for_a_letter() -> None:
    item = multiple_choice("Which?", ["this", "that"], 1, "test")
    table, finished = simulate(ONLY, [item], lambda _: {" (B), and the confidence is 70%": 1.0})
    assert table.columns["correct"].tolist() == [1, 1]
    assert set(table.columns["kind"]) == {"choice"}
    assert "where ANSWER is the letter of one choice" in finished[0].transcript[0].prompt


@pytest.mark.parametrize(
    "reply", [" I cannot help with that.", "AAAAAAAA", "", " [your_answer], and the confidence is"]
)
def test_a_model_that_says_nothing_of_use_gives_undefined_numbers_with_a_reason(reply: str) -> None:
    table, found, _ = run(SelfCritiqueConfidence(), lambda _: {reply: 1.0}, 3)
    assert table.columns["no_score"].all()
    for estimated in found.values():
        assert estimated.value is None or np.isfinite(estimated.value)
        assert estimated.value is not None or estimated.note
    assert found["ece_equal_width", "confidence"].value is None
    assert found["no_score_rate", "confidence"].value == 1.0
    fates = set(table.columns["fate"])
    assert fates == {"refused"} if "cannot help" in reply else fates <= {"empty", "unreadable", "answered"}


def test_unused_settings_and_impossible_ones_are_refused() -> None:
    with pytest.raises(HarnessError, match="input_file"):
        load_job(["experiment=selfCritiqueConfidence", "+experiment.input_file=train.json"])
    with pytest.raises(HarnessError, match="there is no arm 'uncertain', did you mean 'uncertainty'"):
        SelfCritiqueConfidence(arms=["uncertain"])


def test_a_critique_that_does_not_fit_fails_alone() -> None:
    def replies(prompt: str) -> Mapping[str, float]:
        long = "give your confidence" in prompt or "calibration of your confidence" in prompt
        return {said("right" + " well" * 200 * long, 90, "confidence" if long else "uncertainty"): 1.0}

    experiment = SelfCritiqueConfidence(max_tokens=300)
    subject, (item,) = fake_subject(replies), items(1)
    asked = subject.prompt_tokens(
        prompt_for(TEXTS, item, "uncertainty", "critique", said("right", 90, "uncertainty"), reason=False)
    )
    capped = replace(subject, renderer=Renderer(subject.engine.tokenizer, "auto", asked + 300 + 20))
    rows = asyncio.run(experiment.protocol(item, capped.for_item(item.id), None))
    assert [row.arm for row in rows if isinstance(row, Failed)] == ["confidence critique", "confidence again"]
    assert [row.arm for row in rows if isinstance(row, Scored)] == [
        "confidence", "uncertainty", "uncertainty critique", "uncertainty again"
    ]  # fmt: skip


def test_a_first_reply_that_does_not_fit_takes_its_own_instrument_only() -> None:
    subject, (item,) = fake_subject(lambda _: {said("right", 90): 1.0}), items(1)
    wording = {"uncertainty_meaning": "uncertain you are" + " about it" * 300}
    fits = subject.prompt_tokens(prompt_for(TEXTS, item, "confidence", "critique", "x" * 99, reason=False)) + 60
    capped = replace(subject, renderer=Renderer(subject.engine.tokenizer, "auto", fits))
    rows = asyncio.run(SelfCritiqueConfidence(wording=wording).protocol(item, capped.for_item(item.id), None))
    assert [row.arm for row in rows if isinstance(row, Failed)] == [
        "uncertainty", "uncertainty critique", "uncertainty again"
    ]  # fmt: skip
    assert [row.arm for row in rows if isinstance(row, Scored)] == [
        "confidence", "confidence critique", "confidence again"
    ]  # fmt: skip


def test_a_critique_may_run_without_the_row_of_its_first_reply() -> None:
    table, finished = simulate(SelfCritiqueConfidence(arms=["confidence critique"]), items(1), lambda _: {" right": 1})
    assert table.columns["stage"].tolist() == ["critique"]
    assert table.columns["before"].tolist() == [1.0]
    assert len(finished[0].transcript) == 2


def test_no_reference_answer_enters_a_prompt() -> None:
    hidden: list[Any] = [Item({"question": f"What is {i}?"}, "gold", grade) for i in range(2)]
    _, finished = simulate(SelfCritiqueConfidence(), hidden, lambda _: {said("right", 50): 1.0})
    assert not any("gold" in e.prompt for f in finished for e in f.transcript)
