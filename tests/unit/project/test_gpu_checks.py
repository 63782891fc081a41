"""The checks for a GPU machine: one part that goes wrong is reported and takes no other with it."""

import time
from pathlib import Path

from scripts.gpu_checks import ENGINE, ROOT, Part, parts, run, table


def test_parts_end_in_the_way_they_ended(tmp_path: Path) -> None:
    model = tmp_path / "model"

    def ended(code: str, *, limit: int = 60, needs: tuple[str, ...] = (), seconds: float = 60) -> tuple[str, str]:
        result = run(Part("a part, of two words", ("-c", code), limit, needs), seconds, model, tmp_path)
        return result.state, result.tail[-1] if result.tail else ""

    assert ended("print(1); print('well')") == ("passed", "well")
    assert ended("import sys; print('broken', file=sys.stderr); sys.exit(3)") == ("failed", "broken")
    assert ended("import os; print(os.environ['HARNESS_TEST_MODEL'])") == ("passed", str(model))
    assert ended("import harness.errors; print(harness.errors.__name__)") == ("passed", "harness.errors")
    assert ended("", needs=("no_such_module", "json")) == ("not run", "lacks no_such_module")
    assert ended("", seconds=5) == ("not run", "no time is left")
    assert (tmp_path / "a-part-of-two-words.log").is_file()


def test_a_part_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    child = f"import time; time.sleep(4); open({str(mark)!r}, 'w')"
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    begin = time.monotonic()
    result = run(Part("hangs", ("-c", code), 2, ()), 60, tmp_path, tmp_path)
    assert result.state == "too slow"
    assert time.monotonic() - begin < 30
    time.sleep(max(0.0, begin + 7 - time.monotonic()))
    assert not mark.exists()


def test_every_part_has_a_name_of_its_own_a_script_that_is_there_and_fits_the_time(tmp_path: Path) -> None:
    listed = parts(tmp_path / "model", tmp_path, tiny=False)
    assert len({part.name for part in listed}) == len(listed)
    assert all(set(ENGINE) <= set(part.needs) for part in listed[1:])
    assert all(part.limit < 420 for part in listed)
    for part in listed:
        files = [ROOT / word for word in part.command if word.endswith(".py")]
        assert all(file.is_file() for file in files), part
    text = table([run(Part("one", ("-c", "print('x' * 1000)"), 60, ()), 60, tmp_path, tmp_path)])
    assert text.splitlines()[0].split() == ["passed", text.split()[1], "s", "one"]
    assert max(map(len, text.splitlines())) < 320
