"""Keeps the result of `prepare` with a run, for other runs to use: fitted.json, and fitted.npz for vectors.

Numbers, texts, sequences, mappings and dataclasses of them are JSON. A dataclass has its name beside its fields, so
that one of several types is read back as the one that it was. An `Array` lies in fitted.npz; its shape and digest are
in the JSON, whose own digest therefore stands for the whole fit. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
import math
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, NewType, TypeVar

from harness.calls.arrays import Array
from harness.errors import BaseHarnessError, HarnessError
from harness.experiment import Experiment
from harness.faults import fault_of
from harness.files import json_of, refused
from harness.items import Item
from harness.runs.owned import FIX
from harness.subject.subject import Subject
from harness.tasks.base import Split

TYPE = "_type"
"""The key of a dataclass's name."""


async def fit(experiment: Experiment, train: Sequence[Item], subject: Subject) -> Any:
    """The fit for the protocols, on training items or from the run that `experiment.fitted` names.

    Raises:
        HarnessError: as `load_fitted`, or `prepare` trips; the message names the line of its file.
    """
    if experiment.fitted is None:
        try:
            return await experiment.prepare(train, subject.for_item("prepare"))
        except BaseHarnessError:
            raise
        except Exception as error:
            raise HarnessError(f"{type(experiment).__name__}.prepare: {fault_of(error).text}") from error
    return load_fitted(experiment.fitted, fitted_type(experiment))


def check_fitted(experiment: Experiment, test: Iterable[Item]) -> None:
    """Refuses a fit of another run that cannot be used here, or was made on items that are to be tested.

    Raises:
        HarnessError: the fit is missing, damaged or of another type, or was fitted on a test item.
    """
    if experiment.fitted is None:
        return
    load_fitted(experiment.fitted, fitted_type(experiment))
    seen = set(_account(experiment.fitted)["items"])
    met = [item.id for item in test if item.id in seen]
    if met:
        raise HarnessError(
            f"experiment.fitted={experiment.fitted} was fitted on {len(met)} of the items to be tested (first: item "
            f"{met[0]}); set a smaller limit or another task, or fit anew without experiment.fitted"
        )


def keep_fitted(folder: Path, experiment: Experiment, items: Split, fitted: Any) -> dict[str, Any] | None:
    """Saves the fit for the protocols in a run directory.

    Returns:
        The manifest's words about it: its fingerprint, the items that it was fitted on and, where another run fitted
        it, that run with its model and task. None when nothing was fitted.

    Raises:
        HarnessError: as `save_fitted`.
    """
    if fitted is None:
        return None
    fingerprint = save_fitted(folder, fitted)
    if experiment.fitted is not None:
        return _account(experiment.fitted) | {"fingerprint": fingerprint, "run": str(experiment.fitted)}
    ids = [item.id for item in items.train]
    assert not set(ids) & {item.id for item in items.test}, "`split` has proven that fit and test never meet"
    return {"fingerprint": fingerprint, "items": ids}


def save_fitted(folder: Path, value: Any) -> str:
    """Writes fitted.json and, where there are vectors, fitted.npz.

    Returns:
        16 hex digits that stand for all of it.

    Raises:
        HarnessError: a part of it is of a type that cannot be kept, or the files cannot be written.
    """
    import numpy as np

    arrays: list[Array] = []
    content = json.dumps(_written(value, arrays, ""), ensure_ascii=False).encode()
    part = folder / "fitted.part"
    try:
        if arrays:
            with part.open("wb") as file:
                np.savez(file, **{str(i): array.numpy() for i, array in enumerate(arrays)})  # type: ignore[arg-type]
            part.replace(folder / "fitted.npz")
        part.write_bytes(content)
        part.replace(folder / "fitted.json")
    except OSError as error:
        raise refused(str(folder / "fitted.json"), error, FIX) from error
    return _fingerprint(content)


def load_fitted(folder: Path, kind: Any) -> Any:
    """Reads what `save_fitted` wrote, as a value of a type.

    Args:
        kind: the declared type: dataclasses, numbers, texts, `Array`, and tuples, lists, mappings and unions of them.

    Raises:
        HarnessError: there is no fit, it is damaged, or it is of another type.
    """
    import numpy as np

    content = _content(folder)
    try:
        node = json_of(content)
        arrays = {}
        if (folder / "fitted.npz").exists():
            with np.load(folder / "fitted.npz", allow_pickle=False) as found:
                arrays = {name: Array.of(found[name]) for name in found.files}
    except Exception as error:  # a zip with flipped bytes raises BadZipFile, zlib.error, EOFError, KeyError and more
        raise HarnessError(f"{folder}: the fit is damaged ({error}); run it again") from error
    try:
        return _read(node, kind, arrays, "")
    except (_Mismatch, TypeError, ValueError) as error:
        raise HarnessError(f"{folder}: the fit is not what this experiment fits: {error}") from error


def fitted_fingerprint(folder: Path) -> str:
    """The fingerprint that `save_fitted` gave.

    Raises:
        HarnessError: there is no fit.
    """
    return _fingerprint(_content(folder))


def fitted_type(experiment: Experiment) -> Any:
    """The return type of the experiment's `prepare`.

    Raises:
        HarnessError: it fits nothing, or does not say what.
    """
    hint = typing.get_type_hints(type(experiment).prepare).get("return")
    if hint in (None, Any, types.NoneType) or isinstance(hint, TypeVar):
        raise HarnessError(
            f"experiment.fitted={experiment.fitted}: {type(experiment).__name__} fits nothing, or its `prepare` does "
            "not declare the type that it returns"
        )
    return hint


class _Mismatch(Exception):
    """A stored value is not of the declared type."""


def _content(folder: Path) -> bytes:
    try:
        return (folder / "fitted.json").read_bytes()
    except OSError as error:
        raise HarnessError(
            f"{folder} holds no fit: fitted.json {error.strerror}; name the directory of a run that fitted something"
        ) from error


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _account(folder: Path) -> dict[str, Any]:
    """The items, model and task of a run's fit."""
    try:
        manifest = json_of((folder / "manifest.json").read_bytes())
        return {
            "items": list(manifest["fitted"]["items"]),
            "model": manifest["fitted"].get("model", manifest["model"]["name"]),
            "task": manifest["fitted"].get("task", manifest["task"]["name"]),
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessError(
            f"{folder}: manifest.json does not say on which items the fit was fitted; run it again"
        ) from error


def _written(value: Any, arrays: list[Array], path: str) -> Any:
    if isinstance(value, Array):
        arrays.append(value)
        return {"array": len(arrays) - 1, "shape": value.shape, "digest": value.digest}
    if isinstance(value, bool | int | str | float) or value is None:
        # JSON has no infinities.
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value
    if is_dataclass(value) and not isinstance(value, type):
        own = {f.name: _written(getattr(value, f.name), arrays, f"{path}.{f.name}") for f in fields(value) if f.init}
        return {TYPE: type(value).__name__, **own}
    if isinstance(value, Mapping):
        pairs = [[_written(k, arrays, path), _written(v, arrays, f"{path}[{k!r}]")] for k, v in value.items()]
        return dict(pairs) if all(isinstance(k, str) for k in value) else pairs
    if isinstance(value, tuple | list):
        return [_written(part, arrays, f"{path}[{i}]") for i, part in enumerate(value)]
    raise HarnessError(
        f"`prepare` returned a {type(value).__name__}{f' at {path}' if path else ''}, which cannot be kept: return "
        "numbers, texts, tuples, mappings and dataclasses of them, and vectors as Array.of(values)"
    )


def _read(node: Any, kind: Any, arrays: Mapping[str, Array], path: str) -> Any:
    """The value of a declared type that a node of JSON stands for."""
    if isinstance(kind, NewType):
        kind = kind.__supertype__
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _one_of(node, inside, arrays, path)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(node, inside, arrays, path)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _sequence(node, origin, inside, arrays, path)
    if isinstance(kind, type) and is_dataclass(kind):
        return _array(node, arrays, path) if kind is Array else _dataclass(node, kind, arrays, path)
    return _scalar(node, kind, path)


def _scalar(node: Any, kind: Any, path: str) -> Any:
    number = isinstance(node, int | float) and not isinstance(node, bool)
    if kind is float and (number or node in ("inf", "-inf", "nan")):
        return float(node)
    allowed = typing.get_args(kind) if typing.get_origin(kind) is Literal else None
    if (allowed is None and type(node) is kind) or (allowed is not None and node in allowed):
        return node
    raise _Mismatch(f"{path or 'it'} is {json.dumps(node, ensure_ascii=False)[:60]}, expected {kind}")


def _one_of(node: Any, kinds: Sequence[Any], arrays: Mapping[str, Array], path: str) -> Any:
    reasons = []
    for kind in kinds:
        try:
            return _read(node, kind, arrays, path)
        except _Mismatch as error:
            reasons.append(str(error))
    raise _Mismatch("; ".join(reasons))


def _array(node: Any, arrays: Mapping[str, Array], path: str) -> Array:
    array = arrays.get(str(node.get("array"))) if isinstance(node, dict) else None
    if array is None or list(array.shape) != node.get("shape") or array.digest != node.get("digest"):
        raise _Mismatch(f"{path or 'it'}: fitted.npz does not hold this vector, or holds another")
    return array


def _dataclass(node: Any, kind: Any, arrays: Mapping[str, Array], path: str) -> Any:
    own = [f.name for f in fields(kind) if f.init]
    if not isinstance(node, dict) or node.get(TYPE) != kind.__name__ or set(node) != {TYPE, *own}:
        raise _Mismatch(f"{path or 'it'} is no {kind.__name__}")
    hints = typing.get_type_hints(kind)
    return kind(**{name: _read(node[name], hints[name], arrays, f"{path}.{name}") for name in own})


def _mapping(node: Any, kinds: Sequence[Any], arrays: Mapping[str, Array], path: str) -> dict[Any, Any]:
    pairs = list(node.items()) if isinstance(node, dict) else node
    if not isinstance(pairs, list) or not all(isinstance(p, list | tuple) and len(p) == 2 for p in pairs):
        raise _Mismatch(f"{path or 'it'} is no mapping")
    key, value = kinds
    return {_read(k, key, arrays, path): _read(v, value, arrays, f"{path}[{k!r}]") for k, v in pairs}


def _sequence(node: Any, origin: type, kinds: Sequence[Any], arrays: Mapping[str, Array], path: str) -> Any:
    if not isinstance(node, list):
        raise _Mismatch(f"{path or 'it'} is no sequence")
    of = list(kinds)
    if origin is not tuple or of[-1] is Ellipsis:
        of = [kinds[0]] * len(node)
    if len(of) != len(node):
        raise _Mismatch(f"{path or 'it'} has {len(node)} parts, not {len(of)}")
    parts = [_read(part, kind, arrays, f"{path}[{i}]") for i, (part, kind) in enumerate(zip(node, of, strict=True))]
    return parts if origin is list else tuple(parts)
