"""Iterative deepening on subjects whose text is known: budgets, places, words put, ends of turns, costs and votes."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from typing import Any

import pytest

from experiments.correction.iterative_deepening.arms import ARMS, Placed, budgets, check_room, places
from experiments.correction.iterative_deepening.iterative_deepening import IterativeDeepening
from experiments.correction.iterative_deepening.prompts import TEXTS, as_long, put, tokens_of
from experiments.correction.iterative_deepening.segments import kept
from harness import HarnessError, Item, Prompt, Text
from harness.statistics.estimates import estimate
from harness.tasks.graders import number
from harness.testing import Simulated, fake_subject, simulate

TRIGGER, CLOSE = "Wait! Start again.", TEXTS["close"].strip()
LONG = " ".join(f"w{i}" for i in range(400))
WORDS = {"trigger": TRIGGER}


def items(n: int = 1, gold: str = "7") -> list[Item]:
    return [Item({"question": f"What is row {i}?"}, gold, number) for i in range(n)]


def only(*arms: str, **settings: Any) -> IterativeDeepening:
    given = {"first_budget": 24, "gamma": 2.0, "cap": 96, "chains": 1, "wording": WORDS, **settings}
    return IterativeDeepening(arms=arms, **given)


def endless(prompt: str) -> str:
    """Words without end; behind the closing words, an answer that hangs on how often the turn was interrupted."""
    if prompt.endswith(CLOSE):
        return "7." if prompt.count(TRIGGER) >= 2 else "8."
    return LONG


SUBJECT = fake_subject(endless)


def turn_of(prompt: str) -> str:
    return prompt.rsplit("<assistant> ", 1)[1]


def segments(done: Simulated) -> list[str]:
    """The prompts of the calls that went on with the turn."""
    return [e.prompt for e in done.finished[0].transcript if not e.prompt.endswith(CLOSE)]


def rows(done: Simulated, arm: str, **level: Any) -> list[dict[str, Any]]:
    return [row for row in done.rows if row["arm"] == arm and all(row[k] == v for k, v in level.items())]


def test_budgets_grow_geometrically_up_to_the_cap() -> None:
    assert budgets(24, 2, 96) == (24, 48, 96), "none at the cap itself"
    assert budgets(24, 2, 97) == (24, 48, 96, 97)
    assert budgets(256, 4, 4096) == (256, 1024, 4096)
    assert budgets(10, 1.5, 40) == (10, 15, 22, 33, 40)
    with pytest.raises(HarnessError, match=r"first_budget=96 is not below experiment\.cap=96"):
        budgets(96, 2, 96)
    with pytest.raises(HarnessError, match=r"gamma=1\.01: budget 5 grows by less than a token"):
        budgets(5, 1.01, 50)
    check_room((24, 48, 96), 23)
    with pytest.raises(HarnessError, match="leave no token to the model between 24 and 48: the trigger has 24"):
        check_room((24, 48, 96), 24)


def test_triggers_stand_at_the_budgets_and_not_at_the_cap() -> None:
    done = simulate(only("id"), items(), endless)
    assert [(row["budget"], row["triggers"]) for row in rows(done, "id")] == [(24, 0), (48, 1), (96, 2)]
    subject = fake_subject(endless)
    turns = [turn_of(prompt) for prompt in segments(done)]
    assert len(turns) == 3
    for turn, budget in zip(turns[1:], (24, 48), strict=True):
        before, _, behind = turn.rpartition(put(TRIGGER))
        assert not behind
        # The segment was cut at the budget, and went back to its last white space.
        written = len(subject.renderer.tokenizer.encode(before))
        assert budget - 2 <= written <= budget
        assert not before[-1].isspace()
        assert before.split()[-1] in LONG.split()


def test_the_words_put_do_not_enter_new_tokens_and_those_cut_off_do() -> None:
    row = rows(simulate(only("id"), items(), endless), "id", final=True)[0]
    tokens = tokens_of(fake_subject(endless), put(TRIGGER))
    assert row["put_tokens"] == 2 * tokens
    # Three segments that ran into their budgets, and the closing "7.". What is cut off is written again.
    assert 96 - 2 * tokens <= row["new_tokens"] - 2 <= 96 - 2 * tokens + 4
    assert (row["calls"], row["cut_segments"]) == (4, 3)


def test_the_answer_at_the_end_counts_and_no_other() -> None:
    def once_right(prompt: str) -> str:
        right = prompt.count(TRIGGER) == 1
        return ("7." if right else "8.") if prompt.endswith(CLOSE) else LONG

    found = rows(simulate(only("id"), items(), once_right), "id")
    assert [row["correct"] for row in found] == [False, True, False]
    assert [row["before"] for row in found] == [None, False, True]
    assert [row["changed"] for row in found] == [None, True, True]


def test_a_turn_that_the_model_ends_goes_on_behind_the_trigger_without_its_end() -> None:
    def short(prompt: str) -> dict[str, float]:
        if prompt.endswith(CLOSE):
            return {" 7.": 1.0}
        # The second reply continues the first, so that the fake engine closes the first with its end token.
        return {"It is 7.": 1.0, "It is 7. And more.": 0.0} if TRIGGER not in prompt else {"So 7.": 1.0}

    done = simulate(only("id", "plain same cap", "once at end"), items(), short)
    turns = [turn_of(prompt) for prompt in segments(done)]
    assert f"It is 7.{put(TRIGGER)}" in turns, "the trigger follows at once where a budget is left"
    assert not any("<end>" in turn for turn in turns)
    assert [row["triggers"] for row in rows(done, "id")] == [0, 1, 2]
    assert [row["triggers"] for row in rows(done, "plain same cap")] == [0, 0, 0]
    plain = rows(done, "plain same cap")
    assert len({(row["new_tokens"], row["calls"]) for row in plain}) == 1, "a turn that has ended costs nothing more"
    assert [row["triggers"] for row in rows(done, "once at end")] == [0, 0, 1], "it waits for its place"
    assert all(row["correct"] for row in done.rows)


def test_the_end_token_is_stripped_from_the_ids() -> None:
    tokenizer = SUBJECT.renderer.tokenizer
    ids = tuple(tokenizer.encode("It is 7.<end>"))
    segment = kept(SUBJECT, Text("It is 7.", ids, (0.0,) * len(ids), "stop"), "word")
    assert (segment.text.text, segment.text.tokens, segment.ended) == ("It is 7.", ids[:-1], True)
    inside = tuple(tokenizer.encode("It is<end> 7 and"))
    segment = kept(SUBJECT, Text("It is 7 and", inside, (0.0,) * len(inside), "length"), "word")
    assert (segment.text.text, segment.ended) == ("It is", True)
    stopped = tuple(tokenizer.encode("So 7.\nQuestion:"))
    segment = kept(SUBJECT, Text("So 7.", stopped, (0.0,) * len(stopped), "stop"), None)
    assert (segment.text.text, segment.ended) == ("So 7.", True), "nor does a stop string stay"
    assert kept(SUBJECT, Text("", ids[-1:], (0.0,), "stop"), "word").text.tokens == ()


@pytest.mark.parametrize(
    ("text", "boundary", "stays"),
    [
        ("It is 12", "word", "It is"),
        ("It is 12 ", "word", "It is 12 "),
        ("1234", "word", "1234"),
        ("a b\nc d", "line", "a b\n"),
        ("a b c d", "line", None),
        ("a b c d", "turn", None),
        ("a b c d", None, "a b c d"),
    ],
)
def test_a_cut_segment_goes_back_to_its_boundary(text: str, boundary: Any, stays: str | None) -> None:
    tokenizer = SUBJECT.renderer.tokenizer
    ids = tuple(tokenizer.encode(text))
    segment = kept(SUBJECT, Text(text, ids, (-0.5,) * len(ids), "length"), boundary)
    assert segment.bounded == (stays is not None)
    assert segment.text.text == (text if stays is None else stays)
    assert segment.text.tokens == ids[: len(segment.text.tokens)]
    assert len(segment.text.logprobs) == len(segment.text.tokens)


def test_without_words_put_the_segments_are_one_long_reply() -> None:
    done = simulate(only("plain same cap"), items(), endless)
    *_, last = segments(done)
    subject = fake_subject(endless)
    ids = subject.renderer.tokenizer.encode(LONG)
    assert turn_of(last) == subject.renderer.tokenizer.decode(ids[:48]), "exactly, nothing is cut back"
    assert rows(done, "plain same cap", final=True)[0]["new_tokens"] == 96 + 2


def test_filler_and_trigger_have_equally_many_tokens() -> None:
    subject = fake_subject(endless)
    for trigger in (TEXTS["trigger"], TRIGGER, "Wait.", "Hold on. " * 9 + "Now."):
        filler = as_long(subject, TEXTS["filler"], trigger)
        assert abs(tokens_of(subject, put(filler)) - tokens_of(subject, put(trigger))) <= 1
    with pytest.raises(HarnessError, match="no beginning of the filler"):
        as_long(subject, "a-b-c-d-e-f-g-h", "Wait, no.")
    done = simulate(only("id", "filler"), items(3), endless)
    own, other = (rows(done, arm, final=True)[0] for arm in ("id", "filler"))
    assert own["triggers"] == other["triggers"] == 2
    assert abs(own["put_tokens"] - other["put_tokens"]) <= 2, "one each"
    assert (own["correct"], other["correct"]) == (True, False), "the filler holds no trigger"


def test_random_places_are_as_many_and_leave_the_model_room() -> None:
    steps, tokens = (24, 48, 96), 10
    drawn = Counter(places(Placed(places="random"), steps, tokens, Random(i)) for i in range(3000))
    assert all(first >= 1 and second - first > tokens and second + tokens < 96 for first, second in drawn)
    assert len(drawn) > 1500
    assert {place for pair in drawn for place in pair} >= {1, 85}, "the first and the last token are among them"
    done = simulate(only("random places", chains=4), items(6), endless)
    assert {row["triggers"] for row in rows(done, "random places", final=True, voted=False)} == {2}
    firsts = {len(re.findall(r"w\d+", turn_of(p).split(TRIGGER)[0])) for p in segments(done) if TRIGGER in p}
    assert len(firsts) > 1, "each chain has its own"


def test_all_arms_share_what_they_have_in_common() -> None:
    done = simulate(only("id", "plain same cap", "once at end", "filler"), items(), endless)
    first = [e for e in done.finished[0].transcript if turn_of(e.prompt) == ""]
    assert sum(not e.cached for e in first) <= 1, "the first segment is asked once"


def test_plain_chains_vote_with_at_least_the_tokens_of_the_id_chains() -> None:
    def replies(prompt: str) -> str:
        return "7." if prompt.endswith(CLOSE) else LONG if TRIGGER in prompt else "It is 7."

    done = simulate(only("id", "plain same tokens", "plain same cap", chains=3), items(2), replies)
    for voted in (False, True):
        own = rows(done, "id", voted=voted)
        plain = rows(done, "plain same tokens", voted=voted)
        assert len(own) == len(plain) == (6 if voted else 18)
        for one, other in zip(own, plain, strict=True):
            assert (one["budget"], one["chain"]) == (other["budget"], other["chain"])
            cost = 5 + 2  # "It is 7." has four tokens or five
            assert one["new_tokens"] <= other["new_tokens"] < one["new_tokens"] + cost
    assert {row["votes"] for row in rows(done, "id", voted=True)} == {3}
    assert max(row["votes"] for row in rows(done, "plain same tokens", voted=False, final=True)) > 5


def test_a_model_that_says_nothing_ends() -> None:
    done = simulate(only("id", "plain same tokens"), items(), lambda prompt: {"": 1.0})
    assert {row["fate"] for row in done.rows} <= {"empty", "unreadable"}
    assert not any(row["correct"] or row["error"] for row in done.rows)


def test_a_repeated_segment_and_the_models_own_triggers_are_counted() -> None:
    text = "Wait, let me check this. one two three four five six"

    def replies(prompt: str) -> str:
        return "7." if prompt.endswith(CLOSE) else text

    row = rows(simulate(only("id"), items(), replies), "id", final=True)[0]
    assert row["own_triggers"] == 6
    assert row["repeat_share"] == 1.0


def test_every_metric_of_the_whole_experiment_is_finite() -> None:
    coin = {"It is 7, so it is seven.": 0.5, "It is 8, or nine of them.": 0.5}

    def replies(prompt: str) -> dict[str, float]:
        return {" 7.": 0.5, " 8.": 0.5} if prompt.endswith(CLOSE) else coin

    done = simulate(IterativeDeepening(wording=WORDS), items(12), replies)
    assert not any(row["error"] for row in done.rows)
    assert {row["arm"] for row in done.rows} == set(list(ARMS)[:6])
    found = {m.name: estimate(m, done.table, replicates=20) for m in IterativeDeepening.metrics}
    for name in ("accuracy", "accuracy_at_budget", "new_tokens_at_budget", "delta", "mean_calls"):
        assert found[name], name
        assert all(e.value is not None for e in found[name]), name
    assert {e.level["budget"] for e in found["accuracy_at_budget"]} == {"32", "64", "128"}
    assert {e.level["budget"] for e in found["delta"]} == {"64", "128"}, "no answer stood before the first"


def test_a_thinking_model_has_no_thought_before_it() -> None:
    done = simulate(only("id"), items(), endless)
    assert all(e.thought is None for e in done.finished[0].transcript)
    assert Prompt.user("x").thinking("").thought == ""
