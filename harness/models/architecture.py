"""Compares the tensors of a checkpoint with the tensors that its architecture needs, before any engine loads it.

Engines do not: with one matrix taken out of a checkpoint, both load the rest, leave random numbers in its place and
answer. The comparison is transformers' own loading, with tensors that have a shape and no content, so that it knows
every renaming, tied embedding and buffer that transformers knows. It reads the headers of the files alone.

Two rules cover what that cannot:

* A quantised matrix lies in the file as several tensors in a format of its quantiser. Any of them stands for the
  matrix, and their shapes are not compared; but none may lack that most matrices of the same name have.
* Where transformers does not know the architecture, the numbers in the names must be without a gap, and reach
  `num_hidden_layers`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.console import log
from harness.errors import HarnessError
from harness.files import json_of
from harness.models.checkpoint import AGAIN, NO_PARAMETERS, PACKED, Checkpoint, Tensor, find_checkpoint

GO_ON = "model.weights=unchecked"
BUFFERS = ("inv_freq", "masked_bias", "cos_cached", "sin_cached", "position_ids")
"""Last parts of names of buffers that older versions of transformers saved, and newer ones compute."""

FULL = ("F16", "BF16", "F32", "F64")
"""Types in which a number is a number: shapes can be compared."""


@dataclass(frozen=True)
class Difference:
    """Differences between a checkpoint and its architecture.

    Attributes:
        lacking: tensors that the architecture needs.
        strange: tensors that it has no place for.
        unequal: name, shape in the file and shape in the architecture.
        whole: name and type of weights that are whole numbers although no quantiser made them.
        prefix: a needless prefix of every name.
    """

    lacking: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()
    unequal: tuple[tuple[str, list[int], list[int]], ...] = ()
    whole: tuple[tuple[str, str], ...] = ()
    prefix: str = ""


def check_architecture(folder: Path, *, code: bool, key_mapping: Mapping[str, str] | None = None) -> set[str]:
    """Compares the weights of a folder with its config.

    Args:
        code: whether Python code beside the weights may run.
        key_mapping: renamings of tensors that the user asks for, as `from_pretrained` takes them.

    Returns:
        Names of the modules that the loaded model has; none where transformers does not know the architecture.

    Raises:
        HarnessError: naming the tensors that are lacking, strange or of another shape.
    """
    checkpoint = find_checkpoint(folder)
    tensors = checkpoint.merged()
    if lacking := list(_lacking_parts(tensors)):
        raise HarnessError(
            f"{folder} lacks {_listed(lacking)}, which other matrices of that name have; {AGAIN}, or set {GO_ON}"
        )
    models = _models(folder, code)
    if not models:
        _check_numbers(checkpoint, tensors)
        log(f"transformers cannot build {folder.name}: of its weights, only the numbering of the layers is checked")
        return set()
    quantised = _is_quantised(folder, models[0].config)
    found = [_compare(model, tensors, quantised, key_mapping) for model in models]
    # A model of text and images has places for tensors that its text model has not.
    strange = set.intersection(*(set(one.strange) for one in found))
    first = replace(found[0], strange=tuple(sorted(strange)))
    if first != Difference():
        raise HarnessError(_message(folder, type(models[0]).__name__, first))
    return {name for name, _ in models[0].named_modules()}


def _models(folder: Path, code: bool) -> list[Any]:
    """The model without content, as the engine of transformers loads it, and as its config calls it."""
    import torch
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=code)
    except (OSError, ValueError, KeyError, ImportError):
        return []
    models: list[Any] = []
    with torch.device("meta"):
        try:
            models.append(transformers.AutoModelForCausalLM.from_config(config, trust_remote_code=code))
        except Exception:  # any error of a model's code that cannot be made without content
            models = []
        for name in getattr(config, "architectures", None) or ():
            named = getattr(transformers, str(name), None)
            if isinstance(named, type) and named not in map(type, models):
                with suppress(Exception):
                    models.append(named._from_config(config))  # type: ignore[attr-defined]
    return models


def _is_quantised(folder: Path, config: Any) -> bool:
    return getattr(config, "quantization_config", None) is not None or (folder / "hf_quant_config.json").is_file()


def _compare(
    model: Any, tensors: Mapping[str, Tensor], quantised: bool, key_mapping: Mapping[str, str] | None
) -> Difference:
    packed = {module for name in tensors for module, part in [_parts(name)] if part not in ("weight", "bias")}
    given = {name: tensor.shape for name, tensor in tensors.items()}
    if quantised:
        given |= {f"{module}.weight": (1, 1) for module in packed}
    info, places = _load_without_content(model, given, key_mapping)
    if info is None:  # tensors that transformers joins into one do not fit together
        return Difference() if quantised else Difference(lacking=tuple(_gaps(tensors)) or ("some of its tensors",))
    buffers = {name for name, _ in model.named_buffers()}
    prefix = f"{model.base_model_prefix}."
    strange = {
        name
        for name in info["unexpected_keys"]
        if name.rsplit(".", 1)[-1] not in BUFFERS and not buffers & {name, prefix + name}
    }
    lacking = set(info["missing_keys"])
    unequal = {name: (list(held), list(wanted)) for name, held, wanted in info["mismatched_keys"]}
    if quantised:
        strange = {name for name in strange if name in tensors and _parts(name)[1] in ("weight", "bias")}
        begun = {re.split(r"_[a-z]+$|:", name)[0] for name in tensors}
        lacking -= begun
        unequal = {
            name: shapes
            for name, shapes in unequal.items()
            if name in tensors and tensors[name].dtype in FULL and _parts(name)[0] not in packed
        }
    weights = {name for name, _ in model.named_parameters()}
    whole = [
        (name, tensor.dtype)
        for name, tensor in sorted(tensors.items())
        if not quantised and tensor.dtype in (*PACKED, *NO_PARAMETERS) and weights & {name, prefix + name}
    ]
    # transformers takes "model.model.layers" for "model.layers"; vLLM does not.
    doubled = {prefix + name for name in places} - set(places)
    doubled &= set(tensors)
    return Difference(
        tuple(sorted(lacking)),
        tuple(sorted(strange)),
        tuple((name, *unequal[name]) for name in sorted(unequal)),
        tuple(whole),
        prefix if 2 * len(doubled) > len(tensors) else _prefix(lacking, strange),
    )


def _load_without_content(
    model: Any, shapes: Mapping[str, tuple[int, ...]], key_mapping: Mapping[str, str] | None
) -> tuple[Mapping[str, Any] | None, Collection[str]]:
    """The report of transformers on a load, and the model's tensor names; nothing if shapes conflict."""
    import copy

    import torch
    import transformers

    config = copy.deepcopy(model.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    log = transformers.utils.logging
    before = log.get_verbosity()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        state = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
        loaded, info = type(model).from_pretrained(
            None,
            config=config,
            state_dict=state,
            device_map="meta",
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            key_mapping=dict(key_mapping) if key_mapping else None,
        )
    except RuntimeError:
        return None, ()
    finally:
        log.set_verbosity(before)
    return info, set(loaded.state_dict())


def _parts(name: str) -> tuple[str, str]:
    """A tensor's module and its part there: ("q_proj", "weight.absmax") for "q_proj.weight.absmax"."""
    module, dot, rest = name.partition(".weight.")
    if dot:
        return module, f"weight.{rest}"
    module, _, part = name.rpartition(".")
    return module, part


def _lacking_parts(tensors: Mapping[str, Tensor]) -> Iterator[str]:
    """Tensors of quantised matrices that most of the matrices of the same name in other layers have."""
    parts: dict[str, dict[str, str]] = {}
    for name, tensor in tensors.items():
        module, part = _parts(name)
        parts.setdefault(module, {})[part] = tensor.dtype
    alike: dict[str, list[str]] = {}
    for module in parts:
        alike.setdefault(re.sub(r"\d+", "#", module), []).append(module)
    for modules in alike.values():
        kinds = Counter(frozenset(parts[module].items()) for module in modules)
        for module in modules:
            own = frozenset(parts[module].items())
            fuller = [kind for kind, count in kinds.items() if count > kinds[own] and own < kind]
            packed = any(part not in ("weight", "bias") or dtype not in FULL for part, dtype in own)
            if packed and fuller:
                yield from (f"{module}.{part}" for part, _ in sorted(fuller[0] - own))


def _gaps(names: Iterable[str]) -> Iterator[str]:
    """Names that lack in a numbered list: x.2.w, where there are x.1.w, x.3.w and another x.2."""
    lists: dict[str, dict[str, set[int]]] = {}
    for name in names:
        if found := re.fullmatch(r"(.*)\.(\d+)\.(.*?)", name):
            before, number, after = found.groups()
            lists.setdefault(before, {}).setdefault(after, set()).add(int(number))
    for before, kinds in sorted(lists.items()):
        everything = set().union(*kinds.values())
        for after, numbers in sorted(kinds.items()):
            yield from (f"{before}.{number}.{after}" for number in sorted(everything - numbers))


def _check_numbers(checkpoint: Checkpoint, tensors: Iterable[str]) -> None:
    """The second rule: the list of layers is whole."""
    lists: dict[str, set[int]] = {}
    for name in tensors:
        for found in re.finditer(r"\.(\d+)(?=\.)", f".{name}"):
            lists.setdefault(f".{name}"[1 : found.start()], set()).add(int(found[1]))
    longest = max((len(numbers) for numbers in lists.values()), default=0)
    try:
        layers = json_of((checkpoint.folder / "config.json").read_bytes()).get("num_hidden_layers")
    except (OSError, ValueError, AttributeError):
        layers = None
    for before, numbers in lists.items():
        if len(numbers) < longest:  # such as the places of the layers that have weights, in a sequence with others
            continue
        wanted = max(max(numbers) + 1, layers if isinstance(layers, int) else 0)
        if lacking := sorted(set(range(wanted)) - numbers):
            raise HarnessError(f"{checkpoint.folder} holds no tensor of {before}.{lacking[0]}; {AGAIN}, or set {GO_ON}")


def _message(folder: Path, architecture: str, found: Difference) -> str:
    fix = AGAIN
    if found.prefix:
        return (
            f"{folder}: the names of its tensors begin with {found.prefix!r}, which those of {architecture} do not; "
            f"save the model itself and not what it was wrapped in, or set {GO_ON}"
        )
    said = []
    if found.lacking:
        said.append(f"it lacks {_listed(found.lacking)}")
    if found.unequal:
        shapes = [f"{name} of shape {held} instead of {wanted}" for name, held, wanted in found.unequal]
        said.append(f"it holds {_listed(shapes)}")
    if found.whole:
        kinds = [f"{name} as whole numbers ({dtype})" for name, dtype in found.whole]
        said.append(f"it holds {_listed(kinds)} and names no quantiser")
    if found.strange:
        said.append(f"{architecture} has no place for {_listed(found.strange)}")
        fix = "give the config.json that belongs to the weights"
    return (
        f"{folder} does not hold the weights that its config.json describes: {'; '.join(said)}; {fix}, or set {GO_ON}"
    )


def _prefix(lacking: Collection[str], strange: Collection[str]) -> str:
    """The prefix of most strange names that are right without it."""
    wanted = set(lacking)
    before = Counter(
        name[: dot.end()] for name in strange for dot in re.finditer(r"\.", name) if name[dot.end() :] in wanted
    )
    prefix, count = before.most_common(1)[0] if before else ("", 0)
    return prefix if 2 * count > len(strange) else ""


def _listed(names: Collection[str], most: int = 3) -> str:
    shown = list(names)[:most]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
