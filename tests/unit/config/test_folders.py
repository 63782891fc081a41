"""A user's own `conf/` and `experiments/` beside the harness's, and what a slip in one of these files says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.config import load_job
from harness.errors import HarnessError
from tests.unit.config.test_class import SURE

ROOT = Path(__file__).parents[3]
MINE = "# @package _global_\nexperiment:\n  _target_: experiments.mine.Sure\nlimit: 4\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the `conf` of another Hydra program, in which one experiment is ours."""
    for name in ("conf/experiment", "conf/model", "experiments"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "conf/config.yaml").write_text("defaults: [model: resnet]\nlr: 0.1\n")
    (tmp_path / "conf/model/resnet.yaml").write_text("layers: 50\n")
    (tmp_path / "conf/experiment/mine.yaml").write_text(MINE)
    (tmp_path / "experiments/mine.py").write_text(SURE)
    return tmp_path


def harness(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("packages", [(), ("conf", "experiments")])
def test_own_conf_and_experiments_stand_beside_ours(place: Path, packages: tuple[str, ...]) -> None:
    for name in packages:
        (place / name / "__init__.py").touch()
    done = harness(place, "run", "experiment=mine", "engine=fake", "tracker=none", "replicates=20", "max_failed=1")
    assert done.returncode == 0, done.stderr
    assert len(list((place / "runs/dry/mine").iterdir())) == 1
    done = harness(place, "run", "--cfg", "experiment=pTrue", "seed=5")
    assert done.returncode == 0, done.stderr
    assert "_target_: experiments.calibration.p_true.p_true.PTrue" in done.stdout
    listed = harness(place, "list")
    assert listed.returncode == 0, listed.stderr
    assert "  mine " in listed.stdout
    assert "  pTrue " in listed.stdout


def test_the_harness_runs_from_another_place_than_the_checkout_as_a_command(place: Path) -> None:
    code = "import sys; from harness.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-P", "-c", code, "run", "--cfg", "experiment=mine", "engine=fake", "tracker=none"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "experiments.mine.Sure" in done.stdout


def test_the_nearer_folder_wins(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(place)
    (place / "conf/experiment/pTrue.yaml").write_text(
        "# @package _global_\nexperiment:\n  _target_: experiments.calibration.p_true.p_true.PTrue\n  shots: 3\n"
    )
    assert load_job(["experiment=pTrue"]).config["experiment"]["shots"] == 3
    (tmp_path / "nearer/experiment").mkdir(parents=True)
    (tmp_path / "nearer/experiment/pTrue.yaml").write_text(
        "# @package _global_\nexperiment:\n  _target_: experiments.calibration.p_true.p_true.PTrue\n  shots: 2\n"
    )
    assert load_job(["experiment=pTrue"], tmp_path / "nearer").config["experiment"]["shots"] == 2


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)
)


OF_PTRUE = b"# @package _global_\nexperiment: {_target_: experiments.calibration.p_true.p_true.PTrue}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a:\n\tb: 1\n", "line 2: a tab"),
        (b"a: 1\na: 2\n", "line 2: found duplicate key a"),
        (b"- 1\n- 2\n", "a config file is a mapping"),
        (b"just a text\n", "a config file is a mapping"),
        ("a: caf\xe9\n".encode("latin-1"), "line 1: it is not UTF-8"),
        (b"a: \x00\n", "mine.yaml"),
        (b"a: [1\n", "mine.yaml, line"),
        (b"a: !!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
        (BOMB.encode(), "it has more than 20000 values"),
        (b"a: &a [*a]\n", "an alias stands for what holds it"),
        (b"a: ${\n", "mine.yaml"),
        (b"a: " + b"[" * 3000 + b"]" * 3000 + b"\n", "mine.yaml"),
        (b"a: " + b"9" * 5000 + b"\n", "mine.yaml"),
        (b"defaults: [mine]\n", "lead back to itself"),
        (b"defaults: 3\n", "defaults"),
        (b"defaults: [{a: {b: c}}]\n", ""),
        (b"# @package _global_\nexperiment: 3\n", "experiment=3: choose one by its name"),
        (b"# @package _global_\nexperiment: {_target_: 3}\n", "no _target_ names the class"),
        (b"# @package _global_\nexperiment: {}\nseed: [1]\n", "harness: "),
        (b"# @package _global_\n1: 2\n", "there is no setting 1"),
        (b"\xef\xbb\xbfa: 1\n", "mine.yaml: it begins with a byte-order mark"),
        ("# @package _global_\n\xa0seed: 1\n".encode(), "there is no setting \\xa0seed, did you mean 'seed'?"),
        (b"a: [" + b"1," * 20_000 + b"1]\n", "it has more than 20000 values"),
        (OF_PTRUE + b"seed: yes\n", "a whole number is needed"),
        (OF_PTRUE + b"max_failed: on\n", "a number is needed"),
        (b"# @package _global_\nseed: ${nope}\n", "seed: Interpolation key 'nope' not found"),
        (b"# @package _global_\nseed: ${oc.env:NOT_THERE}\n", "seed: the environment variable NOT_THERE is not set"),
        (b"# @package _global_\nclaims: {a: 1}\n", "Cannot merge DictConfig with ListConfig"),
    ],
)
def test_a_slip_in_a_config_file_is_one_line_that_names_it(
    tmp_path: Path, content: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/mine.yaml").write_bytes(content)
    assert main(["run", "--config-dir", str(tmp_path), "experiment=mine", "engine=fake", "tracker=none"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("harness: ")
    assert len(err.splitlines()) == 1
    assert message in err
    assert main(["list", "--config-dir", str(tmp_path), "experiments"]) == 0


def test_an_error_in_ones_own_module_names_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "broken_one.py").write_text("import math\n\nx = math.nothing\n")
    (tmp_path / "broken_two.py").write_text("def f(:\n    pass\n")
    (tmp_path / "broken_three.py").write_text("import no_such_module\n")
    for name, message in (
        ("broken_one", r"AttributeError: .* \(.*broken_one\.py:3: x = math\.nothing\)"),
        ("broken_two", r"SyntaxError: .*broken_two\.py:1\)"),
        ("broken_three", r"no_such_module.*broken_three\.py:1"),
    ):
        with pytest.raises(HarnessError, match=message):
            load_job([f"experiment={name}:Thing", "engine=fake", "tracker=none"])
