"""`export RUN --format inspect` writes a run as a log that Inspect's viewer and its data frames read."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.console import counted
from harness.errors import HarnessError
from harness.files import user_path


def add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags to the parser."""
    text = "write a run as an Inspect log, which `inspect view` opens (docs/interop.md)"
    command = commands.add_parser("export", help=text, description=text)
    command.add_argument("run", type=user_path, metavar="RUN", help="a run directory")
    command.add_argument("--format", choices=("inspect",), default="inspect", help="the format of another harness")
    output = "a file NAME.eval or NAME.json; default inspect.eval in the run directory"
    command.add_argument("--output", type=user_path, metavar="FILE", help=output)


def export_command(options: argparse.Namespace) -> int:
    """Writes the log.

    Returns:
        The exit code 0.

    Raises:
        HarnessError: the run cannot be read, or the file cannot be written.
    """
    from harness.interop.inspect_files import write_inspect

    output: Path = options.output or options.run / "inspect.eval"
    if output.suffix not in (".eval", ".json") or output.is_dir():
        raise HarnessError(f"--output {output}: Inspect reads files NAME.eval and NAME.json; give such a name")
    samples = write_inspect(options.run, output)
    print(f"log: {output} ({counted(samples, 'sample')})\nlook at it with: inspect view --log-dir {output.parent}")
    return 0
