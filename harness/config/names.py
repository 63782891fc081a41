"""What a model is called where its config says so, and what it must not be called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.config.sources import option_file
from harness.config.words import key_of
from harness.config.yaml_files import read_yaml

if TYPE_CHECKING:
    from omegaconf import DictConfig

NOT_GIVEN = object()


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
        file = option_file(f"model/{chosen}") if kind == "model" else None
        place = place or "model"
        if file is None or f"{place}.name" in map(key_of, words):
            continue
        own = read_yaml(file)
        name, source = own.get("name"), own.get("source")
        node = OmegaConf.select(config, place)
        if name and OmegaConf.is_dict(node) and node.get("name") == name and node.get("source") != source:
            del node["name"]
