"""Reads the command line, `python -m harness run experiment=pTrue`, and starts the command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.cli.compare import add_compare, compare_command
from harness.cli.engines import add_engines, engines_command
from harness.cli.report import add_report, report_command
from harness.cli.rescore import add_rescore, rescore_command
from harness.cli.store import add_store, store_command
from harness.cli.sweep import add_multirun, add_sweep, is_multirun, multirun, sweep_command
from harness.cli.wandb import add_wandb, wandb_command
from harness.console import log, safe_stdout, visible
from harness.errors import BaseHarnessError, HarnessError
from harness.redaction import struck

EPILOG = """examples:
  python -m harness run experiment=pTrue
  python -m harness run experiment=selfCorrection task=arithmetic model=hub model.source=Qwen/Qwen3-0.6B seed=1
  python -m harness run study=tour
  python -m harness run -m experiment=pTrue,falseBelief seed=0,1,2 hydra/launcher=slurm hydra.launcher.partition=gpu
  python -m harness sweep status runs/sweeps/NAME
  python -m harness report runs/pTrue
  python -m harness list experiments
  python -m harness show pTrue
  python -m harness validate experiment=falseBelief limit=20
  python -m harness engines experiment=pTrue limit=20 --first engine=vllm --second engine=transformers
  python -m harness compare runs/pTrue/*
  python -m harness rescore runs/pTrue/NAME --dry-run
  python -m harness store
  python -m harness wandb sync runs/pTrue
"""

FLAGGED = {
    "compare": compare_command,
    "engines": engines_command,
    "report": report_command,
    "rescore": rescore_command,
    "store": store_command,
    "sweep": sweep_command,
    "wandb": wandb_command,
}
"""Commands with flags that take values, which may be written with "="."""


class Parser(argparse.ArgumentParser):
    """A parser whose messages quote what was typed safely."""

    def _print_message(self, message: str, file: Any = None) -> None:
        super()._print_message(visible(struck(message)), file)


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top: argparse.ArgumentParser = Parser(
        prog="python -m harness",
        description="Replicates self-evaluation experiments on language models.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    helps = {
        "run": "run an experiment to its report",
        "validate": "compose, load 8 items, ask the model, print the tokens; write nothing",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--config-dir", type=Path, help="a further folder with experiment/, task/, ...")
        command.add_argument("--cfg", action="store_true", help="print all settings, defaults spelled out, and stop")
        if name == "run":
            command.add_argument("--verbose", action="store_true", help="print every number at the end")
            add_multirun(command)
        command.add_argument("overrides", nargs="*", metavar="key=value", help="Hydra overrides: seed=1 task=gsm8k")
    listing = commands.add_parser("list", help="list experiments, tasks, models, studies and metrics")
    listing.add_argument("what", nargs="?", choices=("experiments", "tasks", "models", "engines", "studies", "metrics"))
    show = commands.add_parser("show", help="what an experiment measures, one real item, its exact prompt tokens")
    show.add_argument("name", help="an experiment, task or metric, see `list`")
    show.add_argument("overrides", nargs="*", metavar="key=value", help="Hydra overrides, e.g. model=hub")
    show.add_argument("--config-dir", type=Path, help="a further folder of config groups")
    add_engines(commands)
    add_report(commands)
    add_store(commands)
    add_sweep(commands)
    add_rescore(commands)
    add_compare(commands)
    add_wandb(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit code: 0; 1 when a run failed; 2 for bad input; 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        for word in words:
            setting = word.startswith("--") and "=" in word and not word.startswith("--config-dir")
            if setting and words[0] not in FLAGGED:
                raise HarnessError(f"write {word.lstrip('-')}, without the dashes")
        options = parser().parse_args(words)
        command = FLAGGED.get(options.command, _dispatch)
        with safe_stdout():
            return command(options)
    except BaseHarnessError as error:
        log(str(error))
        return 2
    except KeyboardInterrupt:
        log("interrupted; what was answered is kept, the same command goes on from there")
        return 130


def _dispatch(options: argparse.Namespace) -> int:
    if options.command == "list":
        from harness.cli.listing import print_list

        return print_list(options.what)
    if options.command == "show":
        from harness.cli.show import show

        return show(options.name, options.overrides, options.config_dir)
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    """`run` and `validate`, which take the same overrides."""
    if options.command == "run" and is_multirun(options):
        return multirun(options)
    if options.cfg:
        from omegaconf import OmegaConf

        from harness.config import load_job
        from harness.redaction import without_secrets

        config = without_secrets(load_job(options.overrides, options.config_dir).config)
        print(OmegaConf.to_yaml(OmegaConf.create(config)), end="")
        return 0
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
