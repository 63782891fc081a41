"""Names of models: the name that a config gives, the default name, and names that are refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.config.sources import option_file
from harness.config.words import key_of
from harness.config.yaml_files import read_yaml

if TYPE_CHECKING:
    from omegaconf import DictConfig


def settle_names(config: DictConfig, choices: Any, words: Sequence[str]) -> None:
    """Takes away the name that a file of conf/model gives to its own source, where another source is given.

    The model is then called after the source that it has; `model.name=` given by hand stays. The same for roles.
    Inside of `hydra_at` only.

    Args:
        config: the composed config, unresolved; changed.
        choices: Hydra's: the chosen file by group, as {"model@roles.judge.model": "smollm2"}.
    """
    from omegaconf import OmegaConf

    for group, chosen in choices.items():
        kind, _, place = str(group).partition("@")
        place = place or "model"
        if kind != "model" or f"{place}.name" in map(key_of, words):
            continue
        name, its_source, _ = _named(f"model/{chosen}")
        node = OmegaConf.select(config, place)
        named = name and OmegaConf.is_dict(node) and node.get("name") == name
        if named and its_source not in (None, "???", node.get("source")):
            del node["name"]


def _named(option: str, above: Sequence[str] = ()) -> tuple[Any, Any, Any]:
    """The name in a file of conf/model, the source that bears it, and the file's source; what it extends counts."""
    file = option_file(option)
    if file is None or option in above:
        return None, None, None
    own = read_yaml(file)
    name, its_source, source = None, None, None
    for extended in own.get("defaults") or ():
        if isinstance(extended, str) and extended != "_self_":
            base = f"model/{extended.partition('@')[0].removeprefix('/model/')}"
            name, its_source, source = _named(base, (*above, option))
    source = own.get("source", source)
    return (own["name"], source, source) if own.get("name") else (name, its_source, source)
