"""`run study=NAME`: named runs on shared engines and one store, runs made of others, one report."""

import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments.calibration.p_true.p_true import PTrue
from harness import Item, Subject
from harness.cli.main import main
from harness.config import Job
from harness.engines.base import Engine
from harness.engines.fake import engine as fake
from harness.errors import HarnessError
from harness.execution.execute import execute
from harness.execution.session import Session
from harness.models.model import Model
from harness.runs.comparison import compare
from harness.runs.loaded import load_run
from harness.runs.sides import pairs
from harness.study import study
from harness.study.definition import read_study
from harness.study.planning import make_plan
from harness.tasks.facts import Facts

SMALL = ["limit=12", "engine=fake", "tracker=none", "replicates=50"]
GOLD = {item.fields["question"]: item.gold for item in Facts(name="facts").load()}

PAIR = """
runs:
  opinion: experiment=secondOpinion task.run=${run:answers}
  answers: experiment=pTrue experiment.draws=2 experiment.judged=2 experiment.arms=[zero-shot]
claims:
  - text: Demonstrations help
    metric: auroc
    first: {run: opinion, level: {arm: fixed}}
    second: {run: answers, level: {arm: zero-shot}}
    relation: above
"""


def knowing(text: str) -> dict[str, float]:
    """Knows the answer in six of ten draws, and takes one for true by the length of the prompt."""
    question = text.rsplit("Question: ", 1)[1].split("\n", maxsplit=1)[0]
    if not text.endswith("("):
        right = str(GOLD[question][0] if isinstance(GOLD[question], list) else GOLD[question])
        return {f" {right}\n": 0.6, " 1\n" if right.isdecimal() else " Atlantis\n": 0.4}
    sure = 0.2 + 0.6 * (len(text) % 7) / 7
    return {"A": sure, "B": 1 - sure}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], None]:
    def written(text: str, name: str = "mine") -> None:
        (tmp_path / "conf/study").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"conf/study/{name}.yaml").write_text(text)

    return written


@pytest.fixture
def run(tmp_path: Path, write: Callable[[str], None]) -> Callable[..., int]:
    def ran(*words: str) -> int:
        folder = ["--config-dir", str(tmp_path / "conf")]
        return main(["run", *folder, *SMALL, f"runs={tmp_path / 'runs'}", *(words or ("study=mine",))])

    return ran


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models that are loaded, each an engine that knows some answers."""
    names: list[str] = []

    def load(settings: fake.Fake, model: Model) -> Engine:
        names.append(model.name)
        return fake.FakeEngine(knowing, model.name, settings.delay)

    monkeypatch.setattr(fake.Fake, "load", load)
    return names


def left(tmp_path: Path) -> tuple[dict[str, Any], str]:
    """study.json and the page of the only study."""
    (folder,) = (tmp_path / "runs/studies").iterdir()
    content = json.loads((folder / "study.json").read_text())
    assert [v["kind"] for v in json.loads((folder / "verdicts.json").read_text())] == [
        v["kind"] for v in content["verdicts"]
    ]
    return content, (folder / "report.html").read_text()


def rows(out: str) -> dict[str, list[str]]:
    """The table of runs at the end, by name."""
    lines = out[out.index("\nrun ") :].splitlines()[2:]
    return {line.split()[0]: line.split()[1:] for line in lines if line and ": " not in line.split()[0]}


def test_a_run_about_the_answers_of_another_comes_after_it_on_the_same_engine_and_store(
    tmp_path: Path, write: Any, run: Any, loads: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(PAIR)
    assert run() == 0
    assert loads == ["fake:smollm2"]
    out = capsys.readouterr().out
    content, page = left(tmp_path)
    assert [(one["name"], one["status"]) for one in content["runs"]] == [
        ("answers", "finished"),
        ("opinion", "finished"),
    ]
    answers, opinion = (load_run(Path(one["folder"])) for one in content["runs"])
    assert set(opinion.table.columns["item"]) <= set(answers.table.columns["item"])
    assert set(opinion.table.columns["group"]) <= set(answers.table.columns["group"])
    assert opinion.record.manifest["items_done"] == 12  # limit, of 24 draws
    # Without demonstrations it is the first asking again, word for word: nothing new is asked.
    asked, shared = rows(out)["opinion"][:2]
    assert int(shared) >= int(asked) > 0
    verdict = content["verdicts"][0]
    assert verdict["measured"]["level"] == {"run": "opinion - answers", "arm": "fixed - zero-shot"}
    assert f"{verdict['kind']}: Demonstrations help ({verdict['reason']})" in out
    assert "Demonstrations help" in page
    assert "opinion [arm=fixed] above answers [arm=zero-shot]" in page
    assert page.count("<script") == 1  # the page's own
    # All of it again costs nothing, and says the same.
    assert run() == 0
    again = rows(capsys.readouterr().out)
    assert [again[name][0] for name in ("answers", "opinion")] == ["0", "0"]
    assert left(tmp_path)[0] == content


def test_a_verdict_is_what_compare_says_of_the_two_runs(tmp_path: Path, write: Any, run: Any, loads: list[str]) -> None:
    claims = [
        "{text: one, metric: auroc, first: {run: few, level: {arm: fixed}}, "
        "second: {run: none, level: {arm: fixed}}, relation: above}",
        "{text: two, metric: brier, first: {run: few, level: {arm: fixed}}, "
        "second: {run: none, level: {arm: fixed}}, relation: below}",
    ]
    runs = {"none": "experiment.draws=3 experiment.judged=3", "few": "experiment.draws=3 experiment.judged=2"}
    lines = [f"  {name}: experiment=pTrue experiment.arms=[fixed] {words}" for name, words in runs.items()]
    write("\n".join(["runs:", *lines, "claims:", *(f"- {claim}" for claim in claims)]))
    assert run() == 0
    content, _ = left(tmp_path)
    (pair,), _ = pairs([load_run(Path(one["folder"])) for one in content["runs"]])
    found = compare(pair, ["auroc", "brier"], replicates=50)
    measured = [verdict["measured"] for verdict in content["verdicts"]]
    assert [(m["value"], m["low"], m["high"], m["n"]) for m in measured] == [
        (c.value, c.low, c.high, c.n) for c in found.contrasts
    ]
    assert measured[0]["value"] is not None
    # 12 items of two draws; the third draw of one run has no partner by design, and is no reason for doubt.
    assert [(m["n"], m["n_groups"], m["n_unmatched"]) for m in measured] == [(24, 12, 0)] * 2


def test_what_needs_a_failed_run_is_skipped_and_the_rest_goes_on(
    tmp_path: Path, write: Any, run: Any, loads: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        PAIR
        + """
  - text: Apart
    metric: auroc
    first: {run: other, level: {arm: fixed}}
    second: {run: last, level: {arm: fixed}}
    relation: above
"""
    )
    text = (tmp_path / "conf/study/mine.yaml").read_text()
    more = (
        "runs:\n  other: experiment=pTrue experiment.draws=1 experiment.arms=[fixed]\n"
        "  last: experiment=pTrue experiment.draws=1 experiment.judged=1 experiment.arms=[fixed] seed=1\n"
    )
    # `answers` fails, as no prompt fits beside so long an answer, and `opinion` needs it.
    write(
        text.replace("runs:\n", more).replace(
            "experiment.judged=2", "experiment.max_tokens=2000000 experiment.judged=2"
        )
    )
    assert run("study=mine", "limit=4") == 1
    captured = capsys.readouterr()
    content, page = left(tmp_path)
    assert {one["name"]: one["status"] for one in content["runs"]} == {
        "other": "finished",
        "last": "finished",
        "answers": "failed",
        "opinion": "skipped",
    }
    assert "opinion is skipped: run 'answers' is failed: 4 of 4 items failed, more than max_failed=0.05" in captured.err
    first, second = content["verdicts"]
    assert first["kind"] == "not comparable"
    assert "run 'opinion' is skipped: run 'answers' is failed" in first["reason"]
    assert second["measured"]["level"] == {"run": "other - last", "arm": "fixed"}
    assert "skipped: <bdi>run &#39;answers&#39; is failed" in page


def test_a_run_that_stops_with_an_error_gives_2_and_a_study_without_results_no_report(
    tmp_path: Path, write: Any, run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def prepare(self: PTrue, train: Sequence[Item], subject: Subject) -> dict[str, tuple[()]]:
        if train:
            raise HarnessError("no examples can be made")
        return dict.fromkeys(("plain", "ideas", "shuffled"), ())

    monkeypatch.setattr(PTrue, "prepare", prepare)
    write("runs:\n  shots: experiment=pTrue experiment.shots=2\n  none: experiment=pTrue experiment.arms=[zero-shot]\n")
    assert run("study=mine", "max_failed=1") == 2
    out = capsys.readouterr().out
    assert rows(out)["none"][:2] == [str(12 * 6), "0"]  # five draws and one judgement an item
    assert "stopped: no examples can be made" in out
    assert left(tmp_path)[0]["runs"][0]["status"] == "stopped"

    write("runs: {only: experiment=pTrue experiment.shots=2}", "alone")
    assert run("study=alone") == 2
    assert "run 'only': no examples can be made" in capsys.readouterr().err


def test_a_fault_of_the_harness_in_one_run_leaves_the_others_and_the_report(
    tmp_path: Path, write: Any, run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def trip(job: Job, *others: Any) -> Session:
        if job.seed:
            raise ZeroDivisionError("by nothing")
        return execute(job, *others)

    monkeypatch.setattr(study, "execute", trip)
    line = "experiment=pTrue experiment.draws=1 experiment.arms=[zero-shot]"
    write(f"runs:\n  bad: {line} seed=1\n  good: {line}\n")
    assert run("study=mine") == 2
    captured = capsys.readouterr()
    assert "stopped: unexpected ZeroDivisionError: by nothing" in captured.out
    assert "Traceback (most recent call last)" in captured.err
    assert [one["status"] for one in left(tmp_path)[0]["runs"]] == ["stopped", "finished"]


def test_a_model_that_cannot_be_loaded_is_tried_once_and_leaves_the_others_going(
    tmp_path: Path, write: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def load(settings: fake.Fake, model: Model) -> Engine:
        tried.append(model.name)
        if model.name == "fake:broken":
            raise HarnessError("no such weights")
        return fake.FakeEngine(knowing, model.name)

    monkeypatch.setattr(fake.Fake, "load", load)
    line = "experiment=pTrue experiment.draws=1 experiment.arms=[zero-shot]"
    write(
        f"runs:\n  a: {line} model.name=broken\n  b: {line}\n  c: {line} model.name=broken seed=1\n  d: {line} seed=1\n"
    )
    assert run() == 2
    assert tried == ["fake:broken", "fake:smollm2"]  # b and d follow each other
    assert [(one["name"], one["status"]) for one in left(tmp_path)[0]["runs"]] == [
        ("a", "stopped"),
        ("c", "stopped"),
        ("b", "finished"),
        ("d", "finished"),
    ]


def test_ctrl_c_writes_the_report_on_what_is_finished(
    tmp_path: Path, write: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(job: Job, *shared: Any) -> Session:
        if job.seed == 1:
            raise KeyboardInterrupt
        return execute(job, *shared)

    monkeypatch.setattr("harness.study.study.execute", interrupted)
    line = "experiment=pTrue experiment.draws=1 experiment.arms=[zero-shot]"
    claim = (
        "{text: t, metric: brier, first: {run: a, level: {arm: zero-shot}}, second: {run: c, level: {arm: zero-shot}}"
    )
    write(f"runs:\n  a: {line}\n  b: {line} seed=1\n  c: {line} seed=2\nclaims: [{claim}, relation: above}}]\n")
    assert run() == 130
    content, page = left(tmp_path)
    assert [one["status"] for one in content["runs"]] == ["finished", "interrupted", "not started"]
    assert content["verdicts"][0]["reason"] == "run 'c' is not started"
    assert "../../pTrue/" in page


def test_ctrl_c_while_a_model_is_asked_ends_with_the_report_on_its_finished_items(
    tmp_path: Path, write: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def once(text: str) -> dict[str, float]:
        asked.append(1)
        if len(asked) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return knowing(text)

    monkeypatch.setattr(fake.Fake, "load", lambda settings, model: fake.FakeEngine(once))
    write(PAIR)
    assert run() == 130
    content, _ = left(tmp_path)
    assert [one["status"] for one in content["runs"]] == ["interrupted", "not started"]
    assert content["verdicts"][0]["reason"] == "run 'opinion' is not started; run 'answers' is interrupted"
    monkeypatch.setattr(fake.Fake, "load", lambda settings, model: fake.FakeEngine(knowing))
    assert run() == 0  # goes on from there
    assert [one["status"] for one in left(tmp_path)[0]["runs"]] == ["finished", "finished"]


def test_seeds_are_one_side(tmp_path: Path, write: Any, run: Any, loads: list[str]) -> None:
    line = "experiment=pTrue experiment.draws=2 experiment.judged=2 experiment.arms=[zero-shot]"
    runs = "".join(f"  a{s}: {line} seed={s}\n  b{s}: {line} seed={s} experiment.temperature=0.5\n" for s in range(2))
    claim = (
        "{text: t, metric: accuracy, first: {runs: [a0, a1], level: {arm: zero-shot}}, "
        "second: {runs: [b0, b1], level: {arm: zero-shot}}, relation: below}"
    )
    write(f"runs:\n{runs}claims: [{claim}]\n")
    assert run() == 0
    (verdict,) = left(tmp_path)[0]["verdicts"]
    by_run = [load_run(Path(one["folder"])) for one in left(tmp_path)[0]["runs"]]
    means = [float(one.table.columns["correct"].mean()) for one in by_run]
    a, b = (means[0] + means[2]) / 2, (means[1] + means[3]) / 2
    assert verdict["measured"]["value"] == pytest.approx(a - b)
    assert verdict["measured"]["level"]["run"] == "a0 + a1 - b0 + b1"


A_RUN = "runs:\n  a: experiment=pTrue experiment.draws=1 experiment.arms=[fixed]"
CLAIM = (
    "{text: t, metric: auroc, first: {run: a, level: {arm: fixed}}, second: {run: a, level: {arm: x}}, relation: above}"
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("run: [x]\n", "a study has the keys `runs`"),
        ("runs: [experiment=pTrue]\n", "a study has the keys `runs`"),
        (f"{A_RUN}\nclaim: []\n", "there is no key 'claim', did you mean 'claims'?"),
        ('runs: {a: "experiment=pTrue experiment.arms=\'[fixed]"}\n', "no closing quotation; close the quotes"),
        ("runs: {a: 'task.run=${run:b}', b: 'task.run=${run:a}'}\n", "in a circle: a <- b <- a"),
        ("runs: {a: experiment=pTrue, b: 'task.run=${run:aa}'}\n", "no run 'aa' for ${run:aa}, did you mean 'a'?"),
        (f"{A_RUN} sed=1\n", "run 'a': there is no setting sed"),
        (f"{A_RUN}\n  b: experiment=pTrue experiment.draws=1 experiment.arms=[fixed]\n", "the same settings"),
        (
            f"{A_RUN}\nclaims: [{CLAIM.replace('auroc', 'aurok')}]\n",
            "no metric 'aurok', did you mean 'auroc'",
        ),
        (f"{A_RUN}\nclaims: [{CLAIM.replace('run: a', 'run: b')}]\n", "claim 't': there is no run 'b'"),
        (f"{A_RUN}\nclaims: [{CLAIM.replace('arm: x', 'armm: x')}]\n", "level column 'armm' does not exist"),
        (
            f"{A_RUN}\nclaims: [{CLAIM.replace('arm: x', 'arm: fixed')}]\n",
            "compares a [arm=fixed] with itself",
        ),
        (f"{A_RUN}\nclaims: [{CLAIM.replace('above', 'over')}]\n", "claims[0].relation=over"),
        (
            f"{A_RUN}\nclaims: [{CLAIM.replace('first: {run', 'first: {rnu')}]\n",
            "there is no setting claims[0]",
        ),
        (
            f"{A_RUN}\n  b: experiment=secondOpinion task.run=${{run:a}} task.where.armm=fixed\n",
            "run 'b': task.where.armm: run 'a' has no column or field 'armm', did you mean 'arm'?",
        ),
        (
            f"{A_RUN}\n  b: experiment=secondOpinion task.run=${{run:a}} task.where.correct=yes\n",
            "the column is a label",
        ),
        (
            f"{A_RUN}\n  b: experiment=secondOpinion task.run=${{run:a}} ~task.fields.answer\n",
            "reads the item field 'answer', which task 'run' does not have",
        ),
    ],
)
def test_a_wrong_study_is_refused_before_anything_is_loaded(  # noqa: PLR0917
    tmp_path: Path, write: Any, run: Any, loads: list[str], capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    write(text)
    assert run() == 2
    assert told in capsys.readouterr().err
    assert not loads
    assert not (tmp_path / "runs").exists()


def test_an_override_that_cannot_be_meant_for_all_runs_is_refused(
    write: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    write(PAIR)
    for word, told in (
        ("experiment.shots=1", "a study chooses its experiments"),
        ("task=arithmetic", "take their items from other runs"),
        ("study=mien", "no study 'mien', did you mean 'mine'?"),
    ):
        assert run("study=mine", word) == 2
        assert told in capsys.readouterr().err


@pytest.mark.parametrize("name", [file.stem for file in (Path(__file__).parents[3] / "conf/study").glob("*.yaml")])
def test_every_study_composes(name: str) -> None:
    assert make_plan(read_study(name, None), ["engine=fake", "tracker=none"], None).jobs


def test_an_override_with_a_space_is_quoted_as_in_a_shell(write: Any, tmp_path: Path) -> None:
    write("runs:\n  a: experiment=pTrue experiment.arms='[zero-shot,few-shot brainstorm]'\n")
    (job,) = make_plan(read_study("mine", tmp_path / "conf"), SMALL, tmp_path / "conf").jobs.values()
    assert isinstance(job.experiment, PTrue)
    assert list(job.experiment.arms) == ["zero-shot", "few-shot brainstorm"]


def test_the_study_of_the_harness_asks_again_about_its_own_answers(
    tmp_path: Path, loads: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "study=second_opinion", *SMALL, f"runs={tmp_path / 'runs'}"]) == 0
    out = capsys.readouterr().out
    # One answer an item; the opinion without demonstrations is in the store, that with them is new.
    assert rows(out)["answers"][:2] == ["24", "0"]
    assert rows(out)["opinion"][:2] == ["12", "12"]
    answers, opinion = (load_run(Path(one["folder"])) for one in left(tmp_path)[0]["runs"])
    assert sorted(opinion.table.columns["p"][opinion.table.columns["arm"] == "zero-shot"]) == sorted(
        answers.table.columns["p"]
    )
