"""From overrides to plain values: composes the YAML files of `conf` with Hydra, and explains what Hydra refuses."""

from __future__ import annotations

import functools
import itertools
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.config.names import settle_names
from harness.config.sources import hydra_at, options
from harness.config.values import NO_VALUES, set_values
from harness.config.words import (
    GROUPS,
    check_choice,
    check_word,
    key_of,
    models_apart,
    refuse_hydra,
    to_type,
    with_models,
)
from harness.config.yaml_files import read_yaml
from harness.errors import HarnessError, nearest, one_line
from harness.places.folders import config_files, own_conf

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig

DRY_ENGINE = "harness.engines.fake.engine.Fake"
DRY_RUNS = "runs/dry"
"""The folder of dry runs unless `runs` is given: apart from runs of models, with a separate store."""

Composed = tuple["DictConfig", "DictConfig"]
"""The unresolved config, open to further keys, and Hydra's own."""


def compose(
    words: Sequence[str], config_dir: Path | None = None, values: Mapping[str, Any] = NO_VALUES
) -> tuple[dict[str, Any], str]:
    """The resolved config as plain values, and the experiment's name.

    Args:
        values: settings by dotted key, after the words. Their texts are taken as they are, with any characters, while
            words pass through Hydra's grammar.

    Raises:
        HarnessError: as `load_job`, where Hydra itself refuses something.
    """
    with hydra_at(config_dir):
        refuse_hydra(words)
        check_words(words)
        for word in words:
            if len(models_apart(word) or ()) > 1 or parsed(word).is_sweep_override():
                as_list = f"write {key_of(word)}=[{word.partition('=')[2]}] for a list, or {to_type(word)} for one text"
                other = "" if key_of(word).partition("@")[0] in GROUPS else f"; {as_list}"
                raise HarnessError(f"{word}: several values: add -m for a run of each{other}")
        composed = compose_raw(words)
        set_values(composed[0], values)
        return finished(composed, [*words, *(f"{key}=" for key in values)])


def compose_raw(words: Sequence[str], of_hydra: Sequence[str] = ()) -> Composed:
    """Composes; inside of `hydra_at` only.

    `experiment=package.module:Class` takes the place of a YAML file: the experiment has its class's defaults, and the
    rest is as conf/config.yaml has it. Hydra's own config names it in `runtime.choices.experiment`, as any other.

    Args:
        of_hydra: overrides of Hydra's own settings, as a sweep has.

    Raises:
        HarnessError: words that are no overrides, or files that do not compose.
    """
    from hydra import compose as hydra_compose
    from omegaconf import OmegaConf

    check_words(words)
    chosen, others = _chosen_class(with_models(words))
    with explained():
        config = hydra_compose("config", overrides=[*map(free, others), *of_hydra], return_hydra_config=True)
    hydra = config.hydra
    if chosen:
        OmegaConf.set_readonly(hydra, False)
        OmegaConf.update(hydra, "runtime.choices.experiment", class_name(chosen), force_add=True)
    OmegaConf.set_struct(config, False)
    OmegaConf.set_readonly(config, False)
    del config["hydra"]
    return config, hydra


def finished(composed: Composed, words: Sequence[str]) -> tuple[dict[str, Any], str]:
    """The composed config with every override in it, and the experiment's name; in `hydra_at` only.

    Raises:
        HarnessError: a value is missing.
    """
    config, hydra = composed
    choices = hydra.runtime.choices
    settle_names(config, choices, words)
    with explained():
        engine = config.get("engine")
        if hasattr(engine, "get") and engine.get("_target_") == DRY_ENGINE and config.get("runs") == "runs":
            config["runs"] = DRY_RUNS
        return plain(config), str(choices.experiment)


def check_words(words: Sequence[str]) -> None:
    """Refuses words that Hydra would misunderstand; inside of `hydra_at` only.

    Raises:
        HarnessError: with the word to write instead.
    """
    for word, following in itertools.zip_longest(words, words[1:], fillvalue=""):
        check_word(word, _keys(), following)
        override = parsed(word)
        if key_of(word) in GROUPS and not override.is_sweep_override() and not override.is_delete():
            check_choice(word, override.value())
            _check_spelling(key_of(word), override.value())


def _check_spelling(group: str, name: Any) -> None:
    """Refuses a name in other capitals, which macOS and Windows would find: runs and claims go by the name."""
    known = options(group)
    if isinstance(name, str) and name not in known and name.casefold() in map(str.casefold, known):
        raise HarnessError(_no_option(group, name))


@functools.cache
def _keys() -> tuple[str, ...]:
    """The keys of conf/config.yaml."""
    return (*GROUPS, *(key for key in read_yaml(own_conf() / "config.yaml") if key != "defaults"))


def parsed(word: str) -> Override:
    """An override as Hydra reads it; inside of `hydra_at` only.

    Raises:
        HarnessError: its grammar does not take it; the message has the line to type.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    from harness.config.sources import loader

    written = "experiment=class" if _names_class(word) else _home_quoted(with_models([word])[-1])
    try:
        (override,) = OverridesParser.create(config_loader=loader()).parse_overrides([written])
    except (HydraException, RecursionError, ValueError) as error:
        raise HarnessError(_unread(word, error)) from error
    return override


def _unread(word: str, error: Exception) -> str:
    key = key_of(word)
    if not re.fullmatch(r"[\w.@/:-]+", key):
        return f"{word}: {key!r} is no name of a setting; write key=value, as experiment=pTrue"
    value = word.partition("=")[2]
    if value.lstrip()[:1] in ("[", "{") and value.rstrip()[-1:] in ("]", "}"):
        first = next((line for line in str(error).splitlines() if line.strip()), "")
        return f"{word}: {first}; put quotes around texts inside of it"
    return f"{word}: Hydra reads some of these characters as signs of its own; for one text, type {to_type(word)}"


def has_yaml(experiment: str, config_dir: Path | None) -> bool:
    """Whether an experiment has a file of its own, in `conf` or a further folder; one chosen by its class has none."""
    return experiment in config_files("experiment", config_dir)


def _names_class(word: str) -> bool:
    return word.startswith("experiment=") and ":" in word


def _chosen_class(words: Sequence[str]) -> tuple[str, list[str]]:
    """The experiment's "module:Class" where the last choice is one, else ""; and overrides that Hydra understands."""
    choices = [word.partition("=")[2] for word in words if word.partition("=")[0] == "experiment"]
    last = choices[-1] if choices else ""
    if ":" not in last:
        return "", [word for word in words if not _names_class(word)]
    module, _, name = last.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), name]):
        raise HarnessError(f"experiment={last}: give a module and a class of it, as mine.sure:Sure")
    others = [word for word in words if not word.startswith("experiment=")]
    return last, ["~experiment", f"++experiment._target_={module}.{name}", *others]


def class_name(chosen: str) -> str:
    """The name of an experiment without YAML: "mine.sure:BeingSure" is "beingSure"."""
    name = chosen.rpartition(":")[2]
    return name[:1].lower() + name[1:]


def plain(config: DictConfig) -> dict[str, Any]:
    """A config resolved, as plain values.

    Raises:
        HarnessError: a value is missing.
    """
    from omegaconf import OmegaConf

    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise HarnessError(f"not set: {', '.join(missing)}; give it a value: {missing[0]}=...")
    return typing.cast("dict[str, Any]", OmegaConf.to_container(config, resolve=True))


def free(word: str) -> str:
    """Lets an override name any key, whether or not the YAML spells it out: the dataclasses say which keys exist."""
    key = word.partition("=")[0]
    word = _home_quoted(word)
    choice = key in GROUPS or "/" in key or "@" in key or key.startswith("hydra")
    return word if choice or key[:1] in "+~" else f"++{word}"


def _home_quoted(word: str) -> str:
    """A word with quotes around the paths in home folders (`runs=~/x`), which Hydra's grammar does not know."""
    key, _, value = word.partition("=")
    if any(c in value for c in "'\"()[]{}"):
        return word
    paths = [f"'{path}'" if path.startswith("~") else path for path in value.split(",")]
    return f"{key}={','.join(paths)}" if value.startswith("~") or ",~" in value else word


@contextmanager
def explained() -> Iterator[None]:
    """Turns what Hydra and OmegaConf refuse into one line.

    Both raise errors of every kind for config files of an unexpected shape, hence the list.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise HarnessError(_explain(error)) from error
    except RecursionError as error:
        raise HarnessError("the config files cannot be composed: the `defaults` of one lead back to itself") from error
    except (YAMLError, AssertionError, AttributeError, KeyError, IndexError, TypeError, ValueError, OSError) as error:
        raise HarnessError(f"the config files cannot be composed: {one_line(error)}") from error


def _explain(error: Exception) -> str:
    """Hydra's message in one line, with the nearest valid name."""
    text = str(error)
    if match := re.search(r"Could not find '([^']+)/([^'/]+)'", text):
        return _no_option(match[1], match[2])
    if match := re.search(r"Could not override '([^']+)'", text):
        return f"there is no {match[1]} to be replaced; to add one, write +{match[1]}=NAME"
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()] or [type(error).__name__]
    first = " ".join(lines[: 1 + lines[0].endswith(":")])  # one that ends so only announces the next
    if missing := re.search(r"Environment variable '([^']*)' not found", first):
        first = f"the environment variable {missing[1]} is not set; set it, or write ${{oc.env:{missing[1]},DEFAULT}}"
    override = getattr(error, "override", None) or getattr(error, "full_key", None)
    return f"{override.lstrip('+')}: {first}" if override else first


def _no_option(group: str, name: str) -> str:
    known = [one for one in options(group) if not (group == "hydra/launcher" and one == "basic")]
    here = f"; a folder is model=./{name}" if group == "model" and Path(name).is_dir() else ""
    return f"there is no {group} {name!r}{nearest(name, known)}{here}"
