"""Reads a study as it is written down: conf/study/NAME.yaml, with named runs and claims between them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config import build
from harness.config.yaml_files import read_yaml
from harness.errors import HarnessError, nearest
from harness.places.folders import config_files
from harness.study.order import check_references, references
from harness.study.verdicts import RunClaim, Side

SHAPE = "a study has the keys `runs`, lines like `answers: experiment=pTrue limit=50` by name, and `claims`, a list"


@dataclass(frozen=True, kw_only=True)
class Study:
    """Named runs and claims between them.

    Attributes:
        runs: the overrides of every run by its name.
        needs: the runs that a run names as ${run:NAME}.
    """

    name: str
    runs: Mapping[str, Sequence[str]]
    claims: tuple[RunClaim, ...]

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """For every run those that have to be finished before it."""
        return {name: references(words) for name, words in self.runs.items()}


def read_study(name: str, config_dir: Path | None) -> Study:
    """Reads `study/NAME.yaml` of the further config folder or of conf.

    Raises:
        HarnessError: no such study, a file of another shape, or runs that name one that there is not or each other in
            a circle.
    """
    file = _find(name, config_dir)
    content = _content(file)
    try:
        runs = {run: _words(run, line) for run, line in content["runs"].items()}
        claims = tuple(_claim(node, f"claims[{i}]") for i, node in enumerate(content.get("claims") or ()))
        study = Study(name=name, runs=runs, claims=claims)
        check_references(study.needs)
    except HarnessError as error:
        raise HarnessError(f"{file}: {error}") from error
    return study


def _find(name: str, config_dir: Path | None) -> Path:
    known = config_files("study", config_dir)
    if name not in known:
        raise HarnessError(f"there is no study {name!r}{nearest(name, known)}")
    return known[name]


def _content(file: Path) -> dict[str, Any]:
    content = read_yaml(file)
    if not isinstance(content.get("runs"), dict) or not content["runs"]:
        raise HarnessError(f"{file}: {SHAPE}")
    for key in content:
        if key not in ("runs", "claims"):
            raise HarnessError(f"{file}: there is no key {key!r}{nearest(str(key), ('runs', 'claims'))}; {SHAPE}")
    if not isinstance(content.get("claims") or [], list):
        raise HarnessError(f"{file}: `claims` is no list; {SHAPE}")
    return content


def _words(run: object, line: object) -> list[str]:
    """The overrides of one run, quoted as in a shell where one has a space in it."""
    if not isinstance(run, str) or not isinstance(line, str):
        raise HarnessError(f"run {run!r} is {line!r}; {SHAPE}")
    try:
        return shlex.split(line)
    except ValueError as error:
        raise HarnessError(f"run {run!r}: {line!r}: {str(error).lower()}; close the quotes") from error


def _claim(node: Any, path: str) -> RunClaim:
    if not isinstance(node, dict):
        raise HarnessError(f"{path} is {node!r}; a claim has the keys text, metric, first, second and relation")
    parts = {key: _target(value, Side) if key in ("first", "second") else value for key, value in node.items()}
    return build(_target(parts, RunClaim), path, RunClaim)


def _target(node: Any, cls: type) -> Any:
    return {"_target_": f"{cls.__module__}.{cls.__qualname__}", **node} if isinstance(node, dict) else node
