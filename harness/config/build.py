"""From plain values to typed settings: builds the dataclasses that `_target_` names, and refuses unknown keys."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from harness.errors import HarnessError, nearest, one_line_name
from harness.places.named import named
from harness.typed import typed

T = TypeVar("T")


def build(node: Mapping[str, Any], path: str, kind: type[T]) -> T:
    """Builds the dataclass that a config node's `_target_` names, every key checked against its fields.

    Raises:
        HarnessError: no or an unknown `_target_`, one of another kind, an unknown key or a value of the wrong type.
    """
    target = node.get("_target_")
    if not isinstance(target, str):
        raise HarnessError(f"{path}: no _target_ names the class to build")
    cls = named(target, f"{path}._target_")
    if not isinstance(cls, type) or not dataclasses.is_dataclass(cls):
        raise HarnessError(f"{path}._target_: {target} is not a dataclass")
    built = construct(cls, {key: value for key, value in node.items() if key != "_target_"}, path)
    check_kind(built, f"{path}._target_: {target}", kind)
    return typing.cast(T, built)


def check_kind(part: object, what: str, kind: type) -> None:
    """Raises HarnessError: a part is not of the kind that is wanted, or lacks what its protocol asks for."""
    if getattr(kind, "_is_protocol", False):
        if lacking := [name for name in _members(kind) if inspect.getattr_static(part, name, ...) is ...]:
            raise HarnessError(
                f"{what} lacks {', '.join(lacking)}; {kind.__module__}.{kind.__name__} says what it needs"
            )
    elif not isinstance(part, kind):
        raise HarnessError(f"{what} is no {kind.__name__}")


def _members(protocol: type) -> list[str]:
    """The names that a protocol asks for."""
    own = [base for base in protocol.__mro__ if getattr(base, "_is_protocol", False) and base is not typing.Protocol]
    names = dict.fromkeys(name for base in own for name in (*vars(base), *vars(base).get("__annotations__", {})))
    return [name for name in names if not name.startswith("_")]


def construct(cls: type[T], node: Mapping[str, Any], path: str) -> T:
    """Builds a dataclass of a config node without `_target_`, as `build`."""
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls, include_extras=True)
    refuse_unknown(node, fields, f"{path}.")
    for name, f in fields.items():
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING and name not in node:
            raise HarnessError(f"{path}.{name}: not set")
    values = {key: _setting(value, hints[key], f"{path}.{key}") for key, value in node.items()}
    try:
        return cls(**values)
    except (ValueError, TypeError) as error:
        raise HarnessError(f"{path}: {error}") from error


def _setting(value: Any, hint: Any, path: str) -> Any:
    """One setting, built and checked; so are the settings inside of one, such as a part's. A list becomes a tuple
    unless the class asks for a list: frozen as its defaults are, and equal to them."""
    if isinstance(value, dict) and "_target_" not in value and dataclasses.is_dataclass(hint):
        return construct(typing.cast(type, hint), value, path)
    checked = typed(_parts(value, path), hint, path)
    asks = any((typing.get_origin(kind) or kind) is list for kind in (hint, *typing.get_args(hint)))
    return tuple(checked) if isinstance(checked, list) and not asks else checked


def _parts(value: Any, path: str) -> Any:
    """A setting in which every node with a `_target_` is built: the parts of a task made of tasks."""
    if isinstance(value, list):
        return [_parts(part, f"{path}[{i}]") for i, part in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if "_target_" in value:
        return build(value, path, object)
    return {key: _parts(part, f"{path}.{key}") for key, part in value.items()}


def refuse_unknown(node: Mapping[str, Any], known: Collection[str], prefix: str) -> None:
    """Raises HarnessError: a key that nobody knows, with the nearest one that there is."""
    for key in node:
        if key not in known:
            if not isinstance(key, str):
                raise HarnessError(f"there is no setting {prefix}{key}: a name is a text")
            raise HarnessError(f"there is no setting {prefix}{one_line_name(key)}{nearest(key, known)}")
