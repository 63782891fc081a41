"""Reads the command line, `python -m harness run experiment=pTrue`, and starts the command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from harness.cli.arguments import GREETING, read
from harness.cli.compare import compare_command
from harness.cli.crash import report_crash
from harness.cli.engines import engines_command
from harness.cli.export import export_command
from harness.cli.figures import figures_command
from harness.cli.imports import import_command
from harness.cli.methods import cite_command, methods_command
from harness.cli.new import new_command
from harness.cli.report import report_command
from harness.cli.rescore import rescore_command
from harness.cli.store import store_command
from harness.cli.sweep import is_multirun, multirun, sweep_command
from harness.cli.table import table_command
from harness.cli.wandb import wandb_command
from harness.console import log, safe_stdout
from harness.errors import BaseHarnessError
from harness.places.folders import see_working_directory
from harness.processes import signals
from harness.processes.streams import lost

FLAGGED = {
    "cite": cite_command,
    "compare": compare_command,
    "engines": engines_command,
    "export": export_command,
    "figures": figures_command,
    "import": import_command,
    "methods": methods_command,
    "new": new_command,
    "report": report_command,
    "rescore": rescore_command,
    "store": store_command,
    "sweep": sweep_command,
    "table": table_command,
    "wandb": wandb_command,
}
"""Commands with flags of their own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit code: 0; 1 when a run failed; 2 for bad input; 70 after an unexpected error; 128 and the signal's
        number after one that ends the process, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    with signals.listening():
        try:
            code = _command(words)
            if words[:1] != ["run"] and (error := lost()) is not None:
                log(f"stdout cannot be written: {error.strerror}; what was printed is not complete")
                return code or 2
            return code
        except BaseHarnessError as error:
            log(str(error))
            return 2
        except KeyboardInterrupt:
            log(f"interrupted ({signals.name()}); what was answered is kept, the same command goes on from there")
            return signals.exit_code()
        except Exception as error:
            return report_crash(error)


def _command(words: Sequence[str]) -> int:
    options = read(words)
    see_working_directory()
    with safe_stdout():
        return FLAGGED.get(options.command, _dispatch)(options)


def _dispatch(options: argparse.Namespace) -> int:
    if options.command == "greet":
        print(GREETING)
        return 0
    if options.command == "list":
        from harness.cli.listing import print_list

        return print_list(options.what, options.config_dir)
    if options.command == "completion":
        from harness.cli.completion import print_completion

        return print_completion(options.shell, options.config_dir)
    if options.command == "show":
        from harness.cli.show import show

        return show(options.name, options.overrides, options.config_dir, tokens=options.tokens)
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    """`run` and `validate`, which take the same overrides."""
    if options.hydra_help or options.info or options.cfg or options.package:
        from harness.cli.hydra_flags import print_asked

        return print_asked(options)
    if options.command == "run" and is_multirun(options):
        return multirun(options)
    studies = [word.partition("=")[2] for word in options.overrides if word.partition("=")[0] == "study"]
    if options.command == "run" and studies:
        from harness.cli.study import run_study

        others = [word for word in options.overrides if word.partition("=")[0] != "study"]
        return run_study(studies[-1], others, options.config_dir, verbose=options.verbose)
    from harness.config import load_job

    job = load_job(options.overrides, options.config_dir)
    if options.command == "validate":
        from harness.cli.validate import validate

        return validate(job)
    from harness.execution.execute import execute
    from harness.execution.summary import print_summary

    session = execute(job)
    print_summary(session, verbose=options.verbose)
    return session.code
