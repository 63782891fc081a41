"""A suite: several experiments, one loaded engine, one store, one report."""

from pathlib import Path

import pytest

from experiments.calibration.p_true.p_true import PTrue
from harness.cli.main import main
from harness.cli.suite import load_suite
from harness.engines.base import Engine
from harness.engines.fake import engine as fake
from harness.errors import HarnessError
from harness.models.model import Model

SMALL = ["limit=4", "engine=fake", "tracker=none", "replicates=20"]


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    (tmp_path / "suite").mkdir()
    runs = (
        "runs: [experiment=pTrue experiment.shots=2, experiment=pTrue experiment.shots=3, experiment=selfCorrection]\n"
    )
    (tmp_path / "suite" / "mine.yaml").write_text(runs)
    return tmp_path


def run(suites: Path, *words: str) -> int:
    folder = [f"runs={suites / 'runs'}"]
    return main(["run", "--config-dir", str(suites), *SMALL, *folder, *words])


def test_a_suite_loads_its_model_once_shares_its_draws_and_ends_in_one_report(
    suites: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loads = []

    def load(settings: fake.Fake, model: Model) -> Engine:
        loads.append(model.name)
        return fake.FakeEngine(fake.dry_run, f"fake:{model.name}", settings.delay)

    monkeypatch.setattr(fake.Fake, "load", load)
    assert run(suites, "suite=mine") == 0
    assert loads == ["smollm2"]
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines() if line.startswith(("pTrue ", "selfCorrection "))]
    assert [row[0] for row in rows] == ["pTrue", "pTrue", "selfCorrection"]
    asked, shared = int(rows[1][1]), int(rows[1][2])
    # Five draws of each of the four test items, and those of two of the three training items, were paid by the first.
    assert shared >= 5 * 6
    assert asked > 0
    page = next((suites / "runs" / "suites").glob("mine-*/report.html")).read_text()
    assert page.count('<tr><th scope="row"><a href="../../pTrue/') > 4
    assert page.count("<script") == 1  # the page's own
    assert (next((suites / "runs" / "suites").glob("mine-*")) / "../../selfCorrection").resolve().is_dir()


def test_a_run_that_stops_with_an_error_leaves_the_others_going(
    suites: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (suites / "suite" / "mine.yaml").write_text(
        "runs:\n- experiment=pTrue\n- experiment=pTrue experiment.arms=[zero-shot]\n"
    )
    # Nothing that this model says can be graded, so that no examples can be made of it.
    monkeypatch.setattr(fake.Fake, "load", lambda *_: fake.FakeEngine(lambda _: {"": 1.0}))
    assert run(suites, "suite=mine", "max_failed=1") == 2
    out = capsys.readouterr().out
    asked = next(line.split()[1] for line in out.splitlines() if line.startswith("pTrue ") and "stopped" not in line)
    assert int(asked) == 4 * 5  # the draws of the run that goes on
    assert "pTrue                    stopped without a report: none of the training answers could be graded" in out
    assert "../../pTrue/" in next((suites / "runs" / "suites").glob("mine-*/report.html")).read_text()
    (suites / "suite" / "mine.yaml").write_text("runs: [experiment=pTrue]\n")
    (suites / "runs").rename(suites.parent / f"{suites.name}-runs")  # a folder of configs must hold nothing but configs
    assert run(suites, "suite=mine") == 2
    assert "none of the training answers could be graded" in capsys.readouterr().err


@pytest.mark.parametrize("name", [file.stem for file in (Path(__file__).parents[3] / "conf/suite").glob("*.yaml")])
def test_every_suite_composes(name: str) -> None:
    assert load_suite(name, ["engine=fake", "tracker=none"], None)


def test_a_wrong_suite_or_override_is_refused_before_anything_is_loaded(
    suites: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, told in (
        (["suite=mien"], "no suite 'mien', did you mean 'mine'?"),
        (["suite=mine", "experiment.shots=1"], "a suite chooses its experiments"),
        (["suite=mine", "sed=1"], "run 'experiment=pTrue experiment.shots=2': there is no setting sed"),
    ):
        assert run(suites, *words) == 2
        assert told in capsys.readouterr().err
    (suites / "suite" / "bad.yaml").write_text("run: [x]\n")
    assert run(suites, "suite=bad") == 2
    assert "one key `runs`" in capsys.readouterr().err
    assert not (suites / "runs").exists()


def test_an_override_with_a_space_is_quoted_as_in_a_shell(suites: Path, tmp_path: Path) -> None:
    lines = "runs:\n- experiment=pTrue experiment.arms='[zero-shot,few-shot brainstorm]'\n"
    (tmp_path / "suite" / "mine.yaml").write_text(lines)
    (job,) = load_suite("mine", SMALL, tmp_path)
    assert isinstance(job.experiment, PTrue)
    assert list(job.experiment.arms) == ["zero-shot", "few-shot brainstorm"]
    (tmp_path / "suite" / "mine.yaml").write_text('runs: ["experiment=pTrue experiment.arms=\'[zero-shot]"]\n')
    with pytest.raises(HarnessError, match=r"mine\.yaml: .*no closing quotation; close the quotes"):
        load_suite("mine", SMALL, tmp_path)
