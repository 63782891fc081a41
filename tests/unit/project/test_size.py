"""The size script counts what a person has to read."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

SOURCE = '''"""A docstring
of two lines."""

from a import (
    b,
    c,
)

X = 1  # a comment beside code


class A:
    """Another."""

    text = """three
    lines
    of code"""

    def f(self) -> int:
        """One more."""
        # a comment
        import d

        return d.g(
            X
        )
'''


def size(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/size.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_lines_of_code_are_those_without_blanks_comments_docstrings_and_imports(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r}); import size; print(size.lines_of_code({SOURCE!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # X, class, three of text, def, three of return
    assert done.stdout.strip() == "9"


def test_every_experiment_is_in_the_table() -> None:
    done = size()
    shown = done.stdout.splitlines()
    table = shown[1 : shown.index("")]
    assert {line.split()[0] for line in table} == {path.stem for path in (ROOT / "conf/experiment").glob("*.yaml")}
    assert all(line.split()[1].isdigit() for line in table)
    beyond = any("beyond" in line for line in shown)
    assert done.returncode == 0
    assert size("--strict").returncode == int(beyond)
