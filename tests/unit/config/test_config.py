"""From overrides to typed settings: what is unknown or of the wrong type is refused with the nearest valid name."""

from pathlib import Path

import pytest

from experiments.calibration.p_true.p_true import PTrue
from harness.cli.listing import config_names
from harness.config import build, load_job
from harness.engines.fake.engine import Fake
from harness.errors import HarnessError
from harness.models.model import Model
from harness.runs.directory import config_digest
from tests.support.helpers import needed


def test_the_default_job_is_p_true_on_facts_with_the_embedded_model() -> None:
    job = load_job([])
    assert (job.name, job.task.name, job.model.name, job.seed) == ("pTrue", "facts", "smollm2", 0)
    assert isinstance(job.experiment, PTrue)
    assert job.store == Path("runs/store")
    assert [c.metric for c in job.claims][:3] == ["auroc", "auroc_same_kind", "ece_equal_width"]


@pytest.mark.parametrize("experiment", [name for name, _ in config_names("experiment")])
def test_every_experiment_composes_with_every_task_that_it_can_read(experiment: str) -> None:
    job = load_job([f"experiment={experiment}", "engine=fake", "tracker=none", *needed(experiment)])
    assert job.name == experiment
    for metric in job.experiment.metrics:
        metric.check(job.experiment.columns())


@pytest.mark.parametrize("model", [name for name, _ in config_names("model") if name != "hub"])
def test_every_model_builds(model: str) -> None:
    assert load_job([f"model={model}"]).model.name


def test_overrides_reach_their_place() -> None:
    words = ["experiment.shots=3", "seed=7", "limit=null", "runs=/x", "task=arithmetic", "engine.args={dtype: half}"]
    job = load_job(words)
    assert isinstance(job.experiment, PTrue)
    assert (job.experiment.shots, job.seed, job.limit, job.store) == (3, 7, None, Path("/x/store"))
    assert job.task.name == "arithmetic"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("sead=3", r"there is no setting sead, did you mean 'seed'\?"),
        ("experiment.shot=3", r"there is no setting experiment\.shot, did you mean 'shots'\?"),
        ("+experiment.nshots=3", r"there is no setting experiment\.nshots, did you mean 'shots'\?"),
        ("+nonsense=3", r"there is no setting nonsense \(there are: "),
        ("experiment=ptrue", r"there is no experiment 'ptrue', did you mean 'pTrue'\?"),
        ("task=fact", r"there is no task 'fact', did you mean 'facts'\?"),
        ("modle=smollm2", r"there is no setting modle, did you mean 'model'\?"),
        ("seed=abc", r"seed=abc: a whole number is needed"),
        ("experiment.shots=many", r"experiment\.shots=many: a whole number is needed"),
        ("model.style=fancy", r"model\.style=fancy: .*'auto', 'chat' or 'plain'"),
        ("limit=0", r"limit=0: 1 or more is needed"),
        ("--seed=3", r"write seed=3, without the dashes"),
        ("model.name=a:b=c", r"model\.name=a:b=c"),
        ("experiment._target_=nowhere.Thing", r"experiment\._target_: cannot import 'nowhere\.Thing'"),
        ("experiment._target_=harness.store.store.Store", r"harness\.store\.store\.Store is not a dataclass"),
        ("experiment=pTrue,selfCorrection", r"experiment"),
    ],
)
def test_what_is_wrong_is_named(override: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message) as error:
        load_job([override])
    assert "\n" not in str(error.value)


def test_a_part_of_another_kind_is_refused() -> None:
    with pytest.raises(HarnessError, match=r"harness\.engines\.fake\.engine\.Fake is no Model"):
        build({"_target_": "harness.engines.fake.engine.Fake"}, "model", Model)


def test_a_folder_of_ones_own_experiments(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(
        "# @package _global_\nexperiment:\n  _target_: experiments.calibration.p_true.p_true.PTrue\n"
        "  shots: 1\nlimit: 5\n"
    )
    job = load_job(["experiment=mine"], tmp_path)
    assert (job.name, job.limit) == ("mine", 5)
    with pytest.raises(HarnessError, match="no such folder"):
        load_job([], tmp_path / "none")


def test_the_run_directory_depends_on_what_changes_outcomes_only() -> None:
    base = config_digest(load_job([]).config)
    same = [["runs=/elsewhere"], ["tracker=none"], ["window=3"]]
    other = [["seed=1"], ["limit=7"], ["experiment.shots=3"], ["task=arithmetic"], ["engine=fake"]]
    assert {config_digest(load_job(o).config) for o in same} == {base}
    assert len({config_digest(load_job(o).config) for o in other} | {base}) == 6


def test_another_role_gets_a_model_of_its_own_and_the_engine_settings_of_the_subject_or_its_own() -> None:
    base, judge = "experiment=semanticEntropy", ["+model@roles.judge.model=hub", "roles.judge.model.source=/m"]
    job = load_job([base, *judge])
    assert job.roles["judge"].model.name == "m"
    assert job.roles["judge"].engine is None
    assert isinstance(load_job([base, *judge, "+engine@roles.judge.engine=fake"]).roles["judge"].engine, Fake)
    assert load_job([base]).roles == {}
    with pytest.raises(HarnessError, match=r"roles\.juge.*'judge'"):
        load_job([base, "+model@roles.juge.model=smollm2"])
    with pytest.raises(HarnessError, match=r"roles\.judge\.model: not set"):
        load_job([base, "+engine@roles.judge.engine=fake"])


def test_a_name_in_other_capitals_is_refused_before_a_disk_that_ignores_them_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def found(*_: object, **__: object) -> None:
        raise AssertionError("macOS finds pTrue.yaml for ptrue, and the run would be called ptrue")

    monkeypatch.setattr("hydra.compose", found)
    for word in ("experiment=ptrue", "task=FACTS", "engine=Fake"):
        group, _, name = word.partition("=")
        with pytest.raises(HarnessError, match=f"there is no {group} '{name}'"):
            load_job([word])
