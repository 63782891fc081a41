"""The pages that a new user follows work to the letter, one command after the other, in one folder."""

import glob
import json
import re
import shlex
from pathlib import Path

import pytest

from harness.cli.main import main

ROOT = Path(__file__).parents[3]
FIRST = "run experiment=pTrue"
"""The command that scripts/demo ends with."""
DRY = ["engine=fake", "tracker=none", "replicates=20", "max_failed=1"]
"""Stands in for a model; its runs lie in runs/dry."""
GSM8K = [{"question": f"What is {i} plus {i}?", "answer": f"It is twice {i}.\n#### {2 * i}"} for i in range(30)]


def commands(page: str) -> list[str]:
    """The commands of a page's blocks, in order, without comments; scripts/demo is its last command."""
    text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    words = [f"python -m harness {FIRST}" if line == "scripts/demo" else line for line in lines]
    return [line.partition("#")[0].removeprefix("python -m harness ").strip() for line in words if "-m harness" in line]


def with_stars(words: list[str]) -> list[str]:
    """As a shell hands them over."""
    return [match for word in words for match in (sorted(glob.glob(word)) or [word])]


def run_all(page: str, folder: Path, smaller: bool) -> list[tuple[str, int]]:
    """Every command of a page with its exit code, on the dry-run engine."""
    (folder / "mine.jsonl").write_text(
        "".join(json.dumps({"question": f"What is {i}?", "answer": str(i)}) + "\n" for i in range(60))
    )
    (folder / "gsm8k.jsonl").write_text("".join(json.dumps(item) + "\n" for item in GSM8K))
    done = []
    for command in commands(page):
        named = sorted(path.name for path in folder.glob("runs/dry/pTrue/*-s0-*"))
        here = command.replace("NAME", named[0] if named else "").replace("runs/pTrue", "runs/dry/pTrue")
        words = with_stars(shlex.split(here))
        if words[0] in ("run", "validate"):
            words += [
                *DRY,
                *(["limit=4"] if smaller else []),
                *(["task.path=gsm8k.jsonl"] if "gsm8k" in command else []),
            ]
            words = [word for word in words if not word.startswith("model=")]  # there is no hub
        if words[0] == "compare":
            words += ["--replicates", "50"]
        if words[0] not in ("show", "engines"):  # these load a tokenizer or two engines, and have tests of their own
            done.append((command, main(words)))
    return done


def test_the_readme_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_all("README.md", tmp_path, smaller=True)
    assert len(done) >= 8
    assert [(command, code) for command, code in done if code] == [], capsys.readouterr().err[-2000:]


def test_the_first_ten_minutes_do_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_all("docs/first-ten-minutes.md", tmp_path, smaller=False)
    out, err = capsys.readouterr()
    assert len(done) >= 6
    assert [(command, code) for command, code in done if code] == [], err[-2000:]
    asked = [(int(a), int(b)) for a, b in re.findall(r"(\d+) calls asked, (\d+) from the store", out)]
    # Minute 6: more items ask for less than they did at first, since most of it is kept.
    assert asked[1][0] < asked[0][0]
    assert asked[1][1] > asked[1][0]
    # Minute 9: the two seeds are compared; the file's run and the longer one are in nobody's way.
    assert re.findall(r"\n(seed .* against .*)\n", out) == ["seed 1 limit 120 against seed 0 limit 120"]
    assert "left out: pTrue on table" in err
