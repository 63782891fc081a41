"""`list` prints what can be named on the command line. It is quick: it imports no experiment."""

from __future__ import annotations

import ast
import fnmatch
import importlib
import inspect
import itertools
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, closest, one_line_name
from harness.places.folders import config_files, home

if TYPE_CHECKING:
    from harness.metrics.metric import Measure

GROUPS = {
    "experiments": "experiment",
    "tasks": "task",
    "models": "model",
    "engines": "engine",
    "trackers": "tracker",
    "studies": "study",
    "launchers": "hydra/launcher",
}
KINDS = (*GROUPS, "roles", "metrics")
OTHER_WORDS = {"suites": "studies", "suite": "studies", "study": "studies"}
LONGEST = 80
"""Characters of a summary."""

_CITED = re.compile(r" \([^()]*(?:\d{4}|et al\.)(?:[^()]|\([^()]*\))*\)")
_SENTENCE = re.compile(r".+?(?<!et al)[.?!](?=\s|$)")


def print_list(words: Sequence[str], config_dir: Path | None = None) -> int:
    """Prints names with a line about each.

    Args:
        words: kinds of names, as "tasks", and patterns of names, as "self*"; without any, everything is printed.

    Raises:
        HarnessError: a word that is no kind, and that no name matches; or no such folder.
    """
    if config_dir is not None and not config_dir.is_dir():
        raise HarnessError(f"--config-dir {config_dir}: no such folder")
    kinds = [kind for word in words if (kind := kind_of(word))]
    patterns = [word for word in words if not kind_of(word)]
    found = {kind: _matching(names(kind, config_dir), patterns) for kind in kinds or KINDS}
    if patterns and not any(found.values()):
        known = [*KINDS, *(name for kind in KINDS for name, _ in names(kind, config_dir))]
        meant = closest(patterns[0], known)
        hint = f", did you mean {meant!r}?" if meant else f"; the kinds of names are {', '.join(KINDS)}"
        raise HarnessError(f"list {' '.join(words)}: nothing is called so{hint}")
    width = max((len(name) for rows in found.values() for name, _ in rows), default=0)
    for kind, rows in found.items():
        if len(found) > 1 and (rows or not patterns):
            print(f"{kind}:")
        for name, text in rows:
            print(f"  {one_line_name(name):<{width}}  {text}")
    return 0


def kind_of(word: str) -> str:
    """The kind of names that a word means, in singular or plural; "" if none."""
    plural = OTHER_WORDS.get(word.lower(), word.lower())
    return next((kind for kind in KINDS if plural in (kind, kind.removesuffix("s"))), "")


def _matching(rows: Sequence[tuple[str, str]], patterns: Sequence[str]) -> list[tuple[str, str]]:
    tests = [pattern if any(c in pattern for c in "*?[") else f"*{pattern}*" for pattern in patterns] or ["*"]
    return [row for row in rows if any(fnmatch.fnmatch(row[0].lower(), test.lower()) for test in tests)]


def names(kind: str, config_dir: Path | None = None) -> list[tuple[str, str]]:
    """The names of one kind of `KINDS`, each with its summary."""
    others: Mapping[str, Callable[[], Iterator[tuple[str, str]]]] = {
        "metrics": metric_names,
        "roles": lambda: role_names(config_dir),
    }
    return list(others[kind]() if kind in others else config_names(GROUPS[kind], config_dir))


def config_names(group: str, config_dir: Path | None = None) -> Iterator[tuple[str, str]]:
    """Names of a config group, each with the first sentence of its file's comment or else of its class's docstring."""
    for name, file in config_files(group, config_dir).items():
        text = file.read_text(encoding="utf-8", errors="replace")
        yield name, summary(_comment(text) or _doc(_target(text, group)) or f"{file}.")


def role_names(config_dir: Path | None = None) -> Iterator[tuple[str, str]]:
    """The parts that experiments have for other models, each with the experiments."""
    cast: dict[str, list[str]] = {}
    for name, file in config_files("experiment", config_dir).items():
        node = _class(_target(file.read_text(encoding="utf-8", errors="replace"), "experiment"))
        for part in _parts(node) if node else ():
            cast.setdefault(part, []).append(name)
    for part, experiments in sorted(cast.items()):
        yield part, summary(f"Another model in {', '.join(experiments)}.")


def _parts(node: ast.ClassDef) -> list[str]:
    """The keys of a class's `parts`, where they are spelled out."""
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id="parts"), value=ast.Dict(keys=keys)):
                return [str(key.value) for key in keys if isinstance(key, ast.Constant)]
    return []


def metric_names() -> Iterator[tuple[str, str]]:
    """Names of the metric functions with the first sentences of their docstrings."""
    found: dict[str, str] = {}
    for file in Path(__file__).parents[1].joinpath("metrics").glob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and any(map(_marks_measure, node.decorator_list)):
                found[node.name] = summary(ast.get_docstring(node) or "")
    yield from sorted(found.items())


def _marks_measure(decorator: ast.expr) -> bool:
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(name, ast.Name) and name.id in ("measure", "curve")


def measures() -> dict[str, Measure]:
    """Every metric function of `harness.metrics`."""
    import harness.metrics
    from harness.metrics.metric import Measure

    found: dict[str, Measure] = {}
    for module in pkgutil.iter_modules(harness.metrics.__path__):
        loaded = importlib.import_module(f"harness.metrics.{module.name}")
        found |= {name: value for name, value in vars(loaded).items() if isinstance(value, Measure)}
    return found


def summary(text: str) -> str:
    """The first sentence of a text in at most `LONGEST` characters: a longer one ends where its first clauses do."""
    paragraph = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    match = _SENTENCE.match(_CITED.sub("", paragraph))
    sentence = match[0] if match else paragraph
    if len(sentence) <= LONGEST:
        return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."
    for sign in (r"[;:]", r", in [\[(]", r", "):
        ends = [found.start() for found in re.finditer(rf"{sign}(?=\s|-|\d|\w)|{sign}$", sentence)]
        if short := [end for end in ends if 20 <= end < LONGEST]:
            return f"{sentence[: short[-1]]}."
    return f"{sentence[: LONGEST - 1].rpartition(' ')[0]}."


def _comment(text: str) -> str:
    """The comment at the head of a config file."""
    lines = [line for line in text.splitlines() if not line.startswith("# @package")]
    return " ".join(line[1:].strip() for line in itertools.takewhile(lambda line: line.startswith("#"), lines))


def _target(text: str, group: str) -> str:
    """The first `_target_` of a config file; in an experiment's file, the experiment's."""
    part = text.partition(f"\n{group}:")[2] or text
    match = re.search(r"^\s*_target_:\s*([\w.]+)", part, re.MULTILINE)
    return match[1] if match else ""


def _doc(target: str) -> str:
    node = _class(target)
    return (ast.get_docstring(node) or "") if node else ""


def _class(target: str) -> ast.ClassDef | None:
    """The class that a dotted path names, in the source of its module; nothing is imported."""
    module, _, name = target.rpartition(".")
    file = source_file(module) if module else None
    try:
        body = ast.parse(file.read_text(encoding="utf-8")).body if file else []
    except (OSError, SyntaxError, ValueError):
        return None
    return next((node for node in body if isinstance(node, ast.ClassDef) and node.name == name), None)


def source_file(module: str) -> Path | None:
    """The file of a module of the harness, of `experiments` or of the user's own, as an import would find it."""
    relative = Path(*module.split("."))
    for root in dict.fromkeys([str(home()), str(Path(__file__).parents[2]), *(entry or "." for entry in sys.path)]):
        for file in (Path(root, relative).with_suffix(".py"), Path(root, relative, "__init__.py")):
            if file.is_file():
                return file
    return None


def first_line(thing: Any) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]
