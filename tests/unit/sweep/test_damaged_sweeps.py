"""Sweep folders that are torn, cut or changed by hand are one line each, for every action on them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.errors import HarnessError
from harness.sweep.folder import Cell, Pack, Status, Sweep, enter, read_sweep

Change = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sweep of two cells, of which the first was run."""
    words = ("experiment=small", "engine=fake", "tracker=none")
    cells = tuple(Cell(i, (*words, f"seed={i}"), (f"seed={i}",), "small", f"runs/small/{i}", f"d{i}") for i in (0, 1))
    launcher = {"_target_": "harness.sweep.launch.local.Local"}
    sweep = Sweep(tmp_path / "sweep", "small", tmp_path, None, launcher, cells, (Pack((0, 1), 0, 0),))
    sweep.create()
    sweep.write(0, Status("done", done=4, total=4, seconds={"ask": 0.5}))
    return sweep.folder


def test_a_whole_one_is_read_as_it_was_written(folder: Path) -> None:
    sweep = read_sweep(folder)
    assert [(cell.index, cell.label, cell.overrides[-1]) for cell in sweep.cells] == [
        (0, "seed=0", "seed=0"),
        (1, "seed=1", "seed=1"),
    ]
    assert sweep.packs == (Pack((0, 1), 0, 0),)
    assert (sweep.status(0).seconds, sweep.status(1)) == ({"ask": 0.5}, Status())


def plan(**values: Any) -> Change:
    def change(folder: Path) -> None:
        file = folder / "sweep.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return change


def cell(**values: Any) -> Change:
    def change(folder: Path) -> None:
        file = folder / "sweep.json"
        content = json.loads(file.read_text())
        content["cells"][0] |= values
        file.write_text(json.dumps(content))

    return change


def state(**values: Any) -> Change:
    def change(folder: Path) -> None:
        file = folder / "cells/0000.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return change


def written(name: str, content: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).write_text(content)

    return change


def twice(folder: Path) -> None:
    file = folder / "sweep.json"
    file.write_text(file.read_text().replace('"version": 2', '"version": 1, "version": 2', 1))


def first_cell_twice(folder: Path) -> None:
    first = json.loads((folder / "sweep.json").read_text())["cells"][0]
    plan(cells=[first, first])(folder)


CASES: dict[str, tuple[Change, str]] = {
    "torn": (written("sweep.json", "{"), "sweep.json is damaged"),
    "a key twice": (twice, "the key 'version' stands twice"),
    "no cells": (plan(cells=[]), "plan.cells=[]: a list of 1 or more is needed"),
    "cells are a number": (plan(cells=3), "plan.cells=3: a list is needed"),
    "a cell twice": (first_cell_twice, "cell 1 has the index 0"),
    "no packs": (plan(packs=5), "plan.packs=5: a list is needed"),
    "a pack of a text": (plan(packs=[["ab", 0, 0]]), "plan.packs[0][0]=ab: a list is needed"),
    "a pack of another cell": (plan(packs=[[[0, 7], 0, 0]]), "a pack has the cell 7"),
    "a pack of cell -1": (plan(packs=[[[-1], 0, 0]]), "a pack has the cell -1"),
    "no launcher": (plan(launcher={}), "hydra.launcher: no _target_ names the class"),
    "a list of launchers": (plan(launcher=[]), "plan.launcher=[]: a mapping is needed"),
    "any code as launcher": (plan(launcher={"_target_": "os.system"}), "neither of the harness nor of the user's own"),
    "a folder of a number": (plan(cwd=5), "plan.cwd=5: a text is needed"),
    "a name of a number": (plan(name=5), "plan.name=5: a text is needed"),
    "overrides of numbers": (cell(overrides=[1]), "plan.cells[0].overrides[0]=1: a text is needed"),
    "swept numbers": (cell(swept=[1]), "plan.cells[0].swept[0]=1: a text is needed"),
    "a run's folder of a number": (cell(folder=5), "plan.cells[0].folder=5: a text is needed"),
    "an index elsewhere": (cell(index=1), "cell 0 has the index 1"),
    "an index of true": (cell(index=True), "sweep.json is damaged or changed by hand"),
    "a shard of itself": (cell(whole=0), "cell 0 is a shard of 0"),
    "a shard of no cell": (cell(whole=9), "cell 0 is a shard of 9"),
    "a state torn": (written("cells/0000.json", "{"), "0000.json is damaged"),
    "a state of a list": (written("cells/0000.json", "[]"), "0000.json is damaged"),
    "an unknown state": (state(state="zzz"), "state.state=zzz"),
    "a reason of a number": (state(reason=5), "state.reason=5: a text is needed"),
    "items of a text": (state(done="x"), "state.done=x: a whole number is needed"),
    "seconds of a text": (state(seconds={"ask": "x"}), "state.seconds.ask=x: a number is needed"),
    "a state of another version": (state(later=1), "0000.json is damaged or of another version"),
    "a key of a state twice": (written("cells/0000.json", '{"done": 1, "done": 2}'), "the key 'done' stands twice"),
}  # fmt: skip


@pytest.mark.parametrize("action", ["status", "resume", "cancel"])
@pytest.mark.parametrize("name", CASES)
def test_what_was_changed_is_named_in_one_line(
    folder: Path, name: str, action: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    change, message = CASES[name]
    change(folder)
    assert main(["sweep", action, str(folder)]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("harness: ")
    assert message in last


def test_a_working_directory_that_is_gone_is_named(folder: Path) -> None:
    plan(cwd=str(folder / "gone"))(folder)
    with pytest.raises(HarnessError, match="gone, where relative paths of its cells start: No such file or directory"):
        enter(read_sweep(folder))
