"""`list` prints what can be named on the command line, read from the config folder; it imports nothing heavy."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import conf
import harness.metrics
from harness.metrics.metric import Measure

GROUPS = {"experiments": "experiment", "tasks": "task", "models": "model", "engines": "engine"}


def print_list(what: str | None) -> int:
    """Prints one kind of names, or all of them."""
    for kind in [what] if what else [*GROUPS, "studies", "metrics"]:
        if what is None:
            print(f"{kind}:")
        others = {"metrics": metric_names, "studies": study_names}
        rows = list(others[kind]() if kind in others else config_names(GROUPS[kind]))
        width = max(len(name) for name, _ in rows)
        for name, text in rows:
            print(f"  {name:<{width}}  {text}")
    return 0


def config_names(group: str) -> Iterator[tuple[str, str]]:
    """Names of a config group, each with the first line of its class's docstring, or where a model comes from."""
    from omegaconf import OmegaConf

    for path in sorted(Path(next(iter(conf.__path__)), group).glob("*.yaml")):
        node: Any = OmegaConf.to_container(OmegaConf.load(path))
        part = node.get(group, node)
        text = part["source"] if group == "model" else first_line(load_target(part["_target_"]))
        if text == "???":
            text = f"any hub id or local folder: {group}={path.stem} {group}.source=..."
        yield path.stem, text


def study_names() -> Iterator[tuple[str, str]]:
    """Names of the studies, each with those of its runs."""
    from omegaconf import OmegaConf

    for path in sorted(Path(next(iter(conf.__path__)), "study").glob("*.yaml")):
        content: Any = OmegaConf.to_container(OmegaConf.load(path))
        yield path.stem, ", ".join(content["runs"])


def metric_names() -> Iterator[tuple[str, str]]:
    """Names of the metric functions with the first line of their docstrings."""
    for name, measure in sorted(measures().items()):
        yield name, measure.doc.splitlines()[0]


def measures() -> dict[str, Measure]:
    """Every metric function of `harness.metrics`."""
    found: dict[str, Measure] = {}
    for module in pkgutil.iter_modules(harness.metrics.__path__):
        loaded = importlib.import_module(f"harness.metrics.{module.name}")
        found |= {name: value for name, value in vars(loaded).items() if isinstance(value, Measure)}
    return found


def load_target(target: str) -> Any:
    """The object that a dotted `_target_` names."""
    module, _, name = target.rpartition(".")
    return getattr(importlib.import_module(module), name)


def first_line(thing: Any) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]
