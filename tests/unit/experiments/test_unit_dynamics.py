"""Unit dynamics: released activities with their published numbers, a known network, planted units, pushes."""

from __future__ import annotations

import asyncio
import csv
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from experiments.introspection.unit_dynamics.axes import ALL, Axes, fit_axes, separates
from experiments.introspection.unit_dynamics.dialogues import SelfDialogues
from experiments.introspection.unit_dynamics.levels import Activity, lagged_coupling, moments, parts, step_of
from experiments.introspection.unit_dynamics.recorded_dynamics import RecordedDynamics
from experiments.introspection.unit_dynamics.released import DIMENSION, HIGH, LOW, NAMES, POLES, ReleasedUnits
from experiments.introspection.unit_dynamics.rows import PUSHES
from experiments.introspection.unit_dynamics.unit_dynamics import UnitDynamics
from experiments.introspection.unit_dynamics.units import OPENERS, TOPICS, UNITS, poles, sentences
from harness import Add, HarnessError, Item, Prompt, Subject
from harness.calls.calls import Call, Read
from harness.cli.main import main
from harness.config import load_job
from harness.engines.fake.engine import WordTokenizer
from harness.prompting.rendering import Renderer
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import Estimate, estimate_all
from harness.store.store import Store
from harness.testing import Simulated, fake_subject, simulate

DATA = Path(os.environ.get("HARNESS_TEST_DATA", "/nowhere")) / "machine_psychopathology"


def estimates(done: Simulated, experiment: Any) -> dict[tuple[str, ...], Estimate]:
    found = estimate_all(experiment.metrics, done.table, replicates=20)
    return {(e.metric, *(str(value) for value in e.level.values())): e for e in found}


def series_of(items: Sequence[Item], first: int) -> Any:
    """Activities [dialogues, steps, units] from a step on."""
    return np.array([item.fields["activity"][item.fields["steps"].index(first) :] for item in items])


# The released table.


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the release of Qwen3-32B: HARNESS_TEST_DATA")
def test_the_release_gives_the_published_spread_sustenance_and_coupling() -> None:
    items = ReleasedUnits(path=str(DATA)).load()
    assert len(items) == 120
    found = estimates(simulate(RecordedDynamics(), items, {}), RecordedDynamics)
    assert found["level", "pushed"].value == pytest.approx(0.1291, abs=5e-5)
    assert found["level", "end"].value == pytest.approx(0.1192, abs=5e-5)
    assert found["level", "start"].value == pytest.approx(0.0353, abs=5e-5)
    tau = lagged_coupling(series_of(items, 1))
    assert np.abs(tau).mean() == pytest.approx(0.4315, abs=5e-5)
    assert np.diag(tau).mean() == pytest.approx(0.83, abs=5e-3)


def release(folder: Path, rows: Sequence[Sequence[Any]], name: str = "outcome_v4.1.csv") -> ReleasedUnits:
    with (folder / name).open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["sample_id", "step", "itv_type", "itv_thought", "itv_str", "query", "output_text", "sae_preds"])
        out.writerows(rows)
    return ReleasedUnits(path=str(folder))


def row(step: int, query: str, unit: str = "guilt", **activity: float) -> list[Any]:
    numbers = [activity.get(name.replace(" ", "_"), 0.0) for name in NAMES]
    return [1, step, "phase_3" if step <= 2 else "phase_4", unit, 1.0, query, "", json.dumps(numbers)]


def test_activities_are_the_largest_of_a_dimension_and_the_sum_over_dimensions(tmp_path: Path) -> None:
    task = release(
        tmp_path,
        [
            row(0, "emotion", guilt=0.5),
            row(1, "emotion", guilt=0.2),
            row(1, "depressed mood", guilt=0.3),
            row(1, "aggression", guilt=0.1, hostility=0.4),
            row(2, "planning", guilt=0.6),
            row(3, "planning", guilt=0.1),
            row(3, "planning", unit="self-harm", guilt=0.9),
        ],
    )
    guilt, harm = task.load()
    assert (guilt.fields["unit"], harm.fields["unit"]) == ("guilt", "self-destruction")
    assert guilt.cluster != harm.cluster
    assert guilt.fields["steps"] == [0, 1, 2, 3]
    assert guilt.fields["phases"] == ["start", "on", "on", "off"]
    assert [some[NAMES.index("guilt")] for some in guilt.fields["activity"]] == pytest.approx([0.5, 0.4, 0.6, 0.1])
    assert guilt.fields["activity"][1][NAMES.index("hostility")] == 0.4
    rows = simulate(RecordedDynamics(), [guilt], {}).rows
    assert [(r["step"], r["moment"]) for r in rows] == [("0", "start"), ("1", "between"), ("2", "pushed"), ("3", "end")]
    assert rows[1]["own"] == pytest.approx(0.4)
    assert rows[1]["others"] == pytest.approx(0.4 / 11)
    assert rows[1]["same_pole"] == 0
    assert rows[1]["other_pole"] == pytest.approx(0.4 / 6)
    assert rows[1]["level"] == pytest.approx(0.8 / 12)
    assert [r["next_others"] for r in rows] == [None, 0, None, None], "only within a phase"


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ([1, 1, "phase_3", "guilt", 1, "weather", "", "[0]"], "weather"),
        ([1, 1, "phase_3", "guilt", 1, "emotion", "", "[0, 1]"], "not 12 numbers"),
        ([1, 1, "phase_3", "guilt", 1, "emotion", "", "[" + "NaN," * 11 + "0]"], "not 12 numbers"),
        ([1, 1, "phase_3", "joy", 1, "emotion", "", str([0] * 12)], "known unit"),
        ([1, 1, "phase_9", "guilt", 1, "emotion", "", str([0] * 12)], "phase_9"),
        ([1, "x", "phase_3", "guilt", 1, "emotion", "", str([0] * 12)], "invalid literal"),
        ([1, 1, "phase_3", "guilt", 1, "emotion", "", "0 0"], "Extra data"),
    ],
    ids=["question", "too few", "not finite", "unit", "phase", "step", "no list"],
)
def test_a_row_that_cannot_be_read_is_named(broken: list[Any], told: str, tmp_path: Path) -> None:
    task = release(tmp_path, [row(1, "emotion"), broken])
    with pytest.raises(HarnessError, match=rf"outcome_v4\.1\.csv, row 2: cannot be read: .*{told}"):
        task.load()


def test_a_table_without_a_column_and_a_folder_without_a_table_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sample_id,step\n1,1\n")
    with pytest.raises(HarnessError, match="no column 'itv_thought'"):
        ReleasedUnits(path=str(tmp_path / "a.csv")).load()
    (tmp_path / "empty").mkdir()
    with pytest.raises(HarnessError, match=r"no outcome_v\*\.csv or \*\.csv in this folder"):
        ReleasedUnits(path=str(tmp_path / "empty")).load()


def test_the_dimensions_hold_thirty_questions_and_both_poles() -> None:
    assert len(DIMENSION) == 30
    assert [list(DIMENSION.values()).count(i) for i in range(6)] == [5] * 6
    assert all(DIMENSION[low] == DIMENSION[high] for low, high in zip(LOW, HIGH, strict=True))
    assert set(POLES) == set(NAMES)


# A network whose couplings are known.


def expected(coupling: float, steps: int, pushed: int = 25) -> tuple[float, float]:
    """The unit, and each other one of its pole, of the network without noise."""
    own = kin = 0.0
    for step in range(1, steps + 1):
        own, kin = (
            0.9 * own + coupling * 5 * kin + 0.1 * (step <= pushed),
            0.9 * kin + coupling * (own + 4 * kin),
        )
    return own, kin


@pytest.mark.parametrize("coupling", [0.0, 0.01])
def test_a_known_network_is_found_again(coupling: float) -> None:
    items = ReleasedUnits(coupling=coupling).load()
    found = estimates(simulate(RecordedDynamics(), items, {}), RecordedDynamics)
    for moment, step in (("pushed", 25), ("end", 50)):
        own, kin = expected(coupling, step)
        assert found["own", moment].value == pytest.approx(own, abs=0.004)
        assert found["same_pole", moment].value == pytest.approx(kin, abs=0.004)
        assert found["other_pole", moment].value == pytest.approx(0, abs=0.004)
    tau = lagged_coupling(series_of(items, 1))
    kin_pairs = [tau[i, j] for i in range(12) for j in range(12) if i != j and POLES[NAMES[i]] == POLES[NAMES[j]]]
    assert bool(np.mean(kin_pairs) > 0.2) is (coupling > 0)


def test_the_coupling_is_kendalls_tau_b_one_step_later() -> None:
    stats = pytest.importorskip("scipy.stats")
    series = np.round(np.random.default_rng(0).normal(size=(4, 7, 3)), 1)
    found = lagged_coupling(series)
    now, then = series[:, :-1].reshape(-1, 3), series[:, 1:].reshape(-1, 3)
    for i in range(3):
        for j in range(3):
            assert found[i, j] == pytest.approx(stats.kendalltau(now[:, i], then[:, j])[0], abs=1e-12)


# Rows.


def test_the_parts_of_a_step_leave_topics_out() -> None:
    units = {"a": 1.0, "b": 2.0, "c": 4.0, "d": 8.0, "cooking": 100.0}
    assert parts(units, "a", {"a": "low", "b": "high", "c": "low", "d": "high"}) == (1, 14 / 3, 4, 5, 15 / 4)


def test_shifts_are_those_against_the_dialogue_without_a_push() -> None:
    def step(own: float, rest: float) -> Activity:
        return Activity({name: own if name == "low mood" else rest for name in UNITS})

    followed, plain = [step(1, 0.5), step(0.75, 0.25), step(0.5, 0)], [step(0, 0), step(0.25, 0), step(0.25, 0.25)]
    rows = moments(followed, plain, "low mood", 2, 0.9)
    assert [(r.step, r.phase, r.moment) for r in rows] == [
        ("1", "on", "between"),
        ("2", "on", "pushed"),
        ("3", "off", "end"),
    ]
    assert [r.own_shift for r in rows] == [1, 0.5, 0.25]
    assert (
        [r.others_shift for r in rows]
        == [r.same_pole_shift for r in rows]
        == [r.other_pole_shift for r in rows]
        == [0.5, 0.25, -0.25]
    )
    assert [r.next_others for r in rows] == [0.25, None, None]
    assert {r.axis_auroc for r in rows} == {0.9}


def test_answers_without_words_are_left_out_and_a_step_of_them_says_why() -> None:
    assert step_of([{"a": 1.0}, None, {"a": 3.0}], 0.5) == Activity({"a": 2.0}, 2 / 3, 0.5)
    silent = step_of([None, None], 0.0)
    assert (silent.units, silent.answered) == ({}, 0)
    full = Activity(dict.fromkeys(UNITS, 0.5))
    (quiet,), (alone,) = moments([silent], [full], "daring", 1, 1.0), moments([full], [silent], "daring", 1, 1.0)
    assert (quiet.own, quiet.own_shift) == (None, None)
    assert (alone.own, alone.own_shift) == (0.5, None)
    assert quiet.reason == alone.reason == "no answer of this step has words that can be read"


# Directions.


def unit_in(text: str) -> str | None:
    return next((name for name, clauses in ALL.items() if any(clause in text for clause in clauses)), None)


def planted(call: Read, text: str, layer: int) -> list[float]:
    """Each unit has a coordinate of its own, twice as long in the next layer, on a bed of 3 in all others."""
    name = unit_in(WordTokenizer().decode(call.prompt))
    return [3.0 + (layer + 1) * (other == name) for other in ALL] + [3.0] * 8


def axes_of() -> tuple[Subject, Axes]:
    subject = fake_subject({}, activations=planted)
    return subject, asyncio.run(fit_axes(subject, [1, 3], "Say something."))


def test_an_axis_is_nought_at_other_sentences_and_one_at_its_own_also_unseen_ones() -> None:
    subject, axes = axes_of()
    assert axes.names == (*UNITS, *TOPICS)
    assert axes.separation == (1.0,) * len(ALL)
    for k in range(len(axes.names)):
        v = axes.directions[0][k].vector.numpy()
        assert v[k] == pytest.approx(2)
        assert np.delete(v, k)[:7] == pytest.approx([-2 / 7] * 7)
    unseen = sentences(UNITS["caution"])[-1]
    found = asyncio.run(axes.measure(subject, "Say something.", unseen))
    assert found["caution"] == pytest.approx(1, abs=1e-6)
    others = [value for name, value in found.items() if name != "caution"]
    assert np.mean(others) == pytest.approx(others[0])
    assert others[0] < 0.3
    nothing = asyncio.run(axes.measure(subject, "Say something.", "The sky."))
    assert all(abs(value) < 0.3 for value in nothing.values())


def test_sentences_are_equally_many_distinct_and_the_openers_belong_to_no_unit() -> None:
    every = [sentence for clauses in ALL.values() for sentence in sentences(clauses)]
    assert len(set(every)) == len(every) == 20 * len(ALL)
    assert all(sum(sentence.startswith(opener) for sentence in every) == len(every) / 2 for opener in OPENERS)


def test_separation_is_the_share_of_pairs_in_order() -> None:
    assert separates(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == (3 + 0.5) / 4
    assert separates(np.zeros(1), np.ones(1)) == 0


def test_a_push_is_of_equal_length_for_units_topics_and_random_directions() -> None:
    _, axes = axes_of()
    pushed = {name: axes.push(name, 0.3, Random(0)) for name in ("low mood", "cooking", "random")}
    for some in pushed.values():
        assert [one.layer for one in some] == [1, 3]
        assert all(one.decode and one.relative and one.keep_norm and one.positions == () for one in some)
        assert {one.scale for one in some} == {0.3}
    assert pushed["random"] == axes.push("random", 0.3, Random(0))
    assert pushed["random"] != axes.push("random", 0.3, Random(1))
    assert pushed["random"][0].vector != pushed["random"][1].vector
    assert len({some[0].vector for some in pushed.values()}) == 3


def test_a_push_leaves_the_prompt_as_it_is_bit_for_bit(tmp_path: Path) -> None:
    from tests.support.tiny_engines import load
    from tests.support.tiny_models import save_tiny

    engine = load(save_tiny(tmp_path / "model", "llama", scale=2.0))
    try:
        subject = Subject(engine, Renderer(engine.tokenizer, "plain", engine.context), Store(tmp_path / "store"), 0)
        axes = asyncio.run(fit_axes(subject, [0, 2], "Say something."))
        prompt, push = Prompt.user("How do you feel?", "I"), axes.push("low mood", 2.0, Random(0))
        every = range(subject.prompt_tokens(prompt))
        plain, steered = (
            asyncio.run(subject.read(prompt, layers=[0, 1, 2], positions=every, interventions=some)).numpy()
            for some in ((), push)
        )
        np.testing.assert_array_equal(plain, steered)
        texts = [asyncio.run(subject.generate(prompt, max_tokens=12, interventions=some)) for some in ((), push)]
        assert texts[0].tokens[0] == texts[1].tokens[0], "the first token follows from the prompt alone"
        assert texts[0].tokens != texts[1].tokens
    finally:
        engine.close()


# The protocol.


def telling(unit: str) -> Mapping[str, float]:
    return {f" {UNITS[unit][0][2:]}.": 1.0}


def talking(prompt: str) -> Mapping[str, float]:
    """A daring model that goes on about what its own answers are about."""
    shown = prompt.split("answered so far")[1] if "answered so far" in prompt else ""
    return telling(next((name for name in UNITS if UNITS[name][0] in shown), "daring"))


def pushed_to(call: Call, odds: Mapping[str, float]) -> Mapping[str, float]:
    """A push towards low mood has the model speak of low self-worth; no other push does anything."""
    (first, *_) = call.interventions
    assert isinstance(first, Add)
    return telling("low self-worth") if first.vector.numpy()[0] > 0.9 else odds


def test_what_spreads_and_stays_in_a_known_model() -> None:
    low, high = SelfDialogues().load()[:2]
    assert (low.fields["unit"], high.fields["unit"]) == ("low mood", "high mood")
    done = simulate(UnitDynamics(), [low, high], talking, activations=planted, intervened=pushed_to)
    rows = {(r["unit"], r["arm"], r["step"]): r for r in done.rows}
    assert not [r["error"] for r in done.rows if r["error"]]
    assert len(rows) == 2 * len(PUSHES) * 3
    assert [rows["low mood", "unit", step]["phase"] for step in "123"] == ["on", "on", "off"]
    # Low self-worth rises from what other sentences have to 1, and daring falls by as much.
    rise = rows["low mood", "none", "1"]["own"]
    for step in "123":
        row = rows["low mood", "unit", step]
        assert row["same_pole_shift"] == pytest.approx((1 - rise) / 2, abs=1e-5)
        assert row["other_pole_shift"] == pytest.approx((rise - 1) / 3, abs=1e-5)
        assert row["own_shift"] == pytest.approx(0, abs=1e-5)
        for arm in ("none", "random vector", "unrelated topic"):
            assert rows["low mood", arm, step]["others_shift"] == 0
        assert rows["high mood", "unit", step]["others_shift"] == 0, "its vector does nothing in this model"
    # Without its own answers before it, nothing can last: exactly.
    fresh = [rows["low mood", "unit, fresh context", step] for step in "123"]
    assert [row["same_pole_shift"] > 0.3 for row in fresh] == [True, True, False]
    assert fresh[2]["own_shift"] == fresh[2]["same_pole_shift"] == 0


def kindred(call: Read, text: str, layer: int) -> list[float]:
    """As `planted`, and sentences of one pole have a coordinate in common, as sad and humble ones may."""
    name = unit_in(WordTokenizer().decode(call.prompt))
    return [*planted(call, text, layer), *(1.5 * (poles().get(name or "") == pole) for pole in ("low", "high"))]


def obedient(spreads: bool) -> Callable[[Call, Mapping[str, float]], Mapping[str, float]]:
    """A push has the model say a sentence of the unit that is pushed, or also of the others of its pole."""

    def intervened(call: Call, odds: Mapping[str, float]) -> Mapping[str, float]:
        (first, *_) = call.interventions
        assert isinstance(first, Add)
        v = first.vector.numpy()
        unit = [*ALL][int(np.argmax(v[: len(ALL)]))]
        kin = [name for name, pole in poles().items() if pole == poles().get(unit)]
        # Random directions and topics do nothing.
        if not kin or v.max() < 0.6 * np.linalg.norm(v):
            return odds
        return telling(kin[len(call.prompt) % len(kin)] if spreads else unit)

    return intervened


@pytest.mark.parametrize("spreads", [True, False], ids=["spreads", "says what is pushed"])
def test_units_whose_sentences_are_alike_do_not_spread_by_that(spreads: bool) -> None:
    items = SelfDialogues().load()[:24]
    done = simulate(UnitDynamics(), items, {"": " walk."}, activations=kindred, intervened=obedient(spreads))
    assert not [r["error"] for r in done.rows if r["error"]]
    rows = {(r["item"], r["arm"], r["step"]): r for r in done.rows}
    for (item, arm, step), row in rows.items():
        if arm == "unit" and not spreads:
            by_rule = rows[item, "rule: likeness", step]
            for name in ("own_shift", "same_pole_shift", "other_pole_shift", "pole_shift"):
                assert by_rule[name] == pytest.approx(row[name], abs=1e-6)
            assert (row["own_shift"] > 0.5) == (row["phase"] == "on")
            assert (row["same_pole_shift"] > 0.2) == (row["phase"] == "on"), (
                "which no control of another direction would have told"
            )
    found = estimate_all(UnitDynamics.metrics, done.table, replicates=200)
    claims = load_job(["experiment=unitDynamics", "engine=fake", "tracker=none"]).claims
    own, kin, _, _, pole = (
        judge_claim(claim, found, UnitDynamics.metrics, done.table, replicates=200).kind for claim in claims
    )
    assert (kin == "supported", pole == "supported") == (spreads, spreads)
    assert own == "supported" or not spreads


def test_a_model_without_words_says_why_there_are_no_numbers() -> None:
    (low, *_) = SelfDialogues().load()
    done = simulate(UnitDynamics(), [low], lambda _: {"\n": 1.0}, activations=planted, intervened=lambda _, odds: odds)
    assert {r["reason"] for r in done.rows} == {"no answer of this step has words that can be read"}
    assert {r["answered"] for r in done.rows} == {0}


def test_the_whole_experiments_give_finite_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tracker=none", "replicates=20", f"runs={tmp_path}"]
    assert main(["run", "experiment=unitDynamics", "engine=fake", "limit=3", *words]) == 0
    assert main(["run", "experiment=recordedDynamics", *words]) == 0
    shown = capsys.readouterr()
    assert "axis_auroc [arm=none]" in shown.out + shown.err
    assert "120 items of released_units, model none" in shown.out + shown.err


def test_the_dialogues() -> None:
    items = SelfDialogues().load()
    assert len({item.id for item in items}) == 240
    assert {sum(item.fields["unit"] == unit for item in items) for unit in UNITS} == {40}
    assert len({item.fields["draw"] for item in items}) == 240
    assert all(len(set(item.fields["questions"])) == 3 for item in items)
    assert [item.id for item in SelfDialogues(size=30).load()] == [item.id for item in items[:30]]
    assert all(len(set(item.fields["questions"])) == 9 for item in SelfDialogues(a_dimension=3).load())
    for wrong in (SelfDialogues(size=0), SelfDialogues(a_dimension=0), SelfDialogues(a_dimension=4)):
        with pytest.raises(HarnessError, match="give at least 1 dialogue and 1 to 3 questions a dimension"):
            wrong.load()
