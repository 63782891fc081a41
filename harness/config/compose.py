"""From overrides to plain values: composes the YAML files of `conf` with Hydra, and explains what Hydra refuses."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, nearest

if TYPE_CHECKING:
    from omegaconf import DictConfig

GROUPS = ("experiment", "task", "model", "engine", "tracker")


def compose(overrides: Sequence[str], config_dir: Path | None = None) -> tuple[dict[str, Any], str]:
    """The resolved config as plain values, and the experiment's name.

    Raises:
        HarnessError: as `load_job`, for what Hydra itself refuses.
    """
    with hydra_at(config_dir) as where:
        config, hydra = compose_raw([*where, *overrides])
        return plain(config), str(hydra.runtime.choices.experiment)


@contextmanager
def hydra_at(config_dir: Path | None) -> Iterator[list[str]]:
    """Hydra ready to compose, its refusals turned into errors of ours; gives overrides to be put before others.

    Raises:
        HarnessError: no such folder; or what Hydra refuses meanwhile.
    """
    from hydra import initialize_config_module
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    if config_dir is not None and not config_dir.is_dir():
        raise HarnessError(f"--config-dir {config_dir}: no such folder")
    with initialize_config_module(config_module="conf", version_base="1.3", job_name="harness"):
        try:
            yield [f"hydra.searchpath=[file://{config_dir.resolve()}]"] if config_dir else []
        except (HydraException, OmegaConfBaseException) as error:
            raise HarnessError(_explain(error)) from error


def compose_raw(overrides: Sequence[str]) -> tuple[DictConfig, DictConfig]:
    """The unresolved config, open to further keys, and Hydra's own; inside of `hydra_at` only.

    `experiment=package.module:Class` takes the place of a YAML file: the experiment has its class's defaults, and the
    rest is as conf/config.yaml has it. Hydra's own config names it in `runtime.choices.experiment`, as any other.
    """
    from hydra import compose as hydra_compose
    from omegaconf import OmegaConf

    for override in overrides:
        if override.startswith("--") and "=" in override:
            raise HarnessError(f"write {override.lstrip('-')}, without the dashes")
    chosen, others = _chosen_class(overrides)
    config = hydra_compose("config", overrides=[*map(free, others)], return_hydra_config=True)
    hydra = config.hydra
    if chosen:
        OmegaConf.set_readonly(hydra, False)
        OmegaConf.update(hydra, "runtime.choices.experiment", class_name(chosen), force_add=True)
    OmegaConf.set_struct(config, False)
    OmegaConf.set_readonly(config, False)
    del config["hydra"]
    return config, hydra


def has_yaml(experiment: str, config_dir: Path | None) -> bool:
    """Whether an experiment has a file of its own, in `conf` or a further folder; one chosen by its class has none."""
    import conf

    folders = [Path(next(iter(conf.__path__))), *([config_dir] if config_dir else [])]
    return any((folder / "experiment" / f"{experiment}.yaml").is_file() for folder in folders)


def _chosen_class(overrides: Sequence[str]) -> tuple[str, list[str]]:
    """The experiment's "module:Class" where the last choice is one, else ""; and overrides that Hydra understands."""
    choices = [word.partition("=")[2] for word in overrides if word.partition("=")[0] == "experiment"]
    last = choices[-1] if choices else ""
    if ":" not in last:
        return "", [word for word in overrides if not (word.startswith("experiment=") and ":" in word)]
    module, _, name = last.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), name]):
        raise HarnessError(f"experiment={last}: give a module and a class of it, as mine.sure:Sure")
    others = [word for word in overrides if not word.startswith("experiment=")]
    return last, ["~experiment", f"++experiment._target_={module}.{name}", *others]


def class_name(chosen: str) -> str:
    """What an experiment without YAML is called: "mine.sure:BeingSure" is "beingSure"."""
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


def free(override: str) -> str:
    """Lets an override name any key, whether or not the YAML spells it out: the dataclasses say which keys exist."""
    key = override.partition("=")[0]
    choice = key in GROUPS or "/" in key or key.startswith("hydra")
    return override if choice or key[:1] in "+~" else f"++{override}"


def _explain(error: Exception) -> str:
    """Hydra's message in one line, with the nearest valid name."""
    text = str(error)
    if match := re.search(r"Could not find '([^']+)/([^'/]+)'", text):
        names = [line.strip() for line in text.splitlines() if line.startswith("\t") and "provider" not in line]
        return f"there is no {match.group(1)} {match.group(2)!r}{nearest(match.group(2), names)}"
    override = getattr(error, "override", None)
    first = next(line for line in text.splitlines() if line.strip())
    return f"{override}: {first}; quote values that hold special characters" if override else first
