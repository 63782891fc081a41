"""`methods RUN...` writes a paragraph of methods, `cite RUN...` BibTeX of the papers that experiments follow."""

from __future__ import annotations

import argparse
import glob
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from harness.console import visible
from harness.errors import HarnessError, nearest
from harness.places.folders import config_files

if TYPE_CHECKING:
    from harness.experiment import Experiment
    from harness.report.citing import Paper


def add_methods(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds both commands to the parser."""
    text = "a paragraph of methods for one run or several (docs/paper.md)"
    command = commands.add_parser("methods", help=text, description=text)
    command.add_argument("runs", nargs="+", metavar="RUN", help="run directories, patterns, or folders of runs")
    text = "BibTeX of the papers that runs or experiments follow, and of the harness (docs/paper.md)"
    command = commands.add_parser("cite", help=text, description=text)
    what = "run directories, patterns, folders of runs, or names of experiments; default all experiments"
    command.add_argument("what", nargs="*", metavar="RUN|EXPERIMENT", help=what)


def methods_command(options: argparse.Namespace) -> int:
    """Prints the paragraph.

    Returns:
        The exit code 0.

    Raises:
        HarnessError: a run that was named and cannot be read.
    """
    from harness.cli.table import load_runs
    from harness.report.citing import papers_of
    from harness.report.methods import methods

    runs = load_runs(options.runs)
    papers = {str(run.record.manifest["experiment"]): papers_of(type(run.job.experiment)) for run in runs}
    text = methods([run.record for run in runs], [run.table for run in runs], papers)
    print(visible(textwrap.fill(text, 110, break_long_words=False, break_on_hyphens=False)))
    return 0


def cite_command(options: argparse.Namespace) -> int:
    """Prints the entries.

    Returns:
        The exit code 0.

    Raises:
        HarnessError: neither a run nor an experiment, or a references.bib that lacks an entry.
    """
    from harness.cli.arguments import version
    from harness.report.citing import bibliography

    papers = [paper for word in options.what or config_files("experiment", None) for paper in _papers(word)]
    sys.stdout.write(visible(bibliography(papers, version())))
    return 0


def _papers(word: str) -> list[Paper]:
    from harness.cli.table import load_runs
    from harness.report.citing import papers_of

    if Path(word).exists() or glob.has_magic(word):
        return [paper for run in load_runs([word]) for paper in papers_of(type(run.job.experiment))]
    return papers_of(experiment_class(word))


def experiment_class(word: str) -> type[Experiment]:
    """The class of an experiment by the name of its YAML, or as module:Class.

    Raises:
        HarnessError: there is none of that name, or it cannot be imported.
    """
    from harness.config.yaml_files import read_yaml
    from harness.experiment import Experiment
    from harness.places.named import named

    files = config_files("experiment", None)
    if word not in files and ":" not in word:
        raise HarnessError(f"cite {word}: neither a run nor an experiment{nearest(word, files)}")
    node = read_yaml(files[word]).get("experiment") or {} if word in files else {}
    target = str(node.get("_target_", "")) if word in files else word.replace(":", ".")
    cls = named(target, f"{files.get(word, word)}, experiment._target_")
    if not (isinstance(cls, type) and issubclass(cls, Experiment)):
        raise HarnessError(f"cite {word}: {target} is no experiment")
    return cls
