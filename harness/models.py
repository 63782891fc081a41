"""Models: a name in the config to a local folder of weights with a fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.rendering import Style


@dataclass(frozen=True, slots=True)
class LocalModel:
    """Weights and tokenizer on this machine.

    Attributes:
        path: a folder in Hugging Face format (config, safetensors, tokenizer).
        fingerprint: 16 hex digits over the content of every weight, config and tokenizer file.
    """

    path: Path
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model as the config names it.

    Attributes:
        name: what runs and references call it.
        source: a Hugging Face hub id, a local folder, or "package:NAME" for a Python package that carries a GGUF file.
        revision: hub branch, tag or commit; None is the default branch.
        style: how prompts are written, see `rendering.Renderer`.
    """

    name: str
    source: str
    revision: str | None = None
    style: Style = "auto"

    def resolve(self) -> LocalModel:
        """Brings the model to this machine."""
        raise NotImplementedError
