"""The end of a run fits a screen and says first how often the model is right, whatever the experiment."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from harness.config import load_job
from harness.execution.execute import execute
from harness.execution.session import Session
from harness.execution.summary import MOST_LINES, headline, print_summary, summary

EXPERIMENTS = sorted(path.stem for path in Path("conf/experiment").glob("*.yaml"))
WITHOUT_A_FIRST_RUN = [name for name in EXPERIMENTS if name not in ("secondOpinion", "confidenceAlongThought")]
FEWER = {"falseBelief": ["task.families=8"], "simpleToM": ["task.families=8"]}
"""Stories that take a second to tell, all of them."""


def run(name: str, folder: Path, *more: str) -> Session:
    words = [f"experiment={name}", "engine=fake", "tracker=none", "limit=12", f"runs={folder}", "replicates=100", *more]
    job = load_job(words)
    with patch.object(type(job.experiment), "figures", ()):  # half of the time of a small run, and not on the screen
        return execute(job)


@pytest.mark.parametrize("name", WITHOUT_A_FIRST_RUN)
def test_every_experiment_ends_on_one_screen(name: str, tmp_path: Path) -> None:
    session = run(name, tmp_path, "limit=5", *FEWER.get(name, ()))
    lines = summary(session, 120)
    assert len(lines) <= MOST_LINES
    assert all(len(line) <= 120 for line in lines if not line.startswith(("WARNING", "thoughts", "report", "(")))
    assert lines[-1] == f"report: {session.run.path / 'report.html'}"
    graded = any(metric.name.startswith("accuracy") for metric in session.job.all_metrics)
    assert ("accuracy" in lines[0]) == graded, lines[0]
    told = "\n".join(lines)
    for claim in session.job.claims[:2]:
        assert claim.text[:25] in told


def test_the_numbers_are_those_of_the_estimates(tmp_path: Path) -> None:
    session = run("pTrue", tmp_path)
    (accuracy,) = {e.value for e in session.estimates if e.metric == "accuracy"}
    lines = summary(session, 160)
    assert lines[0].startswith(f"12 items: accuracy {accuracy:.2f} [")
    ece = next(e for e in session.estimates if e.metric == "ece_equal_width" and e.level == {"arm": "fixed"})
    (row,) = [line for line in lines if line.startswith("fixed ")]
    assert ece.value is not None
    assert f"  {ece.value:.2f}" in row
    assert headline(session).startswith(f"12 items: accuracy {accuracy:.2f}")


def test_a_narrow_terminal_loses_columns_and_no_verdict(tmp_path: Path) -> None:
    session = run("pTrue", tmp_path)
    lines = summary(session, 72)
    assert all(len(line) <= 72 for line in lines if not line.startswith(("WARNING", "report")))
    assert sum(line.startswith("undecided") for line in lines) == len(session.job.claims)


def test_a_row_whose_metrics_have_no_room_is_left_out(tmp_path: Path) -> None:
    session = run("temporalCognition", tmp_path)
    for width in (72, 120, 400):
        lines = summary(session, width)
        start = lines.index("") + 1
        table = lines[start : lines.index("", start)]
        labels = [line for line in table[1:] if "  " not in line.strip()]
        assert not labels, width
        assert all(len(line) <= width for line in table)


def test_items_that_did_not_finish_are_told_apart_from_answers_without_a_grade(tmp_path: Path) -> None:
    session = run("pTrue", tmp_path)
    session.results[0] = replace(session.results[0], error="it\x0abroke")
    lines = summary(session, 120)
    assert [line for line in lines if "did not finish" in line] == [
        f"1 item did not finish; the first, {session.results[0].item}: it broke"
    ]


def test_colours_are_for_terminals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(run("pTrue", tmp_path))
    assert "\x1b" not in capsys.readouterr().out


def test_verbose_prints_every_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = run("pTrue", tmp_path)
    capsys.readouterr()
    print_summary(session, verbose=True)
    out = capsys.readouterr().out
    assert len(re.findall(r" n=\d+", out)) >= len(session.estimates)
    assert all(verdict.reason in out for verdict in session.verdicts)
