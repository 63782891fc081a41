"""Settings with their values, defaults and meanings, as `show` prints them."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.config import Job, written
from harness.config.yaml_files import read_yaml
from harness.places.folders import own_conf
from harness.redaction import without_secrets

LONGEST = 100
"""Characters of a value that are printed."""

_ATTRIBUTE = re.compile(r"(\w[\w, ]*?): (.*)")


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it is printed.

    Attributes:
        default: None where there is none.
        meaning: "" where the class does not tell it.
    """

    name: str
    value: str
    default: str | None
    meaning: str = ""


def print_settings(job: Job, parts: Sequence[str]) -> None:
    """Prints every setting with its value and meaning, and its default where the value is another.

    Args:
        parts: of the job; without "run" its own settings are left out.
    """
    rows = [row for part in parts if part != "run" for row in _settings(part, getattr(job, part))]
    if "run" in parts:
        rows += _run_settings(job)
    print_rows(rows)


def print_rows(rows: Sequence[Setting]) -> None:
    """Prints settings, and marks the ones that are not at their default."""
    width = max((len(row.name) for row in rows), default=0)
    print("\nsettings (* is not the default):")
    for row in rows:
        other = f"   (default {row.default})" if row.default not in (row.value, None) else ""
        value = without_secrets({row.name: row.value})[row.name]  # a password has a name, and no form
        print(f"{'*' if other else ' '} {row.name:<{width}}  {value}{other}")
        if row.meaning:
            print(f"      {row.meaning}")


def class_settings(group: str, cls: type, node: Mapping[str, Any]) -> Iterator[Setting]:
    """The settings of a class as a config file has them. Nothing is built; settings without a value are "needed"."""
    meanings = attribute_meanings(cls)
    for f in dataclasses.fields(cls):
        missing = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        usual = f.default_factory() if callable(f.default_factory) else f.default
        if dataclasses.is_dataclass(usual) and isinstance(inside := node.get(f.name, {}), Mapping):
            yield from class_settings(f"{group}.{f.name}", type(usual), inside)
            continue
        default = None if missing else _value(usual)
        given = node.get(f.name, "???") if missing else node.get(f.name, f.default)
        value = "needed" if given == "???" else _value(given) if f.name in node else str(default)
        yield Setting(f"{group}.{f.name}", value, default, meanings.get(f.name, ""))


def _settings(part: str, settings: Any) -> Iterator[Setting]:
    """Every field of a dataclass, and every key of a mapping or field inside of one."""
    yield Setting(f"{part}._target_", f"{type(settings).__module__}.{type(settings).__qualname__}", None)
    fields = dataclasses.fields(settings)
    needed = [f for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    # The defaults of an object, because a class may complete its arguments, as an experiment does its wording.
    usual = type(settings)(**{f.name: getattr(settings, f.name) for f in needed})
    meanings = attribute_meanings(type(settings))
    for f in fields:
        value, default, name = getattr(settings, f.name), getattr(usual, f.name), f"{part}.{f.name}"
        if isinstance(value, Mapping) and isinstance(default, Mapping) and f not in needed:
            for key in {**default, **value}:
                yield Setting(f"{name}.{key}", _value(value.get(key)), _value(default.get(key)))
        elif dataclasses.is_dataclass(default) and type(value) is type(default):
            inside = attribute_meanings(type(value))
            for key, one in vars(value).items():
                yield Setting(f"{name}.{key}", _value(one), _value(getattr(default, key)), inside.get(key, ""))
        else:
            yield Setting(name, _value(value), None if f in needed else _value(default), meanings.get(f.name, ""))


def _run_settings(job: Job) -> Iterator[Setting]:
    """Settings that belong to no part, with the defaults and comments of conf/config.yaml."""
    file = own_conf() / "config.yaml"
    defaults = read_yaml(file)
    comments = dict(re.findall(r"^(\w+):.*?# (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE))
    for name, value in job.config.items():
        if not isinstance(value, (dict, list)):
            yield Setting(name, _value(value), _value(defaults[name]), comments.get(name, ""))


def attribute_meanings(cls: type) -> dict[str, str]:
    """The meanings of a class's fields, inherited ones included, from "Attributes:" in the docstrings."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        text = inspect.cleandoc(one.__dict__.get("__doc__") or "")
        section = text.partition("\nAttributes:\n")[2].split("\n\n")[0]
        names: list[str] = []
        for line in section.splitlines():
            match = _ATTRIBUTE.fullmatch(line.strip()) if re.match(r" {4}\S", line) else None
            if match:
                names = match[1].split(", ")
                found |= dict.fromkeys(names, match[2])
            else:
                found |= {name: f"{found[name]} {line.strip()}" for name in names}
    known = [f.name for f in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
    return _apart(found, known)


def _apart(found: Mapping[str, str], known: Sequence[str]) -> dict[str, str]:
    """The same where one entry tells of several fields: "low: the lower end; high: the upper one"."""
    apart: dict[str, str] = {}
    for first, text in found.items():
        names = [first]
        for part in text.split("; "):
            match = _ATTRIBUTE.fullmatch(part)
            if match and (others := match[1].split(", ")) and set(others) <= set(known) - found.keys():
                names = others
                apart |= dict.fromkeys(names, match[2])
            else:
                apart |= {name: f"{apart[name]}; {part}" if name in apart else part for name in names}
    return apart


def _value(value: Any) -> str:
    """A setting in one line; what could be a credential is struck out."""
    plain = without_secrets({"value": written(value, "")})["value"]
    text = plain if isinstance(plain, str) and plain and plain.isprintable() else json.dumps(plain, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
