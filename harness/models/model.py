"""Resolves a model's name in the config to a local folder of weights with a fingerprint."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date as Date
from pathlib import Path
from typing import Any, Literal

from harness.errors import HarnessError
from harness.files import user_path
from harness.models import adapters
from harness.models.adapter_checks import check_fits, check_places
from harness.models.architecture import check_architecture
from harness.models.checkpoint import WEIGHTS_INDEX, find_checkpoint
from harness.models.descriptions import check_descriptions
from harness.models.fingerprints import fingerprint
from harness.models.hub import HUB_ID, download
from harness.models.packaged import packaged_gguf
from harness.models.snapshot import Snapshot
from harness.models.tokenizer_notes import load_noted
from harness.prompting.rendering import Bos, Renderer, Style
from harness.prompting.templates import DATE, System
from harness.prompting.thinking import Thinking
from harness.prompting.tokens import HFTokenizer, Tokenizer

TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model", "tekken.json", "tiktoken.model")
DRY = "fake:"
"""Before the name of a model in a dry run, where nobody asks it."""
_CACHED = re.compile(r"/models--(?:[^/]+--)?([^/]+)/snapshots/[0-9a-f]+/?$")
DESCRIPTIONS = ("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken")


@dataclass(frozen=True, slots=True)
class LocalModel:
    """Weights and tokenizer on this machine.

    Attributes:
        path: a folder in Hugging Face format (config, safetensors, tokenizer).
        fingerprint: 16 hex digits over the content of every weight, config, tokenizer and template file; the same
            wherever the folder lies. An adapter's files are part of it.
        adapter: folder of a LoRA adapter to be applied to the weights, see `harness.models.adapters`; None is none.
        snapshot: the files as they were before they were fingerprinted.
        parameters: how many numbers the weights hold, as the headers of their files say, without an adapter's. None
            when they are quantised by packing several numbers into one, which no header tells, or there are none here.
    """

    path: Path
    fingerprint: str
    adapter: Path | None = None
    parameters: int | None = None
    snapshot: Snapshot = field(default_factory=Snapshot, compare=False)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model as the config names it.

    Attributes:
        source: a Hugging Face hub id, a local folder or .gguf file, or "package:NAME" for a Python package that
            carries a GGUF file.
        name: the model's name in runs and references; empty is the last part of the source. An adapter's name is
            added to it, so that a run of an adapted model cannot pass for one of its base.
        revision: hub branch, tag or commit; None is the default branch.
        adapter: a LoRA adapter: local folder or hub id ("NAME@REVISION" for one revision of it) in PEFT's format;
            empty is none. Tokenizer and chat template remain the base model's.
        style: "chat" uses the model's chat template, "plain" joins the turns as text, "auto" uses the template if
            there is one.
        bos: "auto" puts a BOS token before plain text if the model wants one, "add" before everything that lacks it,
            "leave" changes nothing.
        system: "template" leaves system messages to the template, "none" drops a default one, "merge" puts them before
            the first user message.
        date: the date for chat templates that write one; prompts never depend on the clock.
        template: variables of the model's chat template, as {"reasoning_effort": "low"}.
        thinking: the thought of a model that thinks, see `thinking.Thinking`.
        trust_remote_code: whether Python code beside the weights may run.
        weights: "checked" refuses weights that do not fit the architecture, see `harness.models.architecture`, and
            adapters that do not fit their base. "unchecked" takes them as they are; the engine's identity says so.
    """

    source: str
    name: str = ""
    revision: str | None = None
    adapter: str = ""
    # The form of prompts does not change the loaded model, so models that differ only in it share an engine.
    style: Style = field(default="auto", compare=False)
    bos: Bos = field(default="auto", compare=False)
    system: System = field(default="template", compare=False)
    date: Date = field(default=DATE, compare=False)
    template: Mapping[str, Any] = field(default_factory=dict, compare=False)
    thinking: Thinking = field(default_factory=Thinking, compare=False)
    trust_remote_code: bool = False
    weights: Literal["checked", "unchecked"] = "checked"

    def __post_init__(self) -> None:
        if not self.source:
            raise HarnessError("model.source is empty; give a hub id (Qwen/Qwen3-0.6B), a local folder or a .gguf file")
        if not self.name:
            # A frozen dataclass has no other way to derive one field from another.
            object.__setattr__(self, "name", name_of(self.source))
        adapted = "+" + self.adapter.rstrip("/").rsplit("/", 1)[-1]
        if self.adapter and not self.name.endswith(adapted):
            object.__setattr__(self, "name", self.name + adapted)

    @property
    def dry(self) -> bool:
        """Whether nobody asks it: the run is a dry run."""
        return self.name.startswith(DRY)

    def as_dry_run(self) -> Model:
        """The same model under a name which says that it was not asked."""
        return self if self.dry else replace(self, name=DRY + self.name)

    def renderer(self, tokenizer: Tokenizer, context: int) -> Renderer:
        """The renderer of prompts for this model.

        Args:
            context: the longest prompt plus reply, in tokens.

        Raises:
            HarnessError: the tokenizer's chat template cannot do what the settings ask.
        """
        return Renderer(
            tokenizer,
            self.style,
            context,
            bos=self.bos,
            system=self.system,
            day=self.date,
            variables=self.template,
            thinking=self.thinking,
        )

    def resolve(self) -> LocalModel:
        """Brings the model to this machine: downloads or converts it where needed, checks it, fingerprints it.

        Raises:
            HarnessError: no such package, folder or hub model; no access to it; its files are incomplete, or only
                pickled weights are there; there is no room for it; the adapter is none.
        """
        folder = self._folder()
        adapter = self._adapter_folder() if self.adapter else None
        # Before anything is read, so that a change made meanwhile is seen later.
        snapshot = self._snapshot(folder, adapter)
        descriptions = _descriptions(folder)
        checkpoint = find_checkpoint(folder)
        memory = cache_folder() / "hashes"
        files = [*checkpoint.files, *descriptions]
        if self.trust_remote_code:
            files += sorted(folder.glob("*.py"))
        digest = fingerprint(files, memory)
        if adapter is not None:
            own = adapters.adapter_fingerprint(adapter, memory)
            digest = hashlib.sha256(f"{digest}+{own}".encode()).hexdigest()[:16]
            if self.weights == "checked":
                check_fits(adapter, checkpoint.all_tensors())
        return LocalModel(folder, digest, adapter, checkpoint.parameters, snapshot)

    def check(self, local: LocalModel, key_mapping: Mapping[str, str] | None = None) -> None:
        """Compares the weights and the adapter with the architecture, unless `weights` is "unchecked".

        Args:
            local: this model on this machine.
            key_mapping: renamings of tensors that the engine is asked for, as `from_pretrained` takes them.

        Raises:
            HarnessError: tensors are lacking, unknown, of another shape or under other names; the message names them.
        """
        if self.weights == "checked":
            modules = check_architecture(local.path, code=self.trust_remote_code, key_mapping=key_mapping)
            if local.adapter is not None and modules:
                check_places(local.adapter, modules)

    def unchecked(self) -> dict[str, str]:
        """The entry of an engine's identity for weights that were not checked."""
        return {"weights": "unchecked"} if self.weights == "unchecked" else {}

    def resolve_tokenizer(self) -> LocalModel:
        """As `resolve`, for who needs no weights: only config, tokenizer and template are downloaded and fingerprinted.

        Raises:
            HarnessError: as `resolve`, but for the weights and the adapter, which are not looked at.
        """
        folder = self._folder(weights=False)
        files = [file for file in _descriptions(folder) if file.name != WEIGHTS_INDEX]
        return LocalModel(folder, fingerprint(files, cache_folder() / "hashes"))

    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer; no weights are downloaded or read.

        Raises:
            HarnessError: as `resolve_tokenizer`, or it cannot be read.
        """
        local = self.resolve_tokenizer()
        if self.trust_remote_code:
            return HFTokenizer.load(local.path, trust_remote_code=True)
        return load_noted(local.path, cache_folder() / "tokenizers", local.fingerprint)

    def _folder(self, weights: bool = True) -> Path:
        from harness.models.conversion import converted

        if (gguf := self._gguf()) is not None:
            return converted(gguf, cache_folder() / "models")
        path = user_path(self.source)
        if path.is_dir():
            return path.resolve()
        if path.exists():
            raise HarnessError(f"model.source={self.source} is a file; give the folder that holds config.json")
        if not HUB_ID.fullmatch(self.source) or self.source.startswith(".") or path.suffix == ".gguf":
            raise HarnessError(f"model.source={self.source}: there is no such folder or file, and it is no hub id")
        wanted = [*(["*.safetensors"] if weights else []), *DESCRIPTIONS, *(["*.py"] if self.trust_remote_code else [])]
        return download("model.source", self.source, self.revision, wanted)

    def _gguf(self) -> Path | None:
        """The file that the model is converted from; None where it is a folder."""
        if self.source.startswith("package:"):
            return packaged_gguf(self.source.removeprefix("package:"), cache_folder() / "packages")
        path = user_path(self.source)
        return path.resolve() if path.is_file() and path.suffix == ".gguf" else None

    def _snapshot(self, folder: Path, adapter: Path | None) -> Snapshot:
        gguf = self._gguf()
        patterns = ["*.safetensors", *DESCRIPTIONS, *(["*.py"] if self.trust_remote_code else [])]
        folders = {folder: patterns} | ({adapter: [adapters.CONFIG, adapters.WEIGHTS]} if adapter else {})
        return Snapshot.take(folders, [gguf] if gguf is not None else [])

    def _adapter_folder(self) -> Path:
        path = user_path(self.adapter)
        if path.is_dir():
            return path.resolve()
        name, _, revision = self.adapter.partition("@")
        if path.exists() or not HUB_ID.fullmatch(name) or name.startswith("."):
            raise HarnessError(f"model.adapter={self.adapter}: there is no such folder, and it is no hub id")
        return download("model.adapter", name, revision or None, [adapters.CONFIG, adapters.WEIGHTS])


def name_of(source: str) -> str:
    """The default name of a model: the last part of a hub id or of a folder, or the name of a package.

    A folder of the hub's cache, whose last part is a commit, is called like the model that it holds.
    """
    if source.startswith("package:"):
        return source.removeprefix("package:")
    path = Path(source).expanduser()
    if path.name in ("", "..") or source.startswith("~"):
        path = path.resolve()
    cached = _CACHED.search(path.as_posix())
    return cached[1] if cached else path.name or source


def cache_folder() -> Path:
    """The folder of converted models and file digests: $HARNESS_CACHE, or one in the user's cache."""
    if own := os.environ.get("HARNESS_CACHE"):
        return user_path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "self-evaluation-harness"


def _descriptions(folder: Path) -> list[Path]:
    """Config, tokenizer and template files."""
    if not (folder / "config.json").is_file():
        adapter = (folder / "adapter_config.json").is_file()
        fix = "give the folder of a Hugging Face model"
        if adapter:
            fix = "it is an adapter: give its base model as model.source and this as model.adapter"
        raise HarnessError(f"{folder} lacks config.json; {fix}")
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise HarnessError(f"{folder} lacks a tokenizer ({', '.join(TOKENIZERS)}); save the tokenizer into it")
    check_descriptions(folder)
    return sorted({file for pattern in DESCRIPTIONS for file in folder.glob(pattern) if file.is_file()})
