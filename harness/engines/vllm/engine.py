"""Runs vLLM in this process: one thread steps the engine, coroutines wait for single calls, vLLM forms the batches."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from harness.calls.calls import Call, Capability, Choose, Generate, Logprobs, Read, Reply, Score
from harness.calls.interventions import behind
from harness.engines.allocator import keep_freed_memory
from harness.engines.base import Engine
from harness.engines.needs import check_installed
from harness.engines.phases import phase
from harness.engines.vllm.arguments import OWN, check_args, exact, load_failure, max_lora_rank, step_failure
from harness.engines.vllm.invariance import check_device, switch
from harness.engines.vllm.requests import FORCED, check_tokens, prompt, reply, sampling_params, spoken, whole
from harness.engines.worker import Job, Worker
from harness.errors import HarnessError, ItemError
from harness.models.adapters import adapter_rank
from harness.models.model import LocalModel, Model
from harness.processes.cores import usable_cores
from harness.processes.imports import LARGE
from harness.prompting.tokens import HFTokenizer, Tokenizer

if TYPE_CHECKING:
    from harness.engines.vllm.inside import Inside

CAN: frozenset[Capability] = frozenset({"generate", "choose", "score"})

NEEDS = "vllm", ("vllm", "torch"), ("gpu", "cpu")
"""The engine, the packages that it needs and the extras that bring them."""

MOST_NAMED_TOKENS = 128
"""vLLM's limit on `logprob_token_ids`."""

WHOLE_PROMPTS = (
    "a prompt computed in pieces makes vLLM rewind its seeded generator, which a CPU generator cannot do, and the "
    "engine would die; so a step holds the longest prompt whole"
)


@dataclass(frozen=True, kw_only=True)
class VLLM:
    """Settings of `engine=vllm`.

    Attributes:
        dtype: "auto" is float32 on a CPU (exact and independent of batching) and bfloat16 on a GPU; else a dtype that
            vLLM knows. The output head is computed in float32 with every dtype: option probabilities of a bfloat16 head
            are off by up to 0.04. args.hf_overrides={head_dtype: model} gives vLLM's own.
        max_model_len: longest prompt plus reply; None is the model's own, at most 8192.
        max_num_seqs: calls worked on at once.
        kv_cache_gib: size of the KV cache on a CPU, in GiB (a GPU uses gpu_memory_utilization).
        gpu_memory_utilization: share of the GPU's memory that vLLM may take.
        batch_invariant: use the slower kernels that give a prompt the same bits in any batch; a part of the identity.
            They exist for some GPUs only, and vLLM refuses the others by name.
        args: any other argument of vLLM's EngineArgs, see `harness.engines.vllm.arguments`.
    """

    can: ClassVar[frozenset[Capability]] = CAN
    has_weights: ClassVar[bool] = True

    dtype: str = "auto"
    max_model_len: int | None = None
    max_num_seqs: int = 256
    kv_cache_gib: float = 2.0
    gpu_memory_utilization: float = 0.9
    batch_invariant: bool = False
    args: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gpus(self) -> int:
        """Tensor times pipeline parallel size.

        Raises:
            HarnessError: one of them is no whole number above 0.
        """
        sizes = [self.args.get(name, 1) for name in ("tensor_parallel_size", "pipeline_parallel_size")]
        for size in sizes:
            if not isinstance(size, int) or size < 1:
                raise HarnessError(f"engine.args: a parallel size of {size!r}; give a whole number above 0")
        return int(sizes[0] * sizes[1])

    def tokenizer(self, model: Model) -> Tokenizer:
        """The model's own."""
        return model.tokenizer()

    def load(self, model: Model) -> Engine:
        """Loads the model, and its adapter where it has one.

        Raises:
            HarnessError: vLLM is missing or broken, an argument is refused, or the model or adapter cannot be loaded.
        """
        environment()
        switch(self.batch_invariant)
        phase("files")  # before the imports, which take half a minute: a model that is not there is told at once
        local = model.resolve()
        phase("imports")
        try:
            with LARGE:
                import torch
                import vllm
                from vllm import EngineArgs
                from vllm.usage.usage_lib import UsageContext
                from vllm.v1.engine.llm_engine import LLMEngine
        except ImportError as error:
            raise HarnessError(f"vLLM is installed but cannot be imported ({error}); reinstall it") from error
        cuda = torch.cuda.is_available()
        check_device(self.batch_invariant, cuda)
        args = check_args(self.args, EngineArgs)
        if not cuda and args.get("enable_chunked_prefill"):
            raise HarnessError(f"engine.args.enable_chunked_prefill cannot be set on a CPU: {WHOLE_PROMPTS}")
        model.check(local)
        settings = self.engine_args(local, args, code=model.trust_remote_code, cuda=cuda)
        lora = None if local.adapter is None else lora_request(local.adapter)
        if local.adapter is not None:
            rank = max_lora_rank(adapter_rank(local.adapter), EngineArgs)
            settings |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": rank}
        phase("weights, memory and warm-up")
        try:
            # As vLLM's own LLM class does: it chooses batch sizes for throughput.
            processors = {} if cuda else {"logits_processors": [*args.get("logits_processors", ()), FORCED]}
            asked = EngineArgs(**(settings | processors))
            engine = LLMEngine.from_engine_args(asked, usage_context=UsageContext.LLM_CLASS)
            if lora is not None:
                engine.add_lora(lora)
        except Exception as error:
            given = {name: settings[name] for name in (*args, *OWN) if name in settings}
            raise load_failure(model.name, error, given, cuda) from error
        identity = {
            "engine": "vllm",
            "version": vllm.__version__,
            "torch": torch.__version__,
            "device": "cuda" if cuda else "cpu",
            "model": local.fingerprint,
            "dtype": str(engine.model_config.dtype).removeprefix("torch."),
            "args": exact(settings),
        }
        identity |= model.unchecked() | ({"batch_invariant": "true"} if self.batch_invariant else {})
        loaded = VLLMEngine(engine, HFTokenizer(engine.get_tokenizer()), identity, self.max_num_seqs, lora)
        loaded.parameters, loaded.snapshot = local.parameters, local.snapshot
        return loaded

    def engine_args(self, local: LocalModel, args: dict[str, Any], *, code: bool, cuda: bool) -> dict[str, Any]:
        """All arguments of `vllm.EngineArgs` but an adapter's.

        Args:
            args: the user's, checked.
            code: whether Python code beside the weights may run.
            cuda: whether the model runs on a GPU.
        """
        dtype = self.dtype if self.dtype != "auto" else "bfloat16" if cuda else "float32"
        settings: dict[str, Any] = {
            "model": str(local.path),
            "dtype": dtype,
            "trust_remote_code": code,
            "tokenizer_mode": "hf",  # Mistral's own kind has no chat template that could be audited
            "max_model_len": self.max_model_len or _context(local.path, code),
            "max_num_seqs": self.max_num_seqs,
            "disable_log_stats": True,
            "use_tqdm_on_load": False,
            "seed": 0,
        }
        if cuda:
            settings["gpu_memory_utilization"] = self.gpu_memory_utilization
        else:
            # The smallest block: prompts share prefixes in units of it. Eager: compiling costs more than it brings.
            settings["kv_cache_memory_bytes"] = int(self.kv_cache_gib * 2**30)
            settings |= {"block_size": 32, "enforce_eager": True}
            # WHOLE_PROMPTS says why.
            settings |= {"enable_chunked_prefill": False, "max_num_batched_tokens": settings["max_model_len"]}
        settings |= args
        overrides = args.get("hf_overrides", {})
        if dtype not in ("float32", "float") and isinstance(overrides, Mapping):
            settings["hf_overrides"] = {"head_dtype": "float32", **overrides}
        return settings


def environment() -> None:
    """Sets the variables that must stand before torch and vLLM are imported; a value of the user's own wins.

    Raises:
        HarnessError: they are not installed.
    """
    check_installed(*NEEDS)
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    logging.getLogger("torch._library.triton").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="vllm")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # A busy wait would take the cores from other processes; a passive one costs nothing measurable.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not os.path.exists("/dev/nvidiactl"):
        os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))
        # Saves a 20-second compilation of one small function at the first log-probability.
        os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
        keep_freed_memory()


def _context(path: os.PathLike[str], trust_remote_code: bool) -> int:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code).get_text_config()
    return min(getattr(config, "max_position_embeddings", 8192), 8192)


def lora_request(folder: Path) -> Any:
    """An adapter as vLLM takes it with every request."""
    from vllm.lora.request import LoRARequest

    return LoRARequest("adapter", 1, str(folder))


class VLLMEngine(Worker):
    """A loaded vLLM engine, stepped by a thread of its own.

    Every request carries `logprob_token_ids`: vLLM 0.32 returns wrong top-k log-probabilities for requests that
    share a step with such ones, and the sampled token's own log-probability comes with them in any case.

    Args:
        engine: a `vllm.v1.engine.llm_engine.LLMEngine`.
        lora: the adapter that goes with every call, a `vllm.lora.request.LoRARequest`; None is none.
    """

    can: frozenset[Capability] = CAN

    def __init__(
        self, engine: Any, tokenizer: Tokenizer, identity: dict[str, str], capacity: int, lora: Any = None
    ) -> None:
        super().__init__(tokenizer, identity, int(engine.model_config.max_model_len), capacity)
        self._engine = engine
        self._lora = lora
        self._jobs: dict[str, Job] = {}
        self._number = 0
        self._inside: Inside | None = None
        self.start()

    def open(self) -> Inside:
        """Reads and changes activations from now on; before the first call, and once.

        Raises:
            HarnessError: that is not possible with this vLLM or this type of model.
        """
        from harness.engines.vllm.inside import Inside

        self._inside = inside = Inside(self._engine)
        self.layers = inside.layers
        self.can = CAN | {"read", "intervene"}
        return inside

    def check(self, call: Call) -> None:
        super().check(call)
        if self._inside is not None:
            self._inside.check(call)
        if isinstance(call, Choose) and len(call.tokens) > MOST_NAMED_TOKENS:
            raise ItemError(f"{len(call.tokens)} option tokens at one position; vLLM takes at most {MOST_NAMED_TOKENS}")
        # vLLM always generates a token, and would queue what has no room for it for ever.
        if not isinstance(call, Generate) and len(whole(call)) >= self.context:
            raise ItemError(f"{len(whole(call))} tokens leave no room in the context of {self.context}")

    async def answer(self, call: Call) -> Reply:
        """As in `Worker`. With an adapter a score is walked token by token: vLLM applies adapters to the output head
        by sequence, not by position, so that `prompt_logprobs` would end the engine."""
        if self._lora is None or not isinstance(call, Score):
            return await super().answer(call)
        self.check(call)
        answer = super().answer
        given = call.continuation
        walk = [
            Choose(call.prompt + given[:i], (token,), behind(call.interventions, len(call.prompt), i))
            for i, token in enumerate(given)
        ]
        steps = await asyncio.gather(*map(answer, walk))
        return Logprobs(tuple(cast(Logprobs, step).values[0] for step in steps))

    def working(self) -> list[Job]:
        return list(self._jobs.values())

    def shutdown(self) -> None:
        self._engine.engine_core.shutdown()
        # Weights and KV cache go with the last reference; another engine may be about to be loaded in their place.
        self._engine = self._inside = None
        gc.collect()
        if self.identity.get("device") == "cuda":
            import torch

            torch.cuda.empty_cache()

    def step(self, arrived: Sequence[Job]) -> None:
        for job in arrived:
            self._add(job)
        if not self._jobs:
            return
        try:
            outputs = self._engine.step()
        except Exception as error:
            raise step_failure(error) from error
        self.usage.steps += 1
        for output in outputs:
            if output.finished:
                self._finish(self._jobs.pop(output.request_id), output)

    def _finish(self, job: Job, output: Any) -> None:
        call, inside = job.call, self._inside if _looks_inside(job.call) else None
        computed = len(output.prompt_token_ids) + len(output.outputs[0].token_ids) - 1
        try:
            read = inside.end(int(output.request_id), computed) if inside is not None else None
            answer = reply(call, output) if read is None else read
        except ValueError as error:
            if inside is None:  # then so it is with every call
                raise
            job.fail(ItemError(str(error)))
        else:
            self.finish(job, answer, output.num_cached_tokens or 0)

    def _add(self, job: Job) -> None:
        self._number += 1
        call, name, number = job.call, str(self._number), None
        if self._inside is not None and _looks_inside(call):
            number = self._number
            self._inside.begin(number, call)
        try:
            said = spoken(call, self.identity.get("device"))
            if said:  # vLLM checks the prompt only
                check_tokens(call, self._engine.model_config.get_vocab_size())
            params = sampling_params(call, said, number)
            self._engine.add_request(name, prompt(call, said), params, lora_request=self._lora)
        except Exception as error:  # vLLM refuses this one request, by a class that differs between its versions
            if self._inside is not None and number is not None:
                self._inside.drop(number)
            job.fail(ItemError(f"vLLM refuses the call: {error}"))
        else:
            self._jobs[name] = job


def _looks_inside(call: Call) -> bool:
    return isinstance(call, Read) or bool(call.interventions)
