"""`export RUN` writes a run as a log that Inspect's viewer reads, or puts runs into a data set of the hub (`--to`)."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.console import counted
from harness.errors import HarnessError
from harness.files import user_path


def add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags to the parser."""
    text = "write a run as an Inspect log, or put runs into a data set of the Hugging Face hub (docs/interop.md)"
    command = commands.add_parser("export", help=text, description=text)
    command.add_argument("runs", nargs="+", type=user_path, metavar="RUN", help="a run directory; several with --to")
    command.add_argument("--format", choices=("inspect",), help="the format of another harness, the default")
    output = "a file NAME.eval or NAME.json; default inspect.eval in the run directory"
    command.add_argument("--output", type=user_path, metavar="FILE", help=output)
    to = "a data set repository, hf://datasets/ORG/NAME; it is made, private, where there is none"
    command.add_argument("--to", metavar="ADDRESS", help=to)
    command.add_argument("--public", action="store_true", help="with --to: everybody may see the repository")


def export_command(options: argparse.Namespace) -> int:
    """Writes the log, or sends the runs.

    Returns:
        The exit code 0.

    Raises:
        HarnessError: a run cannot be read, the file cannot be written, or the hub refuses.
    """
    if options.to is not None:
        return _to_hub(options)
    if options.public:
        raise HarnessError("--public is for --to hf://datasets/ORG/NAME")
    if len(options.runs) > 1:
        raise HarnessError(f"a log holds one run, and {len(options.runs)} are named; name one")
    return _to_inspect(options.runs[0], options.output)


def _to_inspect(run: Path, output: Path | None) -> int:
    from harness.interop.inspect_files import write_inspect

    output = output or run / "inspect.eval"
    if output.suffix not in (".eval", ".json") or output.is_dir():
        raise HarnessError(f"--output {output}: Inspect reads files NAME.eval and NAME.json; give such a name")
    samples = write_inspect(run, output)
    print(f"log: {output} ({counted(samples, 'sample')})\nlook at it with: inspect view --log-dir {output.parent}")
    return 0


def _to_hub(options: argparse.Namespace) -> int:
    from harness.interop.hub import push, repository

    if options.output is not None or options.format is not None:
        raise HarnessError("--to sends a run as it is; leave --format and --output out")
    pushed = push(options.runs, repository(options.to), public=options.public)
    seen = "private" if pushed.private else "public"
    print(f"data set: {pushed.url} ({seen}, {counted(pushed.files, 'file')})")
    return 0
