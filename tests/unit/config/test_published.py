"""Published numbers in a CSV file beside the experiment."""

from pathlib import Path

import pytest

from harness.config import load_job
from harness.config.published import read_references
from harness.errors import HarnessError
from harness.statistics.references import Reference

QUIET = ["engine=fake", "tracker=none"]
HEAD = "metric,arm,order,value,model,task,n,source,certainty,tolerance,requires\n"
ROW = 'accuracy,percent/one,1,0.753,some model,facts,60,"a paper, Table 1",seen,0.03,experiment.shots>=6; seed=0\n'


def test_a_row_is_a_reference_and_empty_cells_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(HEAD + ROW + "auroc,few-shot,,1,other,facts,,from memory,memory,,\n", encoding="utf-8-sig")
    assert read_references(str(file)) == (
        Reference(
            metric="accuracy",
            level={"arm": "percent/one", "order": "1"},
            value=0.753,
            model="some model",
            task="facts",
            source="a paper, Table 1",
            certainty="seen",
            n=60,
            tolerance=0.03,
            requires={"experiment.shots": ">=6", "seed": 0},
        ),
        Reference(
            metric="auroc",
            level={"arm": "few-shot"},
            value=1.0,
            model="other",
            task="facts",
            source="from memory",
            certainty="memory",
        ),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD + ROW + ROW.replace("0.753", "75 %"), r"mine\.csv, row 3, value=75 %: a number is needed"),
        (HEAD + ROW.replace("seen", "sen"), r"row 2, certainty=sen: 'seen', 'second-hand' or 'memory' is needed"),
        (HEAD + ROW.replace(",60,", ",many,"), r"row 2, n=many: a whole number is needed"),
        (HEAD + ROW.replace("some model", ""), r"row 2: no model"),
        (HEAD + ROW.replace("0.03", "-1"), r"row 2: reference of 'accuracy': tolerance -1.0 is no number above 0"),
        (HEAD + ROW.replace("seed=0", "greedy"), r"row 2: requires: 'greedy' is none of key=value, key>=number and"),
        (HEAD + ROW.replace("seed=0", "seed="), r"row 2: requires: 'seed=' is none of"),
        (HEAD + ROW.replace("seed=0", "experiment.shots=6"), r"row 2: requires: two conditions on 'experiment.shots'"),
        (
            HEAD + ROW.replace(">=6", ">=six"),
            r"row 2: reference of 'accuracy': requires experiment.shots>=six: a bound",
        ),
        (HEAD + ROW.rstrip() + ",more\n", r"row 2: it has more values than there are columns"),
        (HEAD + "accuracy,x\n", r"row 2: it has fewer values than there are columns"),
        (HEAD.replace("certainty", "certanty") + ROW, r"mine\.csv: no column 'certainty' in its first row \(metric, "),
        ("", r"mine\.csv: no column 'metric' in its first row \(empty\)"),
        (HEAD + '"accuracy"x,\n', r"mine\.csv is no CSV file in UTF-8"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_row(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "mine.csv").write_text(content)
    with pytest.raises(HarnessError, match=message):
        load_job([f"references={tmp_path / 'mine.csv'}", *QUIET])


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"none\.csv cannot be read: No such file"):
        load_job([f"references={tmp_path / 'none.csv'}", *QUIET])
    with pytest.raises(HarnessError, match=r"p_true/published\.csv cannot be read"):
        load_job(["references=experiments.calibration.p_true", *QUIET])
    for place in ("experiments.calibration.nowhere", "no.such.package", "numpy.version"):
        with pytest.raises(HarnessError, match=r"neither a \.csv file nor a Python package"):
            load_job([f"references={place}", *QUIET])


def test_numbers_may_be_given_in_the_config_as_well() -> None:
    entry = "{metric: auroc,level: {arm: fixed},value: 0.5,model: m,task: facts,source: s,certainty: seen}"
    (reference,) = load_job([f"references=[{entry}]", *QUIET]).references
    assert (reference.level, reference.value) == ({"arm": "fixed"}, 0.5)
    with pytest.raises(HarnessError, match=r"references=3: a list is needed"):
        load_job(["references=3", *QUIET])
