"""Finds the object that a config names by a dotted path, `package.module.Name`; imports experiment code only."""

from __future__ import annotations

import importlib
import sys
import sysconfig
import traceback
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import HarnessError
from harness.places.folders import EXPERIMENTS, open_experiments

MAIN = "__main__"
"""The script or notebook that is running; what it defines has no other module."""

DISTRIBUTION = "self-evaluation-harness"
INSTALLED = ("site-packages", "dist-packages")


def named(target: str, path: str) -> Any:
    """The object at a dotted path.

    A config is code: it may name anything in the harness, in `experiments`, in packages of the user's own (in the
    working directory or elsewhere on PYTHONPATH) and in installed packages that depend on the harness. It may not name
    the standard library or other installed packages, whose modules are not imported, because importing one runs it.

    Args:
        path: the setting that names it, for messages.

    Raises:
        HarnessError: it is none of these, or cannot be imported; of an error in the user's own file, with the line.
    """
    parts = target.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise HarnessError(f"{path}: cannot import {target!r}: give a module and a name in it, as mine.sure.Sure")
    if parts[0] == EXPERIMENTS:
        open_experiments()
    _refuse_foreign(parts[0], target, path)
    module, rest = _imported(parts, target, path)
    found: Any = module
    for i, name in enumerate(rest):
        if i and isinstance(found, ModuleType) and parts[0] == MAIN:
            raise HarnessError(f"{path}: {target!r} is nothing that the running script defines itself")
        try:
            found = getattr(found, name)
        except AttributeError as error:
            inside = ".".join(parts[: len(parts) - len(rest) + i])
            if inside == MAIN:
                raise HarnessError(
                    f"{path}: {target!r} was defined in a script or notebook, which is not the one that runs now; "
                    "define it here, too, or move it into a module"
                ) from error
            raise HarnessError(f"{path}: cannot import {target!r}: {inside} has no {name!r}") from error
    return found


def _refuse_foreign(package: str, target: str, path: str) -> None:
    if package in ("harness", EXPERIMENTS, MAIN):
        return
    try:
        spec = find_spec(package)  # of a name without dots: nothing is run
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise HarnessError(
            f"{path}: cannot import {target!r}: there is no module {package!r}; run the command in the folder that "
            "holds it, or set PYTHONPATH to that folder"
        )
    places = [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.origin else [])]
    standard = package in sys.stdlib_module_names or not places
    if standard or (any(map(_is_foreign, places)) and not _is_plugin(package)):
        raise HarnessError(
            f"{path}: {target!r} is neither of the harness nor of the user's own files; only these are imported "
            f"(a package of your own: run in its folder, set PYTHONPATH to it, or let it depend on {DISTRIBUTION})"
        )


def _is_plugin(package: str) -> bool:
    """Whether every distribution that installed this module says that it needs the harness, not only in an extra."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    def is_harness(requirement: str) -> bool:
        try:
            need = Requirement(requirement)
        except InvalidRequirement:
            return False
        applies = need.marker is None or need.marker.evaluate({"extra": ""})
        return applies and canonicalize_name(need.name) == DISTRIBUTION

    owners = set(metadata.packages_distributions().get(package, ()))
    return bool(owners) and all(any(map(is_harness, metadata.requires(name) or ())) for name in owners)


def _is_foreign(place: str) -> bool:
    """Whether a file or folder is of the standard library, or of an installed package."""
    parts = Path(place).parts
    if any(name in parts for name in INSTALLED):
        return True
    return any(Path(place).is_relative_to(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))


def _imported(parts: list[str], target: str, path: str) -> tuple[Any, list[str]]:
    """The longest part of a dotted path that is a module, imported, and the rest of the path."""
    for end in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:end])
        try:
            return importlib.import_module(name), parts[end:]
        except ModuleNotFoundError as error:
            # The module itself is missing, or a folder above it: look further up. Else a module that it imports is.
            if error.name and (name == error.name or name.startswith(f"{error.name}.")):
                missing = error
                continue
            raise _failed(target, path, error) from error
        except Exception as error:
            raise _failed(target, path, error) from error
    raise HarnessError(f"{path}: cannot import {target!r}: {missing}")


def _failed(target: str, path: str, error: Exception) -> HarnessError:
    """An error in the imported file itself, with the last line of the traceback that is in no installed package."""
    if isinstance(error, SyntaxError):
        where = f" ({error.filename}:{error.lineno})"
    else:
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__ and "<" not in f.filename
        ]
        own = [f for f in frames if not _is_foreign(f.filename)]
        where = f" ({own[-1].filename}:{own[-1].lineno}: {own[-1].line})" if own else ""
    text = str(error).strip() or "no message"
    return HarnessError(f"{path}: cannot import {target!r}: {type(error).__name__}: {text.splitlines()[0]}{where}")
