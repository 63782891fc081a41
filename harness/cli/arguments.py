"""The words that the commands take: the parser, and Hydra's flags, which may stand between overrides."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from harness.cli.compare import add_compare
from harness.cli.engines import add_engines
from harness.cli.export import add_export
from harness.cli.figures import add_figures
from harness.cli.imports import add_import
from harness.cli.methods import add_methods
from harness.cli.new import add_new
from harness.cli.report import add_report
from harness.cli.rescore import add_rescore
from harness.cli.store import add_store
from harness.cli.sweep import add_multirun, add_sweep
from harness.cli.table import add_table
from harness.cli.wandb import add_wandb
from harness.console import visible
from harness.errors import HarnessError, closest, nearest
from harness.files import user_path
from harness.places.folders import config_files
from harness.redaction import struck

EPILOG = """examples:
  python -m harness run experiment=pTrue
  python -m harness run experiment=selfCorrection task=arithmetic model=Qwen/Qwen3-0.6B seed=1
  python -m harness run study=tour
  python -m harness run -m experiment=pTrue,falseBelief seed=0,1,2 hydra/launcher=slurm hydra.launcher.partition=gpu
  python -m harness sweep status runs/sweeps/NAME
  python -m harness report runs/pTrue
  python -m harness list experiments
  python -m harness show pTrue
  python -m harness validate experiment=falseBelief limit=20
  python -m harness new experiment stubborn
  python -m harness engines experiment=pTrue limit=20 --first engine=vllm --second engine=transformers
  python -m harness compare runs/pTrue/*
  python -m harness rescore runs/pTrue/NAME --dry-run
  python -m harness table runs/pTrue --rows model --columns arm --metric auroc --format latex
  python -m harness export runs/pTrue/NAME --format inspect
  python -m harness import samples_gsm8k_2026-11-28T12-22-06.833586.jsonl --like runs/selfCorrection/NAME
  python -m harness store
  python -m harness wandb sync runs/pTrue
"""

GREETING = """Replicates self-evaluation experiments on language models. To begin:
  python -m harness list experiments      what can be run
  python -m harness show pTrue            what one asks, to the token
  python -m harness run experiment=pTrue  a run with its report
  python -m harness --help                all commands"""

OVERRIDDEN = ("run", "validate", "show", "list", "rescore")
"""Commands that take overrides or names, with flags anywhere between them."""

CONFIGS = ("job", "all", "hydra")
INFOS = ("all", "config", "defaults", "defaults-tree", "searchpath")

_SHORT = {"-c": "--cfg", "-p": "--package", "-cd": "--config-dir", "-i": "--info"}
"""Hydra's short names of flags."""

_VALUES: dict[str, tuple[str, ...] | None] = {
    "--config-dir": None,
    "--package": None,
    "--cfg": CONFIGS,
    "--info": INFOS,
}
"""Flags with a value: any, or one of some names, without which the flag stands alone."""

_REFUSED = {
    ("--config-name", "-cn"): "a run's config is always conf/config.yaml; write your settings into a file "
    "FOLDER/experiment/NAME.yaml and add --config-dir FOLDER experiment=NAME",
    ("--config-path", "-cp"): "write --config-dir FOLDER, in which experiment/, task/, ... are looked for before ours",
    ("--shell-completion", "-sc"): "write python -m harness completion bash, or zsh",
    ("--experimental-rerun",): "the same command goes on with a run; manifest.json in its folder holds its settings",
}
"""Flags of Hydra's that the harness does not have."""


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
    top.add_argument("--version", action="version", version=f"self-evaluation-harness {version()}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    helps = {
        "run": "run an experiment to its report",
        "validate": "compose, load 8 items, ask the model, print the tokens; write nothing",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text)
        _add_config_flags(command)
        if name == "run":
            command.add_argument("--verbose", action="store_true", help="print every number at the end")
            add_multirun(command)
        command.add_argument("overrides", nargs="*", metavar="key=value", help="Hydra overrides: seed=1 task=gsm8k")
    text = "list experiments, tasks, models, studies, metrics and others by kind or pattern"
    listing = commands.add_parser("list", help=text, description=text)
    listing.add_argument("what", nargs="*", metavar="WHAT", help="tasks, metrics, ...; or a pattern: 'self*'")
    listing.add_argument("--config-dir", type=user_path, help="a further folder of config groups")
    text = "what something that `list` lists is; of an experiment one real item with its prompts, too"
    show = commands.add_parser("show", help=text, description=text)
    show.add_argument("name", help="an experiment, task, model, engine, metric, ...: see `list`")
    show.add_argument(
        "overrides", nargs="*", default=[], metavar="key=value", help="Hydra overrides, e.g. model=ORG/NAME"
    )
    show.add_argument("--config-dir", type=user_path, help="a further folder of config groups")
    show.add_argument("--tokens", action="store_true", help="every prompt in full, with its tokens one by one")
    text = "print a script that completes names and keys of the command `harness` in a shell"
    completion = commands.add_parser("completion", help=text, description=text)
    completion.add_argument("shell", choices=("bash", "zsh"))
    completion.add_argument("--config-dir", type=user_path, help="a further folder of config groups")
    for add in (add_new, add_engines, add_report, add_store, add_sweep, add_rescore, add_compare, add_wandb):
        add(commands)
    for add in (add_table, add_figures, add_methods, add_export, add_import):
        add(commands)
    return top


def _add_config_flags(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config-dir", "-cd", type=user_path, help="a further folder with experiment/, task/, ...")
    text = "print all settings, defaults spelled out, and stop; or hydra's own, or both"
    command.add_argument("--cfg", "-c", nargs="?", const="job", choices=CONFIGS, help=text)
    command.add_argument("--package", "-p", metavar="KEY", help="of --cfg: this part only, as experiment or task")
    command.add_argument("--resolve", action="store_true", help="of --cfg, which resolves values anyway")
    text = "print where config files are looked for, or which are taken, and stop"
    command.add_argument("--info", "-i", nargs="?", const="all", choices=INFOS, help=text)
    command.add_argument("--hydra-help", action="store_true", help="which flags and settings of Hydra's there are")


def version() -> str:
    """The installed version of the harness."""
    try:
        return metadata.version("self-evaluation-harness")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def read(words: Sequence[str]) -> argparse.Namespace:
    """Parses the command line.

    Raises:
        HarnessError: a word that is no flag, or one of Hydra's that the harness does not have.
        SystemExit: help or the version was asked for, and printed; or argparse refuses a word.
    """
    if not words:
        return argparse.Namespace(command="greet")
    if words[0] == "help":
        words = [*words[1:2], "--help"]
    if words[0] in OVERRIDDEN:
        words = flags_first(words)
    top = parser()
    if words[0] not in {*commands_of(top), *top._option_string_actions}:
        raise HarnessError(_no_command(words[0], list(commands_of(top))))
    return top.parse_args(words)


def _no_command(word: str, commands: Sequence[str]) -> str:
    """The message about a first word that is no command."""
    if word.startswith("-") or "=" in word:
        return f"{word}: a command comes first, as in python -m harness run {word.lstrip('-')}"
    meant = closest(word, [*commands, *config_files("experiment", None)])
    if meant is not None and meant not in commands:
        return f"there is no command {word!r}, did you mean python -m harness run experiment={meant}?"
    return f"there is no command {word!r}{nearest(word, commands)}"


def flags_first(words: Sequence[str]) -> list[str]:
    """A command's words with its flags before its overrides, which argparse cannot take in any order.

    Raises:
        HarnessError: as `read`.
    """
    command, rest = words[0], list(words[1:])
    known = {name for name in _flags(command) if name.startswith("-")}
    flags: list[str] = []
    others: list[str] = []
    while rest:
        word = rest.pop(0)
        name, sign, value = word.partition("=")
        name = _SHORT.get(name, name)
        if word == "--":
            others += rest
            break
        if not word.startswith("-") or word == "-":
            others.append(word)
            continue
        for names, why in _REFUSED.items():
            if name in names:
                raise HarnessError(f"{word}: the harness does not have this flag of Hydra's; {why}")
        if name not in known:
            if not sign and name.startswith("--") and rest and "=" not in rest[0] and closest(name, known) is None:
                sign, value = "=", rest[0]
            if sign:
                raise HarnessError(f"write {name.lstrip('-')}={value}, without the dashes")
            raise HarnessError(f"{word}: {command} has no such flag{nearest(word, sorted(known))}")
        choices = _VALUES.get(name, ())
        if not sign and rest and (choices is None or rest[0] in choices):
            sign, value = "=", rest.pop(0)
        flags.append(f"{name}{sign}{value}")
    return [command, *flags, "--", *others]


def commands_of(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the commands, by name."""
    return dict(next(a for a in top._actions if isinstance(a, argparse._SubParsersAction)).choices)


def _flags(command: str) -> list[str]:
    """The flags of a command, short and long."""
    return list(commands_of(parser())[command]._option_string_actions)
