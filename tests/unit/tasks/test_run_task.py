"""Items made of an earlier run: which rows, which fields, whose gold, grader and cluster; and every flaw named."""

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.errors import HarnessError
from harness.items import SOLUTION, Grade, Item
from harness.outcomes import Table
from harness.runs.loaded import load_run
from harness.runs.records import by_first_item, load_record
from harness.tasks.base import split
from harness.tasks.facts import Facts
from harness.tasks.graders import grader_name, number, short_answer
from harness.tasks.run import RunTask

FEW = ["limit=6", "engine=fake", "tracker=none", "replicates=10", "max_failed=1"]
PTRUE = ["experiment=pTrue", "experiment.draws=3", "experiment.judged=3", "experiment.arms=[zero-shot,fixed]"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six items, three draws and two arms; of the first item all draws are right, of the others none."""
    folder = tmp_path_factory.mktemp("runs")
    assert main(["run", *PTRUE, *FEW, f"runs={folder}"]) == 0
    (path,) = (folder / "pTrue").iterdir()
    table = Table.load(path / "outcomes.parquet")
    items = sorted(set(table.columns["item"]))
    table.columns["correct"][:] = [float(item == items[0]) for item in table.columns["item"]]
    table.columns["p"][:] = 0.5
    table.columns["p"][-1] = float("nan")
    table.save(path / "outcomes.parquet")
    return path


def items(run: Path, **settings: Any) -> list[Item]:
    return RunTask(run=str(run), **settings).load()


def original() -> dict[str, Item]:
    return {item.id: item for item in Facts(name="facts").load()}


def test_every_row_is_an_item_with_the_fields_gold_grader_and_cluster_of_the_one_behind_it(run: Path) -> None:
    made = items(run, fields={"said": "answer", "drawn": "draw", "right": "correct"})
    table, facts = Table.load(run / "outcomes.parquet"), original()
    assert len(made) == len(table) == 6 * 3 * 2
    assert len({item.id for item in made}) == 36  # equal draws are items of their own
    for item, answer, first in zip(made, table.columns["answer"], table.columns["item"], strict=True):
        before = facts[first]
        assert item.fields["said"] == answer
        assert item.fields["run_item"] == first
        assert {name: item.fields[name] for name in before.fields} == before.fields
        assert (item.gold, item.grader, item.group) == (before.gold, before.grader, before.cluster)
        assert item.form == before.form
        assert item.grade("Atlantis") == before.grade("Atlantis")
    assert [item.fields["run_row"] for item in made[:6]] == ["0", "1", "2", "3", "4", "5"]
    assert [type(made[0].fields[name]) for name in ("said", "drawn", "right")] == [str, int, bool]


def test_rows_are_selected_by_text_truth_and_number_and_by_fields_of_the_items(run: Path) -> None:
    first = original()[sorted(original())[0]]
    assert len(items(run, where={"arm": "fixed"})) == 18
    assert len(items(run, where={"arm": "fixed", "draw": 0})) == 6
    assert len(items(run, where={"correct": True})) == 6
    assert len(items(run, where={"correct": "true", "draw": "2"})) == 2
    chosen = items(run, where={"question": first.fields["question"], "draw": 1})
    assert {item.fields["question"] for item in chosen} == {first.fields["question"]}
    # The same row is the same item, whatever is selected besides.
    assert {item.id for item in chosen} <= {item.id for item in items(run)}


def test_a_row_without_a_value_that_is_to_be_a_field_is_left_out(run: Path) -> None:
    assert len(items(run, fields={"p": "p"})) == 35


def test_gold_and_grader_may_be_others(run: Path) -> None:
    (item, *_) = items(run, gold="draw", grader="number")
    assert item.grader is number
    assert item.grade("0").correct
    assert not item.grade("1").correct
    with pytest.raises(HarnessError, match=r"grader 'nubmer' is none of short_answer"):
        items(run, grader="nubmer")


def test_a_limit_is_the_most_that_is_taken(run: Path) -> None:
    task = RunTask(run=str(run), where={"correct": True})
    assert len(split(task, 4, 0).test) == 4
    assert len(split(task, 100, 0).test) == 6
    # Rows of one country never are test and training items.
    with pytest.raises(HarnessError, match="none of the items can be for training"):
        split(task, 4, 1)


def test_a_run_of_a_run_keeps_the_first_item(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["experiment=secondOpinion", f"task.run={run}", "experiment.arms=[zero-shot]", *FEW[1:], "limit=null"]
    assert main(["run", *words, f"runs={tmp_path}"]) == 0
    (path,) = (tmp_path / "secondOpinion").iterdir()
    again = items(path, fields={"p": "p"})
    first = {(item.fields["run_item"], item.fields["run_row"] + ".0", item.grader) for item in items(run)}
    assert {(item.fields["run_item"], item.fields["run_row"], item.grader) for item in again} <= first
    assert len({item.id for item in again}) == len(again) == 36
    # Its rows are paired with those of the first run by what that one asked about.
    assert set(load_run(path).table.columns["item"]) == set(load_run(run).table.columns["item"])
    assert not set(Table.load(path / "outcomes.parquet").columns["item"]) & set(load_run(run).table.columns["item"])
    table = load_run(run).table
    assert by_first_item(load_record(run), table) is table
    # Two judges of the same answers are compared on the six questions, whose transcripts are not set side by side.
    assert main(["run", *words, f"runs={tmp_path / 'other'}", "model.name=other", "seed=1"]) == 0
    (other,) = (tmp_path / "other/secondOpinion").iterdir()
    capsys.readouterr()
    page = tmp_path / "page.html"
    assert main(["compare", str(path), str(other), "--metric", "accuracy", "--html", str(page)]) == 0
    told = capsys.readouterr().out
    assert "all: 36 pairs, 6 items, 6 groups" in told
    assert "accuracy (zero-shot): 6 groups are too few for a verdict" in told


def test_wrong_names_are_told_with_the_nearest_one(run: Path) -> None:
    for settings, told in (
        ({"fields": {"a": "anser"}}, r"task.fields.a: .* has no column or field 'anser', did you mean 'answer'"),
        ({"where": {"arn": "fixed"}}, r"task.where.arn: .*, did you mean 'arm'"),
        ({"gold": "godl"}, r"task.gold: .* has no column or field 'godl'"),
        ({"where": {"correct": "yes"}}, r"task.where.correct=yes: the column is a label, which is never 'yes'"),
        ({"where": {"arm": True}}, r"task.where.arm=True: the column is a text"),
        ({"where": {"draw": False}}, r"task.where.draw=False: the column is a number"),
        ({"where": {"arm": "few-shot"}}, r"no row of .* is left \(36 are not those of task.where\)"),
    ):
        with pytest.raises(HarnessError, match=told):
            items(run, **settings)


def changed(run: Path, to: Path, name: str, text: str | None) -> Path:
    """A copy of a run with one file written anew, or missing."""
    to.mkdir()
    for file in ("manifest.json", "outcomes.parquet", "calls.jsonl"):
        (to / file).write_bytes((run / file).read_bytes())
    if text is None:
        (to / name).unlink()
    else:
        (to / name).write_text(text)
    return to


def test_a_folder_that_is_no_finished_run_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="is no run directory: there is no such folder"):
        items(tmp_path / "none")
    with pytest.raises(HarnessError, match=r"is no run directory: there is no manifest.json in it"):
        items(tmp_path)
    manifest = json.loads((run / "manifest.json").read_text())
    for n, (name, text, told) in enumerate(
        (
            (
                "manifest.json",
                json.dumps({**manifest, "status": "interrupted"}),
                "this run is interrupted, not finished",
            ),
            ("manifest.json", "{", "manifest.json is damaged"),
            ("outcomes.parquet", None, "outcomes.parquet cannot be read"),
            ("outcomes.parquet", "x", "outcomes.parquet cannot be read"),
            ("calls.jsonl", None, "calls.jsonl cannot be read"),
            ("calls.jsonl", "{\n", "calls.jsonl, line 1: damaged"),
            ("calls.jsonl", "{}\n", "calls.jsonl, line 1: damaged"),
            ("calls.jsonl", "", "calls.jsonl lacks item"),
        )
    ):
        with pytest.raises(HarnessError, match=told):
            items(changed(run, tmp_path / str(n), name, text))


def test_a_run_that_does_not_name_its_grader_needs_one(run: Path, tmp_path: Path) -> None:
    def without(line: Mapping[str, Any]) -> str:
        return json.dumps({**line, "grader": None})

    lines = [without(json.loads(line)) for line in (run / "calls.jsonl").read_text().splitlines()]
    old = changed(run, tmp_path / "old", "calls.jsonl", "\n".join(lines) + "\n")
    with pytest.raises(HarnessError, match="does not name the grader of its items"):
        items(old)
    assert items(old, grader="short_answer")[0].grader is short_answer


def test_an_item_keeps_the_room_for_its_answer(run: Path, tmp_path: Path) -> None:
    def roomy(line: dict[str, Any]) -> str:
        return json.dumps(line | {"form": {"max_tokens": 512, "stop": ["\nQuestion:"]}})

    lines = [roomy(json.loads(line)) for line in (run / "calls.jsonl").read_text().splitlines()]
    longer = changed(run, tmp_path / "longer", "calls.jsonl", "\n".join(lines) + "\n")
    assert {item.form for item in items(longer)} == {SOLUTION}
    for n, form in enumerate(("many", {"max_tokens": "x", "stop": []}, {"stop": []})):
        lines = [json.dumps(json.loads(line) | {"form": form}) for line in lines]
        with pytest.raises(HarnessError, match=r"calls.jsonl, (item|line) \w+: damaged"):
            items(changed(run, tmp_path / str(n), "calls.jsonl", "\n".join(lines) + "\n"))


def test_a_second_opinion_finds_the_same_answers_right_as_the_run_that_they_are_of(run: Path, tmp_path: Path) -> None:
    """Answers that were cut are wrong in both, whatever they seem to say."""
    first, facts = tmp_path / "first", original()
    shutil.copytree(run, first)
    was = Table.load(first / "outcomes.parquet")
    for i, item in enumerate(was.columns["item"]):
        # All answers are right ones, and every third was cut.
        was.columns["answer"][i] = facts[item].gold[0]
        was.columns["fate"][i] = "answered" if i % 3 else "cut"
        was.columns["correct"][i] = bool(i % 3)
    was.save(first / "outcomes.parquet")
    words = ["experiment=secondOpinion", f"task.run={first}", "experiment.arms=[zero-shot]", *FEW[1:], "limit=null"]
    assert main(["run", *words, f"runs={tmp_path}"]) == 0
    (second,) = (tmp_path / "secondOpinion").iterdir()
    now = Table.load(second / "outcomes.parquet")
    assert Counter(now.columns["fate"]) == Counter(was.columns["fate"]) == {"answered": 24, "cut": 12}
    (accuracy,) = (e for e in load_record(second).estimates if e.metric == "accuracy")
    assert (accuracy.value, accuracy.n) == (was.columns["correct"].mean(), 36)


def test_a_grader_has_a_name_where_it_is_a_function_of_a_module() -> None:
    assert grader_name(short_answer) == "harness.tasks.graders.short_answer"
    assert grader_name(lambda text, item: Grade(text, True)) is None
