"""Settings of vLLM for runs that read or change activations: eager mode, one process, one GPU.

Plain runs never come here, so that they keep CUDA graphs and vLLM's own choice of everything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from harness.calls.calls import Capability
from harness.engines.base import Engine, EngineSettings
from harness.engines.phases import phase
from harness.engines.vllm.engine import CAN, VLLM, VLLMEngine
from harness.errors import HarnessError
from harness.models.model import LocalModel, Model

INSIDE: frozenset[Capability] = frozenset({"read", "intervene"})

RUNNER = "VLLM_USE_V2_MODEL_RUNNER"

_ONE = "it reads and changes activations in one process on one GPU; engine=transformers spreads a model by device_map"
_EAGER = "hooks are silent in captured graphs and compiled models"
_SPLIT = "it splits a step, whose rows are then others than those planned"

REFUSED: Mapping[str, tuple[Any, str]] = {
    "tensor_parallel_size": (1, _ONE),
    "pipeline_parallel_size": (1, _ONE),
    "prefill_context_parallel_size": (1, _ONE),
    "decode_context_parallel_size": (1, _ONE),
    "distributed_executor_backend": ("uni", _ONE),
    "enforce_eager": (True, _EAGER),
    "enable_dbo": (False, _SPLIT),
    "kv_sharing_fast_prefill": (False, "it computes only the last token in some blocks"),
}
"""Arguments of vLLM with the only value that they may have here, and why."""


@dataclass(frozen=True, kw_only=True)
class OpenVLLM(VLLM):
    """`engine=vllm` where a run asks for activations: `make_job` puts it in the place of `VLLM`.

    Raises:
        HarnessError: an argument that does not go with it.
    """

    can: ClassVar[frozenset[Capability]] = CAN | INSIDE

    def __post_init__(self) -> None:
        for name, (only, why) in REFUSED.items():
            if (given := self.args.get(name)) not in (None, only):
                raise HarnessError(
                    f"engine.args.{name}={given} does not go with reading or changing activations: {why}"
                )

    def load(self, model: Model) -> Engine:
        """Loads the model, and tries on a few tokens whether its activations are read and changed as they should be.

        Raises:
            HarnessError: as `VLLM.load`; or the type of the model is not known, or the trial shows another result.
        """
        from harness.engines.vllm.self_test import self_test

        with first_runner():
            engine = super().load(model)
        assert isinstance(engine, VLLMEngine)
        try:
            phase("test of activations")
            self_test(engine, engine.open())
        except BaseException:
            engine.close()
            raise
        if engine.identity["device"] == "cuda":
            engine.identity["inside"] = "eager"
        return engine

    def engine_args(self, local: LocalModel, args: dict[str, Any], *, code: bool, cuda: bool) -> dict[str, Any]:
        """As in `VLLM`, and eager on a GPU, too."""
        own = {"enforce_eager": True, "async_scheduling": False}
        return super().engine_args(local, own | args, code=code, cuda=cuda)


def opened(settings: EngineSettings, needed: AbstractSet[Capability]) -> EngineSettings:
    """The settings of an engine for a run that needs these capabilities."""
    if type(settings) is not VLLM or not needed & INSIDE:
        return settings
    return OpenVLLM(**{f.name: getattr(settings, f.name) for f in fields(settings)})


@contextmanager
def first_runner() -> Iterator[None]:
    """Loads vLLM with its first model runner, whose batches `inside` can follow.

    Raises:
        HarnessError: the user asks for the second one.
    """
    given = os.environ.get(RUNNER)
    if given not in (None, "", "0"):
        raise HarnessError(f"{RUNNER}={given} does not go with reading or changing activations; unset it")
    _set_runner("0")
    try:
        yield
    finally:
        _set_runner(given)


def _set_runner(value: str | None) -> None:
    if value is None:
        os.environ.pop(RUNNER, None)
    else:
        os.environ[RUNNER] = value
    # vLLM reads its variables once, when the first engine of the process is loaded.
    if (envs := sys.modules.get("vllm.envs")) is not None:
        envs.disable_envs_cache()
