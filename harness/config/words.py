"""Reads the words of a command line: overrides, models by place, and mistakes with a better word for each."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from harness.config.sources import option_file, options
from harness.errors import HarnessError, closest, nearest

GROUPS = ("experiment", "task", "model", "engine", "tracker")

_MODEL = re.compile(r"(\+{0,2})model(@[\w.]+)?=(.*)", re.DOTALL)

_WITHOUT = {
    "tracker": "tracker=none",
    "claims": "claims=[]",
    "references": "references=[]",
    "metrics": "metrics={}",
    "roles": "roles={}",
    "limit": "limit=null",
    "shard": "shard=null",
    "window": "window=null",
}
"""How a setting is switched off, which Hydra users write as ~NAME."""

_OF_HYDRA = {
    "hydra.run.dir": "runs=FOLDER says where runs lie; each has a folder there that is named by its settings",
    "hydra.job.name": "a run is named by its experiment and its settings",
    "hydra.verbose": "there are no levels of messages",
    "hydra.searchpath": "--config-dir FOLDER is searched, and so is ./conf",
    "hydra.mode": "-m makes a grid",
    "hydra.output_subdir": "manifest.json in the run's folder holds all settings",
}


def key_of(word: str) -> str:
    """The key of an override, without the signs before it."""
    return word.lstrip("+~").partition("=")[0]


def check_word(word: str, keys: Sequence[str], following: str = "") -> None:
    """Refuses a word that is no override; inside of `hydra_at` only.

    Args:
        keys: of conf/config.yaml.
        following: the next word.

    Raises:
        HarnessError: with the word to write instead.
    """
    if not word.isprintable():
        shown = word.encode("unicode_escape", "surrogatepass").decode("ascii")
        if any(0xD800 <= ord(c) < 0xE000 for c in word):
            raise HarnessError(f"{shown}: it is not UTF-8")
        raise HarnessError(f"{shown}: it holds a character that cannot be printed")
    if word.startswith("-"):
        if "=" in word:
            raise HarnessError(f"write {word.lstrip('-')}, without the dashes")
        raise HarnessError(f"{word}: there is no such flag; see python -m harness run --help")
    key = key_of(word)
    if word.startswith("~"):
        if key in keys:
            better = _WITHOUT.get(key, f"{key}=VALUE for another")
            raise HarnessError(f"{word}: a run needs every setting of conf/config.yaml; write {better}")
        return
    if not key:
        raise HarnessError(f"{word}: there is no name before the =; write key=value, as experiment=pTrue")
    if "=" not in word:
        raise HarnessError(f"{word}: {_meant(word, keys, following)}")


def refuse_hydra(words: Sequence[str]) -> None:
    """Raises HarnessError: a setting of Hydra's own, which a single run does not have."""
    for word in words:
        key = key_of(word)
        if key.startswith(("hydra.", "hydra/")):
            why = _OF_HYDRA.get(key, "only hydra/launcher, hydra.launcher.NAME and hydra.sweep.dir, for grids with -m")
            raise HarnessError(f"{word}: the harness does not know this setting of Hydra's: {why}")


def _meant(word: str, keys: Sequence[str], following: str) -> str:
    """Guesses the override that somebody meant who wrote a word without "="."""
    if word in ("help", "-h"):
        return "write python -m harness run --help"
    if word in keys:
        chosen = following if word in GROUPS and following in options(word) else ""
        return f"write {word}={chosen or ('NAME' if word in GROUPS else 'VALUE')}"
    if following.startswith("="):
        return f"leave out the space: {word}{following}"
    known = {name: f"{group}={name}" for group in GROUPS for name in options(group)}
    known |= {key: f"{key}=VALUE" for key in keys}
    meant = closest(word, known)
    return (
        f"no override, did you mean {known[meant]}?" if meant else "no override; write key=value, as experiment=pTrue"
    )


def check_choice(word: str, value: object) -> None:
    """Raises HarnessError: what an override chooses of a group is no name; inside of `hydra_at` only."""
    group, _, text = word.lstrip("+").partition("=")
    for name in value if isinstance(value, list) else [value]:
        if not isinstance(name, str) or not name:
            raise HarnessError(f"{group}={text}: a name is needed{nearest(text, options(group))}")


def with_models(words: Sequence[str]) -> list[str]:
    """The words with `model=PLACE` written out as `model=hub model.source=PLACE`; inside of `hydra_at` only.

    PLACE is a hub id, a folder, a .gguf file or package:NAME, and no name in conf/model.
    """
    found: list[str] = []
    for word in words:
        match = _MODEL.fullmatch(word)
        value = _unquoted(match[3]) if match else ""
        if match and is_place(value):
            sign, at, _ = match.groups()
            found += [f"{sign}model{at or ''}=hub", f"++{(at or '@model')[1:]}.source={quoted(value)}"]
        else:
            found.append(word)
    return found


def models_apart(word: str) -> list[str] | None:
    """The cells of `model=A/B,./c`, places with commas between them; None for any other word."""
    match = _MODEL.fullmatch(word)
    if match is None or any(c in match[3] for c in "'\"()[]{}"):
        return None
    values = match[3].split(",")
    if not any(is_place(value) for value in values):
        return None
    sign, at, _ = match.groups()
    return [f"{sign}model{at or ''}={value}" for value in values]


def is_place(value: str) -> bool:
    """Whether a model is given by where it lies and not by a name in conf/model."""
    shaped = "/" in value or "\\" in value or value.startswith((".", "~", "package:")) or value.endswith(".gguf")
    return shaped and option_file(f"model/{value}") is None


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def quoted(value: str) -> str:
    """A text as Hydra reads it back unchanged."""
    text = re.sub(r'(\\*)"', lambda m: m[1] * 2 + '\\"', value)
    text = re.sub(r"(\\+)$", lambda m: m[1] * 2, text)
    return f'"{text}"'


def to_type(word: str) -> str:
    """The word as it must be typed in a shell so that Hydra takes its value for a text."""
    key, _, value = word.partition("=")
    return shlex.quote(f"{key}={quoted(value)}")
