"""Checks LoRA adapters (Hu et al. 2021, arXiv:2106.09685): what a folder in PEFT's format must hold."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.models.hub import is_pointer

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"

_A, _B = ".lora_A.weight", ".lora_B.weight"
_TIED = ("lm_head",)  # not among the weights where it is the input embedding once more


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


def check_fits(folder: Path, base: Iterable[Path]) -> None:
    """Holds an adapter's matrices against the weights that they are added to: W [out, in] + B [out, r] A [r, in].

    Engines do not: vLLM takes the adapter of a narrower or deeper model without a word and applies a part of it.
    Modules that the base keeps in another form (quantised, or under other names altogether) are not looked at.

    Args:
        base: the base model's safetensors files.

    Raises:
        HarnessError: a matrix of another shape, a module that the base lacks, or a damaged file.
    """
    weights = {name: shape for file in base for name, shape in _shapes(file).items()}
    matrices = _shapes(folder / WEIGHTS)
    modules = {name.rsplit(".", 1)[0] for name in weights}
    named = [key.removesuffix(_A) for key in matrices if key.endswith(_A)]
    places = {prefix: prefix.removeprefix("base_model.model.") for prefix in named}
    if not modules.intersection(places.values()):
        return
    for prefix, module in places.items():
        if module not in modules and module not in _TIED:
            raise HarnessError(
                f"model.adapter: {folder} changes {module}, which model.source has not; wrong base model?"
            )
        shape, a, b = weights.get(f"{module}.weight"), matrices[prefix + _A], matrices.get(prefix + _B, [])
        given = [*b[:1], *a[1:]]
        if shape is not None and len(shape) == 2 and given not in (shape, shape[::-1]):
            raise HarnessError(
                f"model.adapter: {folder} changes {module} by a matrix of shape {given}, that of model.source is "
                f"{shape}; wrong base model?"
            )


def _shapes(file: Path) -> dict[str, list[int]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np") as tensors:
            return {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise HarnessError(f"{file} is damaged: {error}; copy or download it again") from error


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
