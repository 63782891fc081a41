"""Checks that a LoRA adapter is whole and fits its base model. Engines do not: PEFT leaves out what it does not
expect and vLLM what it does not find, both in silence, and a part of the adapter answers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.models.adapters import BEFORE, MATRICES, WEIGHTS, adapter_base, adapter_config, rank_of
from harness.models.checkpoint import AGAIN, Tensor, read_header

GO_ON = "model.weights=unchecked"
TIED = ("lm_head",)
"""Modules that are not among the weights where they are the input embedding once more."""

OTHER_PARTS = re.compile(r".+\.(lora_magnitude_vector(\.weight)?|lora_B\.bias|token_adapter\.trainable_tokens_delta)")
EMBEDDINGS = ("lm_head.weight", "lm_head.bias")
"""Tensors of those modules."""

SWITCHED = {"use_dora": "lora_magnitude_vector", "lora_bias": "lora_B.bias"}
"""Tensors of each adapted module besides its matrices, by the entry of the config that demands them."""

UNUSUAL = ("layer_replication", "target_parameters", "use_bdlora", "use_qalora")
"""Entries of the config under which matrices have other shapes or places: then only the names are checked."""

PAIRS = (("lora_A.weight", "lora_B.weight"), ("lora_embedding_A", "lora_embedding_B"))


def check_fits(folder: Path, base: Mapping[str, Tensor]) -> None:
    """Compares an adapter's matrices with its own config and with the weights that they are added to.

    The rule is W [out, in] + scale * B [out, r] A [r, in]. Modules that the base keeps in another form (quantised, or
    under other names altogether) are not compared with it.

    Args:
        base: the tensors of the base model by name.

    Raises:
        HarnessError: a tensor that no LoRA has; one of a pair without the other; another rank than the config's; a
            matrix of another shape; a module that the base lacks; a module that the config names and the adapter lacks.
    """
    config, tensors = adapter_config(folder), read_header(folder / WEIGHTS)
    _check_names(folder, config, tensors, base)
    if any(config.get(entry) for entry in UNUSUAL):
        return
    modules = _matrices(tensors)
    for module, parts in modules.items():
        _check_pair(folder, config, module, parts)
        for switch, part in SWITCHED.items():
            held = tensors.keys() & {f"{BEFORE}{module}.{part}", f"{BEFORE}{module}.{part}.weight"}
            if bool(held) != bool(config.get(switch)):
                said = f"holds {held.pop()}" if held else f"lacks {BEFORE}{module}.{part}"
                raise HarnessError(
                    f"model.adapter: {folder} {said}, but its config says {switch}={bool(config.get(switch))}; give "
                    f"the config that belongs to its tensors, or set {GO_ON}"
                )
    known = {name.rpartition(".")[0] for name in base}
    if not known & modules.keys():
        return
    for module, parts in modules.items():
        if module not in known and module not in TIED:
            raise _refusal(folder, f"changes {module}, which model.source has not")
        weight = base.get(f"{module}.weight")
        first, second = next((parts[a], parts[b]) for a, b in PAIRS if a in parts)
        given = [second[0], first[-1]]
        if weight is not None and len(weight.shape) == 2 and sorted(given) != sorted(weight.shape):
            shape = list(weight.shape)
            raise _refusal(folder, f"changes {module} by a matrix of shape {given}, that of model.source is {shape}")
    _check_targets(folder, config, modules, base)


def check_places(folder: Path, modules: Collection[str]) -> None:
    """Compares an adapter with the modules of its base, as they are called once it is loaded.

    Raises:
        HarnessError: the adapter changes one that is not there.
    """
    if any(adapter_config(folder).get(entry) for entry in UNUSUAL):
        return
    for module in _matrices(read_header(folder / WEIGHTS)):
        if module not in modules and module not in TIED:
            raise _refusal(folder, f"changes {module}, which model.source has not")


def _matrices(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, tuple[int, ...]]]:
    """The shapes of the matrices of each module, by their names there."""
    modules: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, tensor in tensors.items():
        if found := MATRICES.fullmatch(name.removeprefix(BEFORE)):
            modules.setdefault(found["module"], {})[found["part"]] = tensor.shape
    return modules


def _check_names(
    folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], base: Mapping[str, Tensor]
) -> None:
    kept = tuple(config.get("modules_to_save") or ())
    for module in kept:
        if not any(f".{module}." in name for name in tensors):
            raise HarnessError(
                f"model.adapter: {folder} lacks {module}, which its modules_to_save name; {AGAIN}, or set {GO_ON}"
            )
    for name, tensor in tensors.items():
        if not name.startswith(BEFORE):
            raise HarnessError(
                f"model.adapter: {folder} holds {name}; the names of PEFT's tensors begin with {BEFORE!r}, and "
                f"others are left out in silence: save it by save_pretrained, or set {GO_ON}"
            )
        inside = name.removeprefix(BEFORE)
        if MATRICES.fullmatch(inside) or OTHER_PARTS.fullmatch(inside):
            continue
        # PEFT saves whole embeddings, too, where they are adapted or have grown.
        same = inside.replace(".base_layer.", ".")
        whole = same in EMBEDDINGS or (same in base and base[same].shape == tensor.shape)
        whole = whole or any(re.search(rf"(^|\.){re.escape(module)}\.", inside) for module in kept)
        if not whole and not (inside.endswith(".bias") and config.get("bias", "none") != "none"):
            raise HarnessError(
                f"model.adapter: {folder} holds {name}, which is no tensor of a LoRA and not of modules_to_save; save "
                f"it by save_pretrained, or set {GO_ON}"
            )


def _check_pair(folder: Path, config: Mapping[str, Any], module: str, parts: Mapping[str, tuple[int, ...]]) -> None:
    for pair in PAIRS:
        if lacking := [part for part in pair if part not in parts]:
            if len(lacking) == 1:
                raise HarnessError(
                    f"model.adapter: {folder} lacks {BEFORE}{module}.{lacking[0]}; {AGAIN}, or set {GO_ON}"
                )
            continue
        rank, found = rank_of(config, module), (parts[pair[0]][0], parts[pair[1]][1])
        if found != (rank, rank):
            raise HarnessError(
                f"model.adapter: {folder} describes {module} as of rank {rank}, its matrices are of rank "
                f"{' and '.join(map(str, sorted(set(found))))}; give the config that belongs to them, or set {GO_ON}"
            )


def _check_targets(folder: Path, config: Mapping[str, Any], modules: Iterable[str], base: Mapping[str, Tensor]) -> None:
    """The modules with matrices are the ones that `target_modules` names: PEFT leaves others out, vLLM does not."""
    target = config.get("target_modules")
    if not target or target == "all-linear" or config.get("layer_replication"):
        return
    adapted = set(modules)
    for module in sorted(adapted):
        if not _named(target, module):
            raise HarnessError(
                f"model.adapter: {folder} holds matrices of {module}, which its target_modules do not name; give the "
                f"config that belongs to them, or set {GO_ON}"
            )
    places = {
        name.removesuffix(".weight") for name, t in base.items() if name.endswith(".weight") and len(t.shape) == 2
    }
    wanted = {place for place in places if _named(target, place) and _chosen(config, place)}
    if lacking := sorted(wanted - adapted):
        raise HarnessError(
            f"model.adapter: {folder} lacks the matrices of {lacking[0]}, which its target_modules name; {AGAIN}, "
            f"or set {GO_ON}"
        )


def _named(target: str | list[str], module: str) -> bool:
    """Whether PEFT takes a module for one of the target: a pattern of whole names, or a list of their ends."""
    if isinstance(target, str):
        return re.fullmatch(target, module) is not None
    return any(module == one or module.endswith(f".{one}") for one in target)


def _chosen(config: Mapping[str, Any], module: str) -> bool:
    """Whether a module is not excluded, and of a layer that is to be changed."""
    if (excluded := config.get("exclude_modules")) and _named(excluded, module):
        return False
    layers = config.get("layers_to_transform")
    if layers is None or layers == []:
        return True
    number = re.match(r".*?\.(\d+)\.", module)
    return number is not None and int(number[1]) in ([layers] if isinstance(layers, int) else layers)


def _refusal(folder: Path, said: str) -> HarnessError:
    made_for = adapter_base(folder)
    hint = f" It says that it was made for {made_for}" if made_for else ""
    return HarnessError(f"model.adapter: {folder} {said}; wrong base model?{hint}")
