"""Reads LoRA adapters (Hu et al. 2021, arXiv:2106.09685) in PEFT's format, and tells which of them are equal."""

from __future__ import annotations

import hashlib
import io
import json
import mmap
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.models.checkpoint import pickled, read_header
from harness.models.fingerprints import remembered
from harness.models.hub import is_pointer

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
PIECE = 1 << 24
"""Bytes of a tensor that are hashed at a time."""
BEFORE = "base_model.model."
"""PEFT's prefix of the name of a module of the base model."""

MATRICES = re.compile(r"(?P<module>.+)\.(?P<part>lora_A\.weight|lora_B\.weight|lora_embedding_A|lora_embedding_B)")

NO_EFFECT = frozenset(
    {"auto_mapping", "base_model_name_or_path", "inference_mode", "peft_version", "revision", "task_type"}
    | {"corda_config", "eva_config", "loftq_config", "lora_dropout", "lora_ga_config", "runtime_config"}
    | {"megatron_config", "megatron_core"}
)
"""Entries of the config that tell where an adapter comes from, how it was trained or how it is computed."""

IN_TENSORS = frozenset({"alpha_pattern", "lora_alpha", "r", "rank_pattern", "target_modules"})
"""Entries that are told by the tensors, and by the rank and the alpha of each matrix."""

PLAIN_STARTS = frozenset({"gaussian", "eva", "orthogonal", "mica", "lora_ga"})
"""Ways to begin a training that leave the base model alone; others ("pissa") change it when the adapter is loaded."""


def adapter_fingerprint(folder: Path, memory: Path) -> str:
    """16 hexadecimal digits over what an adapter adds to a forward pass.

    That is its tensors (name, type, shape, content), the rank and alpha of each matrix, and every entry of the config
    that is set and not known to have no effect. PEFT writes `target_modules` in an order that changes from process to
    process, and the base model's path: neither counts.

    Args:
        folder: PEFT's, checked for the files that an adapter needs here.
        memory: folder that remembers the digests of large files.

    Raises:
        HarnessError: a file is missing or damaged, the weights are pickled or a Git LFS pointer, or it is no LoRA.
    """
    config, weights = adapter_config(folder), adapter_weights(folder)
    tensors = read_header(weights)
    content = remembered(weights, memory, _digest_of_tensors, kind="tensors")
    modules = sorted({found["module"] for name in tensors if (found := MATRICES.fullmatch(name))})
    scaled = {module: (rank_of(config, module), alpha_of(config, module)) for module in modules}
    settings = {key: _canonical(key, value) for key, value in config.items() if _counts(key, value, config)}
    described = json.dumps([settings, scaled], sort_keys=True)
    return hashlib.sha256(f"{content}\n{described}".encode()).hexdigest()[:16]


def adapter_weights(folder: Path) -> Path:
    """The file of an adapter's matrices.

    Raises:
        HarnessError: there is none, it is pickled or a Git LFS pointer.
    """
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise HarnessError(f"model.adapter: {folder} lacks {WEIGHTS}{pickled(folder)}; save the adapter as safetensors")
    if is_pointer(weights):
        raise HarnessError(f"{weights} is a Git LFS pointer, not the weights; run `git lfs pull` in its folder")
    return weights


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
    patterns = [config.get(key) or {} for key in ("rank_pattern", "alpha_pattern")]
    ranks = [config.get("r"), *(patterns[0].values() if isinstance(patterns[0], dict) else [None])]
    if not all(type(rank) is int and rank > 0 for rank in ranks):
        raise HarnessError(f"model.adapter: {file} has a rank that is no positive number; save the adapter again")
    alphas = [config.get("lora_alpha", 8), *(patterns[1].values() if isinstance(patterns[1], dict) else [None])]
    if not all(type(alpha) in (int, float) for alpha in alphas):
        raise HarnessError(f"model.adapter: {file} has an alpha that is no number; save the adapter again")
    for key, readable in _READABLE.items():
        if config.get(key) is not None and not readable(config[key]):
            raise HarnessError(
                f"model.adapter: {file} has {key}={str(config[key])[:80]!r}, which PEFT does not read; save it again"
            )
    return config


def _is_pattern(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        re.compile(value)
    except re.error:
        return False
    return True


def _are(kind: type, value: Any) -> bool:
    return isinstance(value, list) and all(type(one) is kind for one in value)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_pattern, value))


_READABLE: Mapping[str, Callable[[Any], bool]] = {
    "target_modules": lambda value: _is_pattern(value) or _are(str, value),
    "exclude_modules": lambda value: _is_pattern(value) or _are(str, value),
    "modules_to_save": lambda value: _are(str, value),
    "layers_to_transform": lambda value: type(value) is int or _are(int, value),
    "rank_pattern": _is_mapping,
    "alpha_pattern": _is_mapping,
}
"""Entries of the config that the checks read, and the kinds of values that they may have besides null."""


def adapter_rank(folder: Path) -> int:
    """The largest rank of an adapter's matrices."""
    config = adapter_config(folder)
    ranks: list[int] = [config["r"], *(config.get("rank_pattern") or {}).values()]
    return max(ranks)


def adapter_base(folder: Path) -> str:
    """The base model that the adapter names; only a name, "" if it names none."""
    return str(adapter_config(folder).get("base_model_name_or_path") or "")


def rank_of(config: Mapping[str, Any], module: str) -> int:
    """The rank of the matrices of a module, as PEFT finds it: the first pattern that its name ends with, or `r`."""
    return int(_by_pattern(config.get("rank_pattern"), module, config["r"]))


def alpha_of(config: Mapping[str, Any], module: str) -> float:
    """The alpha of a module, found as `rank_of` finds the rank."""
    return float(_by_pattern(config.get("alpha_pattern"), module, config.get("lora_alpha", 8)))


def _by_pattern(patterns: Mapping[str, Any] | None, module: str, default: Any) -> Any:
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return default


def _counts(key: str, value: Any, config: Mapping[str, Any]) -> bool:
    """Whether an entry of the config changes the forward pass. One that is not known does, when it is set."""
    if key in NO_EFFECT | IN_TENSORS or not value or value == "none":
        return False
    if key == "init_lora_weights":
        return isinstance(value, str) and value.lower() not in PLAIN_STARTS
    return key != "qalora_group_size" or bool(config.get("use_qalora"))


def _canonical(key: str, value: Any) -> Any:
    """Entries that PEFT keeps as sets, in order."""
    sets = ("exclude_modules", "layers_to_transform", "modules_to_save", "target_parameters")
    return sorted(value) if key in sets and isinstance(value, list) else value


def _digest_of_tensors(stream: io.BufferedReader) -> str:
    """SHA-256 over name, type, shape and content of every tensor of a safetensors file, by name."""
    import orjson

    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = 8 + int.from_bytes(content[:8], "little")
        header: dict[str, Any] = orjson.loads(content[8:start])
        total = hashlib.sha256()
        for name in sorted(header.keys() - {"__metadata__"}):
            tensor = header[name]
            begin, end = tensor["data_offsets"]
            total.update(json.dumps([name, tensor["dtype"], tensor["shape"]]).encode())
            for at in range(start + begin, start + end, PIECE):
                total.update(content[at : min(at + PIECE, start + end)])
        return total.hexdigest()
