"""Models: a name in the config to a local folder of weights with a fingerprint."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.fingerprints import fingerprint
from harness.rendering import Style

HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
WEIGHTS_INDEX = "model.safetensors.index.json"
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model", "tekken.json", "tiktoken.model")
DESCRIPTIONS = ("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken")


@dataclass(frozen=True, slots=True)
class LocalModel:
    """Weights and tokenizer on this machine.

    Attributes:
        path: a folder in Hugging Face format (config, safetensors, tokenizer).
        fingerprint: 16 hex digits over the content of every weight, config, tokenizer and template file; the same
            wherever the folder lies.
    """

    path: Path
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model as the config names it.

    Attributes:
        source: a Hugging Face hub id, a local folder or .gguf file, or "package:NAME" for a Python package that
            carries a GGUF file.
        name: what runs and references call it; empty is the last part of the source.
        revision: hub branch, tag or commit; None is the default branch.
        style: how prompts are written, see `rendering.Renderer`.
        trust_remote_code: whether Python code that lies beside the weights may run.
    """

    source: str
    name: str = ""
    revision: str | None = None
    style: Style = "auto"
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        if not self.source:
            raise HarnessError("model.source is empty; give a hub id (Qwen/Qwen3-0.6B), a local folder or a .gguf file")
        if not self.name:
            # A frozen dataclass has no other way to derive one field from another.
            object.__setattr__(self, "name", self.source.rstrip("/").rsplit("/", 1)[-1].removeprefix("package:"))

    def resolve(self) -> LocalModel:
        """Brings the model to this machine: downloads or converts it where needed, checks it, fingerprints it.

        Raises:
            HarnessError: no such package, folder or hub model; no access to it; its files are incomplete, or only
                pickled weights are there; there is no room for it.
        """
        folder = self._folder()
        files = _weights(folder) + _descriptions(folder)
        if self.trust_remote_code:
            files += sorted(folder.glob("*.py"))
        return LocalModel(folder, fingerprint(files, cache_folder() / "hashes"))

    def _folder(self) -> Path:
        from harness.conversion import converted

        if self.source.startswith("package:"):
            return converted(_packaged_gguf(self.source.removeprefix("package:")), cache_folder() / "models")
        path = Path(self.source).expanduser()
        if path.is_file() and path.suffix == ".gguf":
            return converted(path.resolve(), cache_folder() / "models")
        if path.is_dir():
            return path.resolve()
        if path.exists():
            raise HarnessError(f"model.source={self.source} is a file; give the folder that holds config.json")
        if not HUB_ID.fullmatch(self.source) or self.source.startswith(".") or path.suffix == ".gguf":
            raise HarnessError(f"model.source={self.source}: there is no such folder or file, and it is no hub id")
        return _download(self.source, self.revision, code=self.trust_remote_code)


def cache_folder() -> Path:
    """Where converted models and file digests are kept: $HARNESS_CACHE, or a folder in the user's cache."""
    if own := os.environ.get("HARNESS_CACHE"):
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "self-evaluation-harness"


def _packaged_gguf(package: str) -> Path:
    from importlib.util import find_spec

    # find_spec does not run a top-level package: importing this one would need packages that are left out.
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise HarnessError(f"model.source=package:{package}: no such Python package is installed; run scripts/setup")
    found = [file for place in spec.submodule_search_locations for file in Path(place).glob("*.gguf")]
    if len(found) != 1:
        raise HarnessError(f"model.source=package:{package}: the package holds {len(found)} .gguf files, not one")
    return found[0].resolve()


def _weights(folder: Path) -> list[Path]:
    """The safetensors files of the model, all present and real."""
    import orjson

    index = folder / WEIGHTS_INDEX
    if index.is_file() and not _is_pointer(index):
        try:
            names = sorted(set(orjson.loads(index.read_bytes())["weight_map"].values()))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise HarnessError(f"{index} is damaged: {error!r}; copy or download it again") from error
        files = [folder / name for name in names]
    else:
        files = sorted(folder.glob("*.safetensors"))
    if not files:
        pickled = sorted(file.name for end in ("bin", "pt", "pth") for file in folder.glob(f"*.{end}"))
        held = f" (it holds {pickled[0]}, a pickle, which can run any code when it is loaded)" if pickled else ""
        raise HarnessError(
            f"{folder} has no .safetensors weights{held}; use a revision of the model saved as safetensors"
        )
    for file in files:
        if not file.is_file():
            raise HarnessError(f"{folder} lacks {file.name}, which {WEIGHTS_INDEX} names; copy or download it again")
        if _is_pointer(file):
            raise HarnessError(f"{file} is a Git LFS pointer, not the weights; run `git lfs pull` in its folder")
    return files


def _descriptions(folder: Path) -> list[Path]:
    """Config, tokenizer and template files."""
    if not (folder / "config.json").is_file():
        adapter = (folder / "adapter_config.json").is_file()
        fix = "merge this adapter into its base model first" if adapter else "give the folder of a Hugging Face model"
        raise HarnessError(f"{folder} lacks config.json; {fix}")
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise HarnessError(f"{folder} lacks a tokenizer ({', '.join(TOKENIZERS)}); save the tokenizer into it")
    return sorted({file for pattern in DESCRIPTIONS for file in folder.glob(pattern) if file.is_file()})


def _is_pointer(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(24) == b"version https://git-lfs."


def _download(source: str, revision: str | None, *, code: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    wanted = ["*.safetensors", *DESCRIPTIONS, *(["*.py"] if code else [])]
    label = f"model.source={source}" + (f" at revision {revision}" if revision else "")
    try:
        # Sub-folders and "consolidated" files hold the same weights once more in other formats.
        place = snapshot_download(
            source, revision=revision, allow_patterns=wanted, ignore_patterns=["*/*", "consolidated*"]
        )
    except GatedRepoError as error:
        raise HarnessError(
            f"{label}: access must be asked for on the model's hub page; then set HF_TOKEN to a token of that account"
        ) from error
    except RevisionNotFoundError as error:
        raise HarnessError(f"{label}: the model has no such branch, tag or commit") from error
    except RepositoryNotFoundError as error:
        raise HarnessError(
            f"{label}: no such folder here and no such model on the hub; check the spelling, or, for a private model, "
            "set HF_TOKEN"
        ) from error
    except LocalEntryNotFoundError as error:
        offline = "HF_HUB_OFFLINE is set" if os.environ.get("HF_HUB_OFFLINE") else "the hub cannot be reached"
        raise HarnessError(
            f"{label}: not downloaded yet, and {offline}; go online once, or give a local folder as model.source"
        ) from error
    except HFValidationError as error:
        raise HarnessError(f"{label}: neither a folder here nor a hub id; {error}") from error
    except OSError as error:
        raise HarnessError(
            f"{label}: download failed ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}); "
            "the same command goes on from what is there"
        ) from error
    return Path(place)
