"""What was fitted is kept, read back as it was, and used by other runs that test none of its items."""

import asyncio
import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from harness import Array
from harness.cli.main import main
from harness.config import load_job
from harness.engines.fake.engine import dry_engine
from harness.errors import HarnessError
from harness.execution.checks import prepare_items, run_folder
from harness.execution.execute import execute
from harness.execution.loading import make_subject
from harness.outcomes import Table
from harness.prompting.prompts import Message
from harness.runs.fitted import fit, fitted_fingerprint, fitted_type, load_fitted, save_fitted
from harness.store.store import Store
from harness.vectors.probes import NoProbe, Probe

SMALL = ("engine=fake", "tracker=none", "replicates=20", "limit=6")


@dataclass(frozen=True)
class Push:
    """A vector and what is done with it; has the fields of `Pull`."""

    vector: Array
    strengths: tuple[float, ...]


@dataclass(frozen=True)
class Pull:
    vector: Array
    strengths: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Everything:
    """One field of every type that a fit may have."""

    blocks: Mapping[str, tuple[Message, ...]]
    by_layer: dict[int, Push | Pull]
    pairs: list[tuple[str, int]]
    kind: Literal["a", "b"]
    why: str | None
    missing: float | None
    bounds: tuple[float, float, float]
    flags: tuple[bool, ...]
    vectors: tuple[Array, ...]


FULL = Everything(
    blocks={"few-shot": (Message("user", 'é\n"?'), Message("assistant", " A")), "none": ()},
    by_layer={
        3: Pull(Array.of([1.5, -2.0]), (0.1, 1e-300)),
        1: Push(Array.of([[1.0], [2.0]]), ()),
    },
    pairs=[("x", 1)],
    kind="b",
    why=None,
    missing=None,
    bounds=(-math.inf, 1 / 3, math.inf),
    flags=(True, False),
    vectors=(Array.of([]), Array.of([0.1])),
)


def test_every_type_comes_back_as_it_was(tmp_path: Path) -> None:
    fingerprint = save_fitted(tmp_path, FULL)
    back = load_fitted(tmp_path, Everything)
    assert back == FULL
    assert list(back.by_layer) == [3, 1]
    assert [type(one) for one in back.by_layer.values()] == [Pull, Push]
    assert isinstance(back.pairs, list)
    assert fitted_fingerprint(tmp_path) == fingerprint == save_fitted(tmp_path, FULL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fitted.json", "fitted.npz"]


def test_a_vector_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    fits = [Push(Array.of(values), ()) for values in ([1.0, 2.0], [1.0, 2.5], [[1.0, 2.0]])]
    assert len({save_fitted(tmp_path, one) for one in fits}) == 3


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [object()]}, r"a object at \['a'\]\[0\]"),
        ({1, 2}, "a set,"),
        ((1.5, 2 + 1j), r"a complex at \[1\]"),
    ],
)
def test_what_cannot_be_kept_is_named(tmp_path: Path, value: Any, place: str) -> None:
    with pytest.raises(HarnessError, match=place):
        save_fitted(tmp_path, value)


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        (1.5, int, "it is 1.5, expected <class 'int'>"),
        (True, float, "it is true, expected"),
        ({"a": "x"}, dict[str, float], r"\['a'\] is \"x\", expected"),
        ((1, 2), tuple[int], "it has 2 parts, not 1"),
        ("c", Literal["a", "b"], 'it is "c", expected'),
        (Push(Array.of([1.0]), ()), Pull, "it is no Pull"),
        (None, Probe | NoProbe, "it is no Probe; it is no NoProbe"),
        ([1], Mapping[str, int], "it is no mapping"),
        ("ab", tuple[str, ...], "it is no sequence"),
    ],
)
def test_a_fit_of_another_type_is_refused(tmp_path: Path, value: Any, kind: Any, told: str) -> None:
    save_fitted(tmp_path, value)
    with pytest.raises(HarnessError, match=f"not what this experiment fits: {told}"):
        load_fitted(tmp_path, kind)


def test_damage_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"holds no fit: fitted.json No such file"):
        load_fitted(tmp_path, Push)
    other = tmp_path / "other"
    other.mkdir()
    save_fitted(tmp_path, Push(Array.of([1.0, 2.0]), ()))
    save_fitted(other, Push(Array.of([1.0, 2.5]), ()))
    shutil.copy(other / "fitted.npz", tmp_path / "fitted.npz")
    with pytest.raises(HarnessError, match=r"\.vector: fitted.npz does not hold this vector, or holds another"):
        load_fitted(tmp_path, Push)
    (tmp_path / "fitted.npz").write_bytes(b"no archive")
    with pytest.raises(HarnessError, match="the fit is damaged"):
        load_fitted(tmp_path, Push)
    (other / "fitted.json").write_text('{"vector": ')
    with pytest.raises(HarnessError, match="the fit is damaged"):
        load_fitted(other, Push)


FITTING = {
    "pTrue": ["experiment.shots=3"],
    "mcCalibration": ["experiment.arms=[zero-shot,few-shot]"],
    "pIK": ["experiment.train=20"],
    "selfKnowledge": ["experiment.words=20", "experiment.arms=[direct,bag of words]"],
    "selfFamiliarity": [],
}


@pytest.mark.parametrize("name", FITTING)
def test_what_every_experiment_fits_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    job = load_job([f"experiment={name}", *SMALL, f"runs={tmp_path}", *FITTING[name]])
    items = prepare_items(job)
    store = Store(tmp_path / "store")
    subject = make_subject(job, dry_engine(), store)
    fitted = asyncio.run(fit(job.experiment, items.train, subject))
    store.close()
    assert fitted
    save_fitted(tmp_path, fitted)
    assert load_fitted(tmp_path, fitted_type(job.experiment)) == fitted


def test_probes_of_all_domains_come_back_and_give_the_same_probabilities(tmp_path: Path) -> None:
    weights = tuple(1 / 3 * i for i in range(16))
    fitted = {"all": Probe(2, 0.1, weights, -0.25, ((2, 0.1, 0.5), (0, 10.0, 0.7))), "only x": NoProbe("few")}
    save_fitted(tmp_path, fitted)
    assert load_fitted(tmp_path, Mapping[str, Probe | NoProbe]) == fitted


def test_an_experiment_that_fits_nothing_takes_no_fit(tmp_path: Path) -> None:
    job = load_job(["experiment=falseBelief", *SMALL, f"runs={tmp_path}"])
    with pytest.raises(HarnessError, match="FalseBelief fits nothing"):
        fitted_type(job.experiment)


@pytest.fixture(scope="module")
def fitted_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of pTrue with nine training items, three of them shown."""
    runs = tmp_path_factory.mktemp("runs")
    session = execute(load_job(["experiment=pTrue", *SMALL, f"runs={runs}", "experiment.shots=3"]))
    assert session.code == 0
    return session.run.path


def test_another_run_uses_the_fit_and_asks_about_no_training_item(fitted_run: Path, tmp_path: Path) -> None:
    words = ["experiment=pTrue", *SMALL, "experiment.shots=3", f"experiment.fitted={fitted_run}"]
    job = load_job([*words, f"runs={tmp_path}"])
    assert prepare_items(job).train == ()
    session = execute(job)
    assert session.code == 0
    assert session.fitted is not None
    manifest = json.loads((fitted_run / "manifest.json").read_text())
    assert session.fitted == manifest["fitted"] | {
        "run": str(fitted_run),
        "model": manifest["model"]["name"],
        "task": manifest["task"]["name"],
    }
    assert (session.run.path / "fitted.json").read_bytes() == (fitted_run / "fitted.json").read_bytes()
    one, two = (Table.load(path / "outcomes.parquet") for path in (fitted_run, session.run.path))
    assert all((one.columns[name] == two.columns[name]).all() for name in ("item", "arm", "p"))
    # The fit is handed on with the items that it was fitted on.
    again = [*words[:-1], f"experiment.fitted={session.run.path}", f"runs={tmp_path}"]
    with pytest.raises(HarnessError, match="is the directory of this very run"):
        execute(load_job(again))
    third = execute(load_job([*again, "seed=1"]))
    assert third.fitted is not None
    assert third.fitted["items"] == manifest["fitted"]["items"]


def test_the_fit_and_not_its_place_is_in_the_run_id(fitted_run: Path, tmp_path: Path) -> None:
    def folder(fitted: Path | None) -> str:
        words = ["experiment=pTrue", *SMALL, "experiment.shots=3", f"runs={tmp_path}"]
        return run_folder(load_job([*words, *([f"experiment.fitted={fitted}"] if fitted else [])])).name

    assert folder(None) != folder(fitted_run)
    moved = tmp_path / "moved"
    shutil.copytree(fitted_run, moved)
    assert folder(moved) == folder(fitted_run)
    save_fitted(moved, {"few-shot": ()})
    assert folder(moved) != folder(fitted_run)


def test_items_that_the_fit_has_seen_are_not_tested(
    fitted_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["experiment=pTrue", *SMALL, "limit=null", f"runs={tmp_path}", f"experiment.fitted={fitted_run}"]
    assert main(["run", *words]) == 2
    told = capsys.readouterr().err
    assert "was fitted on 9 of the items to be tested (first: item " in told
    assert len(told.splitlines()) == 1


def test_a_fit_of_another_experiment_or_none_is_one_line(
    fitted_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "experiment=selfFamiliarity", *SMALL, f"runs={tmp_path}"]
    assert main([*words, f"experiment.fitted={fitted_run}"]) == 2
    assert "the fit is not what this experiment fits: " in capsys.readouterr().err
    assert main([*words, f"experiment.fitted={tmp_path}"]) == 2
    assert "holds no fit" in capsys.readouterr().err
