"""LoRA adapters (Hu et al. 2021, arXiv:2106.09685): what a folder in PEFT's format must hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.hub import is_pointer

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"


def adapter_files(folder: Path) -> list[Path]:
    """The files that make up an adapter: its config and its weights.

    Raises:
        HarnessError: one is missing, the weights are pickled or a Git LFS pointer, or the config is not of a LoRA.
    """
    adapter_config(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        pickled = sorted(file.name for end in ("bin", "pt") for file in folder.glob(f"*.{end}"))
        held = f" (it holds {pickled[0]}, a pickle, which can run any code when it is loaded)" if pickled else ""
        raise HarnessError(f"model.adapter: {folder} lacks {WEIGHTS}{held}; save the adapter as safetensors")
    if is_pointer(weights):
        raise HarnessError(f"{weights} is a Git LFS pointer, not the weights; run `git lfs pull` in its folder")
    return [folder / CONFIG, weights]


def adapter_config(folder: Path) -> dict[str, Any]:
    """An adapter's description.

    Raises:
        HarnessError: there is none, or it is not of a LoRA.
    """
    import orjson

    file = folder / CONFIG
    if not file.is_file():
        raise HarnessError(f"model.adapter: {folder} lacks {CONFIG}; give the folder of a PEFT adapter")
    try:
        config: Any = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise HarnessError(f"{file} is damaged: {error}; copy or download it again") from error
    if not isinstance(config, dict):
        raise HarnessError(f"{file} is damaged: it describes no adapter; copy or download it again")
    kind = config.get("peft_type")
    if kind != "LORA":
        raise HarnessError(f"model.adapter: {file} describes a {kind or 'nameless'} adapter; only LORA is known here")
    patterns = config.get("rank_pattern") or {}
    ranks = [config.get("r"), *(patterns.values() if isinstance(patterns, dict) else [None])]
    if not all(type(rank) is int and rank > 0 for rank in ranks):
        raise HarnessError(f"model.adapter: {file} has a rank that is no positive number; save the adapter again")
    return config


def adapter_rank(folder: Path) -> int:
    """The largest rank of an adapter's matrices."""
    config = adapter_config(folder)
    ranks: list[int] = [config["r"], *(config.get("rank_pattern") or {}).values()]
    return max(ranks)


def adapter_base(folder: Path) -> str:
    """What the adapter says it was trained on; only a name, "" when it says nothing."""
    return str(adapter_config(folder).get("base_model_name_or_path") or "")
