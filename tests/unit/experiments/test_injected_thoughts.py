"""Injected thoughts: known introspectors come back, and a model that says yes to any disturbance is found out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.introspection.injected_thoughts import trials
from experiments.introspection.injected_thoughts.injected_thoughts import InjectedThoughts
from experiments.introspection.injected_thoughts.rows import ARMS
from experiments.introspection.injected_thoughts.task import ThoughtWords
from harness import HarnessError
from harness.config import load_job
from harness.statistics.claims import Verdict, judge_claim
from harness.statistics.estimates import Estimate, estimate_all
from harness.tasks.texts import words
from harness.testing import Simulated, simulate
from tests.support.introspectors import Introspector, chance, reads_order, reads_words

ITEMS = ThoughtWords().load()
TRAIN = ITEMS[150:152]
CLAIMS = {claim.text: claim for claim in load_job(["experiment=injectedThoughts", "tracker=none"]).claims}
ONE_CELL: Mapping[str, Any] = {"depths": (0.5,), "strengths": (2.0,)}
DETECTION = ("detection: concept", "detection: none", "detection: random vector")
REPORT = ("report: concept", "report: none", "report: random vector", "report: other concept")


def run(
    model: Introspector,
    arms: Sequence[str],
    n: int,
    *,
    judge: Callable[[str], str] = reads_order,
    train: Sequence[Any] = TRAIN,
    **settings: Any,
) -> Simulated:
    experiment = InjectedThoughts(arms=arms, **{**ONE_CELL, **settings})
    return simulate(
        experiment,
        ITEMS[:n],
        model.answer,
        train=train,
        roles={"judge": judge},
        activations=model.activations,
        intervened=model.intervened,
    )


def estimates(done: Simulated, replicates: int = 200) -> dict[tuple[str, str], Estimate]:
    names = {metric.name for metric in InjectedThoughts.metrics}
    assert len(names) == len(InjectedThoughts.metrics)
    found = estimate_all(InjectedThoughts.metrics, done.table, replicates=replicates)
    return {(e.metric, ", ".join(e.level.values())): e for e in found}


def verdict(done: Simulated, beginning: str) -> Verdict:
    """The verdict on the claim of the experiment that begins so."""
    (claim,) = (claim for text, claim in CLAIMS.items() if text.startswith(beginning))
    metrics = InjectedThoughts.metrics
    found = estimate_all(metrics, done.table, replicates=200)
    return judge_claim(claim, found, metrics, done.table, gates=InjectedThoughts.gates, replicates=200)


def test_hits_and_false_alarms_of_a_known_introspector_come_back() -> None:
    model = Introspector(hit=0.7, false_alarm=0.1, alarm_at_noise=0.2, names=0.6)
    done = run(model, (*DETECTION, *REPORT), 40)
    found = estimates(done)
    words, numbers = [str(i.gold) for i in ITEMS[:40]], [f"Trial {i.fields['trial']}" for i in ITEMS[:40]]
    heard = [model.notices("", word, injected=True) for word in words]
    alarms = [model.notices(number, None, injected=False) for number in numbers]
    noise = [model.notices(number, None, injected=True) for number in numbers]
    named = [a and model.named(word) for a, word in zip(heard, words, strict=True)]
    for metric, arms in (("yes_rate", "detection"), ("detected", "report")):
        assert found[metric, f"{arms}: concept"].value == pytest.approx(np.mean(heard))
        assert found[metric, f"{arms}: none"].value == pytest.approx(np.mean(alarms))
        assert found[metric, f"{arms}: random vector"].value == pytest.approx(np.mean(noise))
    assert found["identified", "report: concept"].value == pytest.approx(np.mean(named))
    assert found["named_where_detected", "report: concept"].value == pytest.approx(sum(named) / sum(heard))
    assert found["identified", "report: other concept"].value == 0
    assert found["named_other", "report: concept"].value == 0

    from scipy.special import ndtri

    def z(some: Sequence[bool]) -> float:
        return float(ndtri((sum(some) + 0.5) / (len(some) + 1)))

    for suffix, others in (("none", alarms), ("random", noise)):
        for of in ("", "_of_reports"):
            assert found[f"d_prime{of}_against_{suffix}", ""].value == pytest.approx(z(heard) - z(others))
    assert verdict(done, "Asked whether it detects").kind == "supported"
    assert verdict(done, "Free reports notice the thought and name").kind == "supported"


def test_the_true_hit_rate_lies_in_its_interval_as_often_as_it_says() -> None:
    held = []
    for seed in range(20):
        done = run(Introspector(hit=0.6, seed=seed), DETECTION, 20)
        one = estimates(done, 50)["yes_rate", "detection: concept"]
        assert one.low is not None
        assert one.high is not None
        held.append(one.low <= 0.6 <= one.high)
    assert sum(held) >= 17


def test_a_model_that_says_yes_to_any_vector_has_no_sensitivity() -> None:
    done = run(Introspector(hit=0.0, yes_bias=True), (*DETECTION, "unrelated: concept", "unrelated: none"), 20)
    found = estimates(done)
    assert found["d_prime_against_none", ""].value == pytest.approx(4.0, abs=0.2)
    assert found["d_prime_against_random", ""].value == 0
    ranked = found["auroc_against_random", ""]
    assert ranked.low < 0.5 < ranked.high  # type: ignore[operator]
    assert verdict(done, "Asked whether it detects").kind == "undecided"
    assert verdict(done, "The same vector moves it to Yes more").kind == "undecided"


def test_a_model_that_noise_moves_more_than_concepts_do_contradicts_the_claim() -> None:
    done = run(Introspector(hit=0.3, alarm_at_noise=0.95), DETECTION, 30)
    assert estimates(done)["d_prime_against_none", ""].value > 0.5  # type: ignore[operator]
    assert verdict(done, "Asked whether it detects").kind == "contradicted"


def test_a_signal_that_needs_the_question_to_be_disturbed_is_none_from_the_turn_before() -> None:
    arms = (*DETECTION, "turn one: concept", "turn one: random vector")
    assert verdict(run(Introspector(), arms, 10), "It leans to Yes when").kind == "supported"
    deaf = run(Introspector(turn_one=False), arms, 10)
    assert verdict(deaf, "Asked whether it detects").kind == "supported"
    assert verdict(deaf, "It leans to Yes when").kind == "undecided"


def test_the_concept_is_told_among_ten_words_and_owned_as_a_word_of_its_own() -> None:
    arms = [arm for arm in ARMS if arm.startswith(("ten words", "longest", "own", "line", "text", "naming"))]
    done = run(Introspector(names=1.0), arms, 12)
    found = estimates(done)
    assert found["rank", "ten words: concept"].value == 1
    assert found["ranked_first", "ten words: other concept"].value == 0
    assert found["p_concept", "ten words: concept"].value == pytest.approx((0.04 + 0.5) / 0.9)
    assert found["p_concept", "ten words: other concept"].value == pytest.approx(0.04 / 0.9)
    assert found["option_mass", "ten words: concept"].value == pytest.approx(0.9)
    for beginning in (
        "Among ten words",
        "A word put into",
        "A word of its own",
        "A line is repeated",
        "Told that there",
    ):
        assert verdict(done, beginning).kind == "supported", beginning
    stubborn = run(Introspector(owns=False), [arm for arm in ARMS if arm.startswith("own words")], 6)
    assert verdict(stubborn, "A word put into").kind == "undecided"


def test_a_model_that_owns_every_word_that_fits_the_line_does_not_know_its_own() -> None:
    arms = ("own answer: none", "own words: none", "line word: none")
    knows, fits = (run(Introspector(fitting=fitting), arms, 12) for fitting in (False, True))
    assert verdict(knows, "A word of its own").kind == "supported"
    assert verdict(fits, "A word of its own").kind == "undecided"
    found = estimates(fits)
    assert found["yes_rate", "own answer: none"].value == found["yes_rate", "line word: none"].value == 1
    assert found["yes_rate", "own words: none"].value == 0


def test_the_word_of_the_line_is_no_form_of_the_own_answer_and_no_small_word() -> None:
    done = run(Introspector(fitting=True), ("own answer: none", "line word: none"), 12)
    for one in done.finished:
        asked = [exchange.prompt for exchange in one.transcript if "Did you mean" in exchange.prompt]
        turns = [prompt.rpartition("<user> Did you mean")[0].rpartition("<assistant> ") for prompt in asked]
        line = words(turns[0][0].rstrip().rpartition("\n")[2])
        own, other = sorted((turn[2].strip() for turn in turns), key=line.index)
        assert own == line[0]
        assert other in line[1:3]


def test_a_vector_that_pushes_its_word_at_any_question_is_no_report() -> None:
    arms = [arm for arm in ARMS if arm.startswith(("ten words", "longest"))]
    pushed, told = (run(Introspector(yes_bias=pushes), arms, 12) for pushes in (True, False))
    assert verdict(pushed, "Among ten words").kind == verdict(told, "Among ten words").kind == "supported"
    assert verdict(pushed, "The same vector makes it more").kind == "undecided"
    assert verdict(told, "The same vector makes it more").kind == "supported"
    assert estimates(pushed)["p_concept", "longest word: concept"].value == pytest.approx(0.6)


def test_thinking_of_a_word_shows_in_the_stream_at_the_layer_chosen_on_other_words() -> None:
    arms = [arm for arm in ARMS if arm.startswith("control")]
    done = run(Introspector(), arms, 10, depths=(0.25, 0.75))
    found = estimates(done)
    order = ["no word", "punishment", "do not think", "no mention", "mention", "reward", "think"]
    cosines = [found["cosine", f"control: {told}"].value for told in order]
    assert cosines == sorted(cosines)  # type: ignore[type-var]
    assert {row["layer"] for row in done.rows if row["chosen"]} == {0}
    assert found["cosine_by_layer", "control: think, 2"].value > found["cosine", "control: think"].value  # type: ignore[operator]
    assert verdict(done, "Told to think of a word").kind == "supported"
    assert verdict(done, "Thinking of a word is more").kind == "supported"


def test_layer_and_strength_are_chosen_on_training_concepts_and_every_cell_is_shown() -> None:
    model = Introspector(window=((1, 2.0), (1, 4.0)))
    done = run(model, DETECTION, 4, depths=(0.25, 0.5, 0.75), strengths=(1.0, 2.0, 4.0), train=ITEMS[150:153])
    chosen = {(row["layer"], row["strength"]) for row in done.rows if row["chosen"] and row["injected"]}
    assert chosen == {(1, 2.0)}
    found = estimates(done)
    lead = found["log_odds", "detection: concept"].value - found["log_odds", "detection: random vector"].value  # type: ignore[operator]
    assert found["lead_by_cell", "1, 2"].value == pytest.approx(lead)
    assert found["lead_by_cell", "1, 4"].value == pytest.approx(lead)
    assert found["lead_by_cell", "2, 4"].value == 0
    assert len([key for key in found if key[0] == "lead_by_cell"]) == 9
    assert found["log_odds", "detection: concept"].n == 4
    assert found["share_by_cell", "1, 4"].value == pytest.approx(4 * found["share_by_cell", "1, 1"].value)  # type: ignore[operator]


def test_a_cell_in_which_the_model_no_longer_answers_is_not_chosen() -> None:
    model = Introspector()

    def garbled(call: Any, odds: Mapping[str, float]) -> Mapping[str, float]:
        (add,) = call.interventions
        if add.scale == 4.0:
            return {" Yes": 0.2, " No": 1e-6, " Xx": 0.8 - 1e-6}
        return model.intervened(call, odds) if add.scale == 2.0 else odds

    experiment = InjectedThoughts(arms=DETECTION, depths=(0.5,), strengths=(1.0, 2.0, 4.0))
    done = simulate(experiment, ITEMS[:2], model.answer, train=TRAIN, activations=model.activations, intervened=garbled)
    assert {row["strength"] for row in done.rows if row["chosen"] and row["injected"]} == {2.0}


def test_a_judge_that_looks_for_words_only_is_not_relied_on() -> None:
    model = Introspector(hit=0.8, false_alarm=0.1)
    done = run(model, REPORT, 20, judge=reads_words)
    found = estimates(done)
    assert found["judge_gold", ""].value < 0.8  # type: ignore[operator]
    held = verdict(done, "Free reports notice a thought under")
    assert held.kind == "undecided"
    assert "judge errs" in held.reason
    trusted = run(model, REPORT, 20)
    assert estimates(trusted)["judge_gold", ""].value == 1
    assert verdict(trusted, "Free reports notice a thought under").kind == "supported"


def test_the_whole_experiment_runs_with_finite_estimates() -> None:
    done = run(Introspector(hit=0.8, false_alarm=0.2, names=0.7), tuple(ARMS), 8, strengths=(1.0, 2.0))
    assert not [row["error"] for row in done.rows if row["error"]]
    found = estimates(done, 50)
    assert {metric for metric, _ in found} == {metric.name for metric in InjectedThoughts.metrics}
    # Without injection some numbers have no rows: nothing was noticed that could be named.
    without = [key for key, one in found.items() if one.value is None and key[0] != "named_where_detected"]
    assert without == []
    assert all(np.isfinite(one.value) for one in found.values() if one.value is not None)


def test_prompts_are_the_same_in_all_arms_and_differ_between_trials() -> None:
    done = run(Introspector(), DETECTION, 2)
    prompts = [{e.prompt for e in one.transcript if "Do you detect" in e.prompt} for one in done.finished]
    assert [len(some) for some in prompts] == [1, 1]
    assert prompts[0] != prompts[1]


def test_a_concept_that_every_line_mentions_is_left_out_and_the_others_are_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trials, "SENTENCES", ("The nurse opened the door quietly.",))
    nurse = replace(ITEMS[0], fields={**ITEMS[0].fields, "concept": "nurses"}, gold="nurses", group="nurse")
    done = run(Introspector(), DETECTION, 2, train=(nurse, *TRAIN))
    assert not [row["error"] for row in done.rows if row["error"]]
    with pytest.raises(HarnessError, match="no training concept can be asked about; the first: all sentences"):
        run(Introspector(), DETECTION, 2, train=(nurse,))


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(HarnessError, match="name each strength once"):
        InjectedThoughts(strengths=(1.0, 1.0))
    assert InjectedThoughts(arms=("control: think",)).capabilities() == {"read"}
    assert InjectedThoughts(arms=("text: concept",)).capabilities() == {"read", "choose", "generate", "intervene"}
    assert InjectedThoughts(arms=("detection: none",)).needed_parts() == {}
    assert chance("a") != chance("b")
