"""An engine whose packages are not installed says so before anything is fetched or asked."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec

import pytest

from harness.engines.base import EngineSettings
from harness.engines.transformers.engine import Transformers
from harness.engines.vllm.engine import VLLM
from harness.errors import HarnessError
from harness.models.model import Model


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            VLLM(),
            r"engine=vllm needs vllm and torch: pip install '.*\[gpu\]' or .*\[cpu\]'",
        ),
        (
            Transformers(),
            r"engine=transformers needs torch and accelerate: pip install 'self.*\[transformers\]', or",
        ),
    ],
    ids=["vllm", "transformers"],
)
def test_a_missing_engine_names_the_extra(
    settings: EngineSettings, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in ("vllm", "torch", "accelerate") else installed(name, package)

    monkeypatch.setattr("harness.engines.needs.find_spec", find_spec)
    with pytest.raises(HarnessError, match=message):
        settings.load(Model(source="/no/such/folder"))
