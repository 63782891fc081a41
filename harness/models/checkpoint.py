"""Finds the safetensors files of a model or an adapter and reads their headers; no weight is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.models.hub import is_pointer

WEIGHTS_INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
PACKED = ("I8", "U8", "I16", "U16", "I32", "U32", "F4")
"""Types of safetensors in which quantised weights lie."""
NO_PARAMETERS = ("I64", "U64", "BOOL")
"""Types of indices and masks."""

SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d+)-of-(?P<total>\d+)\.safetensors")
AGAIN = "copy or download it again"


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor as the header of its file describes it: its type in the words of safetensors, and its shape."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Checkpoint:
    """The weights of a model on this machine.

    Attributes:
        files: the safetensors files, all present and whole.
        tensors: the tensors of each file, by name.
        index: the file that each tensor should lie in; empty where the folder has no index.
    """

    folder: Path
    files: tuple[Path, ...]
    tensors: Mapping[Path, Mapping[str, Tensor]]
    index: Mapping[str, str]

    @property
    def parameters(self) -> int | None:
        """How many numbers the weights hold. None when several are packed into one, which no header tells."""
        tensors = [tensor for held in self.tensors.values() for tensor in held.values()]
        if any(tensor.dtype in PACKED for tensor in tensors):
            return None
        return sum(prod(tensor.shape) for tensor in tensors if tensor.dtype not in NO_PARAMETERS)

    def all_tensors(self) -> dict[str, Tensor]:
        """All tensors by name, even where the index says otherwise."""
        return {name: tensor for file in self.files for name, tensor in self.tensors[file].items()}

    def merged(self) -> dict[str, Tensor]:
        """All tensors by name. "consolidated" files hold the same weights once more, in another format.

        Raises:
            HarnessError: the index contradicts the files, two files hold the same tensor, or `model.safetensors` lies
                beside an index of other files, so that one engine would read the one and one the other.
        """
        for name, home in self.index.items():
            if name not in self.tensors[self.folder / home]:
                raise HarnessError(f"{self.folder / home} lacks {name}, which {WEIGHTS_INDEX} says it holds; {AGAIN}")
        single = self.folder / SINGLE
        if self.index and single.is_file() and single not in self.files:
            raise HarnessError(
                f"{self.folder} holds {SINGLE} and a {WEIGHTS_INDEX} that names other files; engines differ in the one "
                "that they read, so remove the one that is not the model"
            )
        merged: dict[str, Tensor] = {}
        homes: dict[str, str] = {}
        for file in self.files:
            if len(self.files) > 1 and file.name.startswith("consolidated"):
                continue
            for name, tensor in self.tensors[file].items():
                if name in homes:
                    raise HarnessError(
                        f"{self.folder} holds {name} twice, in {homes[name]} and {file.name}; remove the file that is "
                        "not the model's"
                    )
                merged[name], homes[name] = tensor, file.name
        return merged


def find_checkpoint(folder: Path) -> Checkpoint:
    """The weights of a model.

    Raises:
        HarnessError: there are none, only pickled ones, or a file is missing, damaged, cut off or a Git LFS pointer.
    """
    index = folder / WEIGHTS_INDEX
    named = _read_index(index) if index.is_file() and not is_pointer(index) else {}
    files = [folder / name for name in sorted(set(named.values()))] or sorted(folder.glob("*.safetensors"))
    if not files:
        held = pickled(folder)
        raise HarnessError(
            f"{folder} has no .safetensors weights{held}; use a revision of the model saved as safetensors"
        )
    for file in files:
        if not file.is_file():
            raise HarnessError(f"{folder} lacks {file.name}, which {WEIGHTS_INDEX} names; {AGAIN}")
        if is_pointer(file):
            raise HarnessError(f"{file} is a Git LFS pointer, not the weights; run `git lfs pull` in its folder")
    if not named:
        _check_shards(folder, files)
    return Checkpoint(folder, tuple(files), {file: read_header(file) for file in files}, named)


def read_header(file: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, from its header.

    Raises:
        HarnessError: the header is damaged, or the file is shorter or longer than the header says.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np") as content:
            slices = {name: content.get_slice(name) for name in content.keys()}  # noqa: SIM118
            return {name: Tensor(part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}
    except (SafetensorError, OSError, ValueError) as error:
        raise HarnessError(f"{file} is damaged or cut off: {error}; {AGAIN}") from error


def pickled(folder: Path) -> str:
    """A remark on pickled weights in a folder, "" where there are none."""
    found = sorted(file.name for end in ("bin", "pt", "pth") for file in folder.glob(f"*.{end}"))
    return f" (it holds {found[0]}, a pickle, which can run any code when it is loaded)" if found else ""


def _read_index(index: Path) -> dict[str, str]:
    """The file of each tensor."""
    import orjson

    try:
        content: Any = orjson.loads(index.read_bytes())
        named = dict(content["weight_map"])
        if not named:
            raise ValueError("it names no tensor")
        if strange := [file for file in named.values() if Path(file).name != file]:
            raise ValueError(f"{strange[0]!r} is no file name")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HarnessError(f"{index} is damaged: {error!r}; {AGAIN}") from error
    return named


def _check_shards(folder: Path, files: Iterable[Path]) -> None:
    """Checks that all shards are there, by the numbers in their names, if no index lists them."""
    found: dict[tuple[str, str], set[int]] = {}
    for file in files:
        if shard := SHARD.fullmatch(file.name):
            found.setdefault((shard["stem"], shard["total"]), set()).add(int(shard["number"]))
    for (stem, total), numbers in found.items():
        first = 0 if 0 in numbers else 1
        wanted = range(first, first + int(total))
        if lacking := [number for number in wanted if number not in numbers]:
            name = f"{stem}-{lacking[0]:0{len(total)}}-of-{total}.safetensors"
            raise HarnessError(
                f"{folder} lacks {name}: the names of the others say that there are {int(total)} files; {AGAIN}"
            )
