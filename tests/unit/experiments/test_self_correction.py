"""Self-correction on subjects whose first and later answers have a known distribution."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.correction.self_correction.prompts import SECOND_TURNS
from experiments.correction.self_correction.self_correction import SelfCorrection
from harness import Item
from harness.config import load_job
from harness.engines.fake.engine import FakeEngine, Replies
from harness.errors import HarnessError
from harness.execution.runner import run_protocols
from harness.outcomes import Table
from harness.prompting.rendering import Renderer
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate
from harness.store.store import Store
from harness.subject.subject import Subject
from harness.subject.transcript import Exchange
from harness.tasks.graders import number
from harness.testing import fake_subject, simulate

RIGHT, WRONG, NOTHING = "The final answer is 7.", "The final answer is 8.", "It is correct as it stands."
GOLD = "7"
DECODINGS = ("greedy", "sampled")


def items(n: int, gold: str = GOLD) -> list[Item]:
    return [Item({"question": f"What is the value in row {i}?"}, gold, number) for i in range(n)]


def turn_of(prompt: str) -> int:
    """1 for the first question, 2 for what comes after the first answer, ..."""
    return prompt.count("<assistant>")


def by_turn(*turns: str) -> Replies:
    """Always the given text at each turn, the last one from there on."""
    return lambda prompt: {turns[min(turn_of(prompt), len(turns)) - 1]: 1.0}


def coin(p: float) -> Replies:
    """Right with probability p at every turn, whatever was said before."""
    return lambda prompt: {RIGHT: p, WRONG: 1 - p}


def only(*arms: str, **settings: Any) -> SelfCorrection:
    return SelfCorrection(arms=arms, **settings)


def arm(table: Table, name: str, turn: int = 2) -> Table:
    found = table.where((table.columns["arm"] == name) & (table.columns["turn"] == turn))
    assert len(found), f"no arm {name} at turn {turn}; there are {sorted(levels(table))}"
    return found


def levels(table: Table) -> set[tuple[str, int]]:
    """Every arm and turn that has rows."""
    return {(str(a), int(t)) for a, t in zip(table.columns["arm"], table.columns["turn"], strict=True)}


def values(table: Table, name: str, turn: int = 2) -> dict[str, float | None]:
    """Every metric of one arm at one turn, by name."""
    rows = arm(table, name, turn)
    return {e.metric: e.value for m in SelfCorrection.metrics for e in estimate(m, rows, replicates=2)}


def asked(experiment: SelfCorrection, replies: Replies, n: int = 1) -> list[Exchange]:
    return [exchange for f in simulate(experiment, items(n), replies)[1] for exchange in f.transcript]


def test_a_subject_that_always_corrects() -> None:
    table, _ = simulate(only("score greedy"), items(20), by_turn(WRONG, RIGHT))
    found = values(table, "score greedy")
    expected = {"accuracy_before": 0, "accuracy_after": 1, "delta": 1, "delta_i2c": 1, "delta_c2i": 0, "fix_rate": 1}
    assert {name: found[name] for name in expected} == expected
    assert found["break_rate"] is None, "no answer was right at first"
    assert found["mcnemar_p"] == pytest.approx(2 * 0.5**20)
    assert (found["unchanged_rate"], found["answered_after"], found["mean_calls"]) == (0, 1, 2)
    assert found["mean_similarity"] == pytest.approx(0.8), "4 of 5 words are the same"


def test_a_subject_that_always_breaks_what_is_right() -> None:
    def replies(prompt: str) -> Mapping[str, float]:
        first = RIGHT if int(re.findall(r"row (\d+)", prompt)[0]) < 30 else WRONG
        return {first if turn_of(prompt) == 1 else WRONG: 1.0}

    found = values(simulate(only("score greedy"), items(40), replies)[0], "score greedy")
    expected = {"accuracy_before": 0.75, "accuracy_after": 0, "delta": -0.75, "delta_i2c": 0, "delta_c2i": 0.75}
    expected |= {"fix_rate": 0, "break_rate": 1, "unchanged_rate": 0.25}
    assert {name: found[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize("text", [RIGHT, WRONG])
def test_a_subject_that_repeats_itself_changes_nothing_in_any_arm(text: str) -> None:
    table, _ = simulate(SelfCorrection(turns=3), items(5), by_turn(text))
    columns = table.columns
    np.testing.assert_array_equal(columns["before"], float(text == RIGHT))
    np.testing.assert_array_equal(columns["after"], columns["before"])
    np.testing.assert_array_equal(columns["unchanged"], 1.0)
    np.testing.assert_array_equal(columns["similarity"], 1.0)


def test_independent_resampling_is_the_null_model() -> None:
    p, n = 0.3, 800
    experiment = only("again sampled", "resample", temperature=1.0)
    table, _ = simulate(experiment, items(n), coin(p))
    # 4 standard errors of a share of p(1-p) = 0.21 among 800 is 0.058, of a difference with variance 0.42 is 0.092.
    for name in ("again sampled", "resample"):
        found = values(table, name)
        assert found["delta_i2c"] == pytest.approx(0.21, abs=0.058)
        assert found["delta_c2i"] == pytest.approx(0.21, abs=0.058)
        assert found["delta"] == pytest.approx(0, abs=0.092)
        assert found["break_rate"] == pytest.approx(0.7, abs=0.12)


def test_greedy_arms_take_the_likeliest_answer_at_every_turn() -> None:
    table, _ = simulate(only("score greedy", turns=3), items(10), coin(0.7))
    np.testing.assert_array_equal(table.columns["before"], 1.0)
    np.testing.assert_array_equal(table.columns["after"], 1.0)


def test_a_vote_of_three_has_its_binomial_accuracy() -> None:
    experiment = only("vote beside huang", temperature=1.0)
    found = values(simulate(experiment, items(800), coin(0.75))[0], "vote beside huang")
    # p^3 + 3 p^2 (1-p) = 0.84375; 4 standard errors are 0.052 and 0.062.
    assert found["accuracy_after"] == pytest.approx(0.84375, abs=0.052)
    assert found["accuracy_before"] == pytest.approx(0.75, abs=0.062)
    assert found["mean_calls"] == 3


def test_an_unparsable_second_turn_is_wrong_and_says_so() -> None:
    def replies(prompt: str) -> Mapping[str, float]:
        spoilt = turn_of(prompt) == 2 and int(re.findall(r"row (\d+)", prompt)[0]) < 4
        return {NOTHING if spoilt else RIGHT: 1.0}

    table, _ = simulate(only("score greedy"), items(10), replies)
    row = table.where(table.columns["fate_after"] == "unreadable")
    assert len(row) == 4
    np.testing.assert_array_equal(row.columns["after"], 0.0)
    assert np.isnan(row.columns["unchanged"]).all()
    assert set(row.columns["answer_after"]) == {""}
    found = values(table, "score greedy")
    assert [found["delta"], found["accuracy_after"], found["answered_after"]] == pytest.approx([-0.4, 0.6, 0.6])
    assert (found["delta_answered"], found["accuracy_after_answered"]) == (0, 1)
    assert [found["delta_lower"], found["delta_upper"]] == pytest.approx([-0.4, 0.0])


def test_who_only_comments_on_its_answer_makes_nothing_worse() -> None:
    """Every answer is right, and then said to be so; four comments of ten repeat the answer."""

    def replies(prompt: str) -> Mapping[str, float]:
        repeats = turn_of(prompt) == 1 or int(re.findall(r"row (\d+)", prompt)[0]) % 10 < 4
        return {RIGHT if repeats else NOTHING: 1.0}

    arms = ["score greedy", "huang greedy", "huang sampled", "vote beside huang", "again greedy"]
    table, _ = simulate(only(*arms), items(40), replies)
    assert values(table, "score greedy")["delta"] == pytest.approx(-0.6)
    found = [e for m in SelfCorrection.metrics for e in estimate(m, table, replicates=200)]
    for claim in load_job(["experiment=selfCorrection", "engine=fake", "tracker=none"]).claims:
        verdict = judge_claim(claim, found, SelfCorrection.metrics, table, replicates=200, gates=SelfCorrection.gates)
        assert verdict.kind != "supported", claim.text
        assert "count as wrong" in verdict.reason


def test_an_unparsable_first_turn_still_gets_its_revision() -> None:
    table, _ = simulate(only("score greedy"), items(3), by_turn(NOTHING, RIGHT))
    np.testing.assert_array_equal(table.columns["before"], 0.0)
    np.testing.assert_array_equal(table.columns["after"], 1.0)
    assert set(table.columns["fate_before"]) == {"unreadable"}


def test_a_turn_that_was_cut_is_wrong_even_when_it_holds_the_right_number() -> None:
    working = "First take the 7 and go on with it for a while until the end is reached"
    table, _ = simulate(only("score greedy", max_tokens=8), items(3), by_turn(RIGHT, working))
    assert set(table.columns["fate_after"]) == {"cut"}
    np.testing.assert_array_equal(table.columns["after"], 0.0)
    table, _ = simulate(only("score greedy", max_tokens=8), items(3), by_turn(WRONG, f"{RIGHT} {working}"))
    assert set(table.columns["fate_after"]) == {"cut"}
    np.testing.assert_array_equal(table.columns["after"], 0.0)


def test_right_at_an_earlier_attempt_does_not_count_later() -> None:
    """The released code of Self-Refine marks all attempts after the first right one as right."""
    experiment = only("score greedy", "score greedy oracle", turns=4)
    table, _ = simulate(experiment, items(3), by_turn(WRONG, RIGHT, WRONG, WRONG))
    expected = {"score greedy": [1.0, 0.0, 0.0], "score greedy oracle": [1.0, 1.0, 1.0]}
    for name, after in expected.items():
        assert [values(table, name, k)["accuracy_after"] for k in (2, 3, 4)] == after
    assert [values(table, "score greedy oracle", k)["mean_calls"] for k in (2, 3, 4)] == [2, 2, 2]


def test_the_oracle_only_rises_and_is_never_among_the_intrinsic_arms() -> None:
    table, _ = simulate(SelfCorrection(turns=3, temperature=1.0), items(100), coin(0.5))
    oracles = set(table.where(table.columns["kind"] == "oracle").columns["arm"])
    assert oracles == {f"{s} {d} oracle" for s in ("score", "huang", "neutral") for d in ("greedy", "sampled")}
    for name, turn in levels(table):
        if name not in oracles:
            assert "oracle" not in name
            continue
        with_gold, without = arm(table, name, turn), arm(table, name.removesuffix(" oracle"), turn)
        before, after = with_gold.columns["before"], with_gold.columns["after"]
        assert (after >= before).all()
        assert (after >= without.columns["after"]).all()
        assert (with_gold.columns["calls"] <= without.columns["calls"]).all()
    # Solved at one of three tries, each a fair coin.
    assert arm(table, "score sampled oracle", 3).columns["after"].mean() == pytest.approx(0.875, abs=0.14)
    assert arm(table, "score sampled", 3).columns["after"].mean() == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize(("turns", "calls"), [(2, 18), (3, 34)])
def test_calls_of_an_item(turns: int, calls: int) -> None:
    """Greedy: the first answer and 1 + 2 + 2 + 1 + 1 calls a round. Sampled: the same, and the draws of the vote."""
    experiment = SelfCorrection(turns=turns)
    exchanges = asked(experiment, by_turn(*(f"The final answer is {i}." for i in range(10))))
    assert len(exchanges) == calls == len({e.keys for e in exchanges})


def test_arms_and_what_they_cost() -> None:
    within = [f"{style} {d} within" for style in ("score", "huang", "neutral") for d in ("greedy", "sampled")]
    experiment = only(*SelfCorrection().arms, *within, turns=3)
    table, _ = simulate(experiment, items(2), coin(0.5))
    kept = table.where(table.columns["kind"] != "oracle")
    rows = zip(*(kept.columns[name] for name in ("arm", "turn", "calls")), strict=True)
    costs = {(str(name), int(turn)): int(calls) for name, turn, calls in rows}
    one_call = {(f"{s} {d}", k): k for s in ("score", "again", "repeat") for d in DECODINGS for k in (2, 3)}
    two_calls = {(f"{s} {d}", k): 2 * k - 1 for s in ("huang", "neutral") for d in DECODINGS for k in (2, 3)}
    votes = {(name, 3): 3 if "score" in name else 5 for name in within}
    votes |= {("vote beside huang", 2): 3, ("vote beside huang", 3): 5, ("resample", 2): 2}
    assert costs == one_call | two_calls | votes
    assert len(levels(table)) == 2 * (10 + 6 + 3) + 3


def test_factors_are_columns() -> None:
    table, _ = simulate(only("huang greedy within", "score chains", turns=3, chains=2), items(1), coin(0.5))
    rows = zip(*(table.columns[name] for name in ("arm", "turn", "style", "decoding", "kind", "chains")), strict=True)
    assert sorted(rows) == [
        ("huang greedy within", 3, "huang", "greedy", "within", 0),
        ("score chains", 2, "score", "sampled", "revision", 1),
        ("score chains", 3, "score", "sampled", "revision", 1),
    ]


@pytest.mark.parametrize("names", [("score greedy",), ("score greedy", "score greedy oracle", "score greedy within")])
def test_arms_that_look_at_one_chain_in_different_ways_ask_it_once(names: tuple[str, ...]) -> None:
    exchanges = asked(only(*names, turns=3), by_turn(WRONG, RIGHT, WRONG))
    assert len(exchanges) == 3 == len({e.keys for e in exchanges})


def test_an_arm_whose_prompt_does_not_fit_fails_alone() -> None:
    """The longest dialogue of huang does not fit; score, its oracle and the votes are not touched by it."""
    replies = by_turn(WRONG, RIGHT)
    context = max(e.prompt_tokens for e in asked(only("score greedy", turns=3), replies)) + SelfCorrection().max_tokens
    names = ("score greedy", "score greedy oracle", "huang greedy", "huang greedy oracle", "vote beside huang")
    experiment = only(*names, turns=3)

    async def run() -> Table:
        subject = fake_subject(replies)
        subject = replace(subject, renderer=Renderer(subject.engine.tokenizer, "auto", context))
        done: list[Any] = []
        await run_protocols(experiment, items(2), subject, None, window=2, done=lambda f: done.append(f.result))
        return experiment.table(done)

    table = asyncio.run(run())
    failed = table.where(np.array([error is not None for error in table.columns["error"]]))
    assert Counter(failed.columns["arm"]) == {"huang greedy": 2, "huang greedy oracle": 2}
    assert set(failed.columns["style"]) == {"huang"}
    assert str(context) in failed.columns["error"][0]
    assert values(table, "score greedy", 3)["accuracy_after"] == 1
    assert values(table, "vote beside huang", 3)["accuracy_after"] == 0


def test_tokens_are_those_of_the_arm_alone_though_all_arms_run_at_once(tmp_path: Path) -> None:
    def replies(prompt: str) -> Mapping[str, float]:
        return {"so " * (len(prompt) % 7) + RIGHT: 1.0}

    alone, finished = simulate(only("huang greedy"), items(4), replies)
    for f in finished:
        row = alone.where(alone.columns["item"] == f.item.id).columns
        assert row["prompt_tokens"] == sum(e.prompt_tokens for e in f.transcript)
        assert row["new_tokens"] == sum(e.new_tokens for e in f.transcript)

    async def together() -> Table:
        experiment = SelfCorrection()
        engine = FakeEngine(replies, delay=0.001)
        subject = Subject(engine, Renderer(engine.tokenizer, "auto", engine.context), Store(tmp_path), 0)
        results: list[Any] = []
        await run_protocols(experiment, items(4), subject, None, window=4, done=lambda f: results.append(f.result))
        return experiment.table(results)

    crowded = arm(asyncio.run(together()), "huang greedy")
    for column in ("prompt_tokens", "new_tokens", "tokens_before", "tokens_after"):
        np.testing.assert_array_equal(crowded.columns[column], alone.columns[column])


def test_the_second_turn_holds_the_first_answer_verbatim_and_no_gold() -> None:
    gold = "314159"
    experiment = SelfCorrection(turns=3)
    _, finished = simulate(experiment, items(2, gold), by_turn("Perhaps 8, or so.", "No: 9.", "Then 10."))
    for f in finished:
        for e in f.transcript:
            assert gold not in e.prompt
            assert f.item.fields["question"] in e.prompt
            if turn_of(e.prompt) > 1:
                assert "<assistant> Perhaps 8, or so.\n<user> " in e.prompt


def worded(form: str) -> SelfCorrection:
    """The experiment in one of the wordings of the config."""
    job = load_job(["experiment=selfCorrection", f"+wording/selfCorrection={form}", "engine=fake", "tracker=none"])
    assert isinstance(job.experiment, SelfCorrection)
    return job.experiment


def told(experiment: SelfCorrection, style: str) -> list[str]:
    return [experiment.text(name) for name in SECOND_TURNS[style]]


def test_the_papers_instructions_are_quoted() -> None:
    math, boxed = worded("math"), worded("boxed")
    answer = 'write it in the form "Final Answer: The final answer is $answer$. I hope it is correct."'
    at_the_end = f"At the end of the Solution, when you give your final answer, {answer}"
    opening = "You are a math expert. When you respond, respond only with the Solution of the final Problem, thinking"
    assert math.text("first", question="Q") == f"{opening} step by step. {at_the_end}\n\nProblem: Q"
    assert told(math, "score") == [
        "There might be an error in the solution above because of lack of understanding of the question. Please "
        f"correct the error, if any, and rewrite the solution. Only output the final solution! {at_the_end}",
    ]
    assert told(boxed, "huang") == [
        "Review your previous answer and find problems with your answer.",
        "Based on the problems you found, improve your answer. Please reiterate your answer, with your final answer a "
        "single numerical number, in the form \\boxed{answer}.",
    ]


FORMS = {
    "plain": '"The final answer is X."',
    "math": '"Final Answer: The final answer is $answer$.',
    "boxed": "\\boxed{",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_the_answer_is_asked_for_in_every_turn_alike(form: str) -> None:
    experiment = worded(form)
    for style in SECOND_TURNS:
        assert FORMS[form] in told(experiment, style)[-1]
    assert FORMS[form] in experiment.text("first", question="Q")
    assert (worded(form).wording == SelfCorrection().wording) == (form == "plain")


@pytest.mark.parametrize("form", FORMS)
def test_controls_hint_at_no_error(form: str) -> None:
    for style in ("again", "repeat"):
        (said,) = told(worded(form), style)
        assert not re.search("error|problem|wrong|incorrect|review|improve", said, re.IGNORECASE)


def test_braces_and_dollars_of_a_question_are_left_alone() -> None:
    assert "What is \\frac{1}{2} of $5?" in worded("boxed").text("first", question="What is \\frac{1}{2} of $5?")


def test_replay_and_order_change_nothing() -> None:
    experiment = only(*SelfCorrection().arms, "score chains", turns=3, chains=2, temperature=1.0)
    first, _ = simulate(experiment, items(12), coin(0.5))
    for again in (items(12), items(12)[::-1]):
        table, _ = simulate(experiment, again, coin(0.5))
        for name, column in first.columns.items():
            if column.dtype == object:
                assert list(table.columns[name]) == list(column)
            else:
                np.testing.assert_array_equal(table.columns[name], column)
    other, _ = simulate(experiment, items(12), coin(0.5), seed=1)
    assert list(other.columns["answer_after"]) != list(first.columns["answer_after"])


def test_chains_are_voted_over_beside_votes_of_as_many_calls() -> None:
    revised = ("score sampled", "huang sampled")
    voted = (
        "score chains",
        "huang chains",
        "vote beside huang",
        "vote beside score chains",
        "vote beside huang chains",
    )
    table, finished = simulate(only(*revised, *voted, chains=4), items(3), coin(0.5))
    assert Counter(table.columns["arm"]) == {**dict.fromkeys(revised, 12), **dict.fromkeys(voted, 3)}
    calls = dict(zip(table.columns["arm"], table.columns["calls"], strict=True))
    assert calls["score chains"] == calls["vote beside score chains"] == 8
    assert calls["huang chains"] == calls["vote beside huang chains"] == 12
    assert calls["vote beside huang"] == calls["huang sampled"] == 3
    np.testing.assert_array_equal(np.unique(arm(table, "score sampled").columns["chain"]), [0, 1, 2, 3])
    assert all(len(f.transcript) == 12 + 4 * 1 + 4 * 2 for f in finished)


def test_a_draw_of_a_chain_stays_its_draw() -> None:
    """Chain 1 begins with draw 1, the same one that the vote and the null model take."""
    experiment = only("score sampled", "resample", chains=2, temperature=1.0)
    table, _ = simulate(experiment, items(30), coin(0.5))
    chains = arm(table, "score sampled")
    second = chains.where(chains.columns["chain"] == 1)
    assert list(second.columns["answer_before"]) == list(arm(table, "resample").columns["answer_after"])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("turns=1", "experiment.turns=1"),
        ("chains=0", "experiment.chains=0"),
        ("max_tokens=0", "experiment.max_tokens=0"),
        ("temperature=0", "experiment.temperature=0"),
        ("arms=[score greedy within]", "'score greedy within' votes within a chain; set experiment.turns to 3 or more"),
        ("arms=[huang chains]", "'huang chains' takes many chains; set experiment.chains to 2 or more"),
        ("arms=[vote beside huang chains]", "'vote beside huang chains' takes many chains"),
        ("arms=[scor greedy]", "there is no arm 'scor greedy', did you mean 'score greedy'"),
    ],
)
def test_impossible_settings_are_refused(setting: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        load_job(["experiment=selfCorrection", f"experiment.{setting}", "engine=fake", "tracker=none"])


def test_the_engine_need_not_choose() -> None:
    assert SelfCorrection().capabilities() == {"generate"}


def test_metrics_fit_their_columns() -> None:
    for metric in SelfCorrection.metrics:
        metric.check(SelfCorrection.columns())


def test_the_config_speaks_of_arms_and_metrics_that_exist() -> None:
    job = load_job(["experiment=selfCorrection", "engine=fake", "tracker=none"])
    assert isinstance(job.experiment, SelfCorrection)
    default, _ = simulate(job.experiment, items(1), coin(0.5))
    longer, _ = simulate(replace(job.experiment, turns=5), items(1), coin(0.5))
    metrics = {metric.name for metric in SelfCorrection.metrics}

    def level(of: Any) -> tuple[str, int]:
        return str(of["arm"]), int(of["turn"])

    for claim in job.claims:
        assert claim.metric in metrics
        assert level(claim.level) in levels(default)
        assert claim.than is None or level(claim.than) in levels(default)
    for reference in job.references:
        assert reference.metric in metrics
        assert level(reference.level) in levels(longer)
    score = {r.metric: r.value for r in job.references if r.model == "Gemini 1.5 Flash"}
    assert score["delta"] == pytest.approx(score["accuracy_after"] - score["accuracy_before"])
    assert score["delta"] == pytest.approx(score["delta_i2c"] - score["delta_c2i"])
