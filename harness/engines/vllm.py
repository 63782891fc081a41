"""vLLM in this process: one thread steps the engine, coroutines wait for single calls, vLLM decides the batch."""

from __future__ import annotations

import asyncio
import difflib
import json
import logging
import math
import os
import threading
import time
import warnings
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from harness.calls import Call, Choose, Generate, Logprobs, Reply, Text
from harness.engines.base import Engine, Usage
from harness.errors import EngineDied, HarnessError, ItemError
from harness.models import Model
from harness.tokens import HFTokenizer, Tokenizer

MOST_NAMED_TOKENS = 128
"""vLLM's limit on `logprob_token_ids`."""


@dataclass(frozen=True, kw_only=True)
class VLLM:
    """Settings of `engine=vllm`.

    Attributes:
        dtype: "auto" is float32 on a CPU (exact and independent of batching) and bfloat16 with a float32 output
            head on a GPU; else a dtype that vLLM knows. Option probabilities of a bfloat16 head are off by up to 0.04.
        max_model_len: longest prompt plus reply; None is the model's own, at most 8192.
        max_num_seqs: calls worked on at once.
        kv_cache_gib: size of the KV cache on a CPU, in GiB (a GPU uses gpu_memory_utilization).
        gpu_memory_utilization: share of the GPU's memory that vLLM may take.
        args: any other argument of vLLM's EngineArgs; an unknown one is refused by name.
    """

    dtype: str = "auto"
    max_model_len: int | None = None
    max_num_seqs: int = 256
    kv_cache_gib: float = 2.0
    gpu_memory_utilization: float = 0.9
    args: Mapping[str, Any] = field(default_factory=dict)

    def load(self, model: Model) -> Engine:
        """Loads the model.

        Raises:
            HarnessError: vLLM is not installed, an argument is unknown, or the model cannot be loaded.
        """
        _environment()
        local = model.resolve()
        try:
            import torch
            import vllm
            from vllm import EngineArgs
            from vllm.v1.engine.llm_engine import LLMEngine
        except ImportError as error:
            raise HarnessError(f"vLLM cannot be imported ({error}); install it with scripts/setup") from error
        cuda = torch.cuda.is_available()
        known = [f.name for f in fields(EngineArgs)]
        for name in self.args:
            if name not in known:
                close = difflib.get_close_matches(name, known, 1)
                hint = f", did you mean {close[0]!r}?" if close else ""
                raise HarnessError(f"engine.args.{name}: vLLM has no such argument{hint}")
        dtype = self.dtype if self.dtype != "auto" else "bfloat16" if cuda else "float32"
        settings: dict[str, Any] = {
            "model": str(local.path),
            "dtype": dtype,
            "trust_remote_code": model.trust_remote_code,
            "max_model_len": self.max_model_len or _context(local.path, model.trust_remote_code),
            "max_num_seqs": self.max_num_seqs,
            "disable_log_stats": True,
            "use_tqdm_on_load": False,
            "seed": 0,
        }
        if cuda:
            settings["gpu_memory_utilization"] = self.gpu_memory_utilization
            settings["hf_overrides"] = {"head_dtype": "float32"}
        else:
            # The smallest block: prompts share prefixes in units of it. Eager: compiling costs more than it brings.
            settings["kv_cache_memory_bytes"] = int(self.kv_cache_gib * 2**30)
            settings |= {"block_size": 32, "enforce_eager": True}
            # A prompt computed in pieces makes vLLM rewind its seeded generator, which a CPU generator cannot do:
            # the engine would die. So prompts are computed whole, and a step must be able to hold the longest.
            settings |= {"enable_chunked_prefill": False, "max_num_batched_tokens": settings["max_model_len"]}
        settings |= dict(self.args)
        try:
            engine = LLMEngine.from_engine_args(EngineArgs(**settings))
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise HarnessError(f"vLLM cannot load {model.name} from {local.path}: {what}") from error
        exact = {name: settings[name] for name in (*self.args, "hf_overrides") if name in settings}
        identity = {
            "engine": "vllm",
            "version": vllm.__version__,
            "torch": torch.__version__,
            "device": "cuda" if cuda else "cpu",
            "model": local.fingerprint,
            "dtype": dtype,
            "args": json.dumps(exact, sort_keys=True, default=str),
        }
        return VLLMEngine(engine, HFTokenizer(engine.get_tokenizer()), identity, self.max_num_seqs)


def _environment() -> None:
    """Settings that must stand before torch and vLLM are imported; a value of the user's own wins."""
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    logging.getLogger("torch._library.triton").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="vllm")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # A busy wait would take the cores from whatever else runs here; a passive one costs nothing measurable.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not os.path.exists("/dev/nvidiactl"):
        os.environ.setdefault("OMP_NUM_THREADS", str(len(os.sched_getaffinity(0))))
        # Saves a 20-second compilation of one small function at the first log-probability.
        os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")


def _context(path: os.PathLike[str], trust_remote_code: bool) -> int:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code).get_text_config()
    return min(getattr(config, "max_position_embeddings", 8192), 8192)


@dataclass(slots=True)
class _Job:
    call: Call
    future: asyncio.Future[Reply]
    loop: asyncio.AbstractEventLoop


class VLLMEngine:
    """A loaded vLLM engine, stepped by a thread of its own.

    Every request carries `logprob_token_ids`: vLLM 0.32 returns wrong top-k log-probabilities for requests that
    share a step with such ones, and the sampled token's own log-probability comes with them in any case.

    Args:
        engine: a `vllm.v1.engine.llm_engine.LLMEngine`.
    """

    def __init__(self, engine: Any, tokenizer: Tokenizer, identity: dict[str, str], capacity: int) -> None:
        self.identity = identity
        self.tokenizer = tokenizer
        self.context = int(engine.model_config.max_model_len)
        self.capacity = capacity
        self.usage = Usage()
        self._engine = engine
        self._queue: deque[_Job] = deque()
        self._jobs: dict[str, _Job] = {}
        self._wake = threading.Condition()
        self._dead: BaseException | None = None
        self._closed = False
        self._number = 0
        self._thread = threading.Thread(target=self._pump, name="vllm", daemon=True)
        self._thread.start()

    async def answer(self, call: Call) -> Reply:
        if isinstance(call, Choose) and len(call.tokens) > MOST_NAMED_TOKENS:
            raise ItemError(f"{len(call.tokens)} option tokens at one position; vLLM takes at most {MOST_NAMED_TOKENS}")
        new = call.sampling.max_tokens if isinstance(call, Generate) else 1
        if len(call.prompt) + new > self.context:  # vLLM would queue it and never come to it
            raise ItemError(f"{len(call.prompt)} prompt and {new} new tokens do not fit the context of {self.context}")
        loop = asyncio.get_running_loop()
        job = _Job(call, loop.create_future(), loop)
        with self._wake:
            if self._dead is not None:
                raise _died(self._dead)
            self._queue.append(job)
            self._wake.notify()
        return await job.future

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout=60)
        self._engine.engine_core.shutdown()

    def _pump(self) -> None:
        try:
            while True:
                with self._wake:
                    while not (self._queue or self._jobs or self._closed):
                        self._wake.wait()
                    if self._closed:
                        return
                    arrived = list(self._queue)
                    self._queue.clear()
                for job in arrived:
                    self._add(job)
                self._step()
        except BaseException as error:  # whatever it was, nobody may wait for ever
            with self._wake:
                self._dead = error
                waiting = [*self._queue, *self._jobs.values()]
            for job in waiting:
                job.loop.call_soon_threadsafe(_fail, job.future, _died(error))

    def _add(self, job: _Job) -> None:
        self._number += 1
        name = str(self._number)
        try:
            self._engine.add_request(name, {"prompt_token_ids": list(job.call.prompt)}, _sampling_params(job.call))
        except ValueError as error:  # vLLM refuses this one request
            job.loop.call_soon_threadsafe(_fail, job.future, ItemError(f"vLLM refuses the call: {error}"))
        else:
            self._jobs[name] = job

    def _step(self) -> None:
        start = time.perf_counter()
        outputs = self._engine.step()
        self.usage.busy += time.perf_counter() - start
        self.usage.steps += 1
        for output in outputs:
            if not output.finished:
                continue
            job = self._jobs.pop(output.request_id)
            self.usage.calls += 1
            self.usage.prompt_tokens += len(job.call.prompt)
            self.usage.cached_tokens += output.num_cached_tokens or 0
            reply = _reply(job.call, output.outputs[0])
            if isinstance(reply, Text):
                self.usage.new_tokens += len(reply.tokens)
            job.loop.call_soon_threadsafe(_settle, job.future, reply)


def _sampling_params(call: Call) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    if isinstance(call, Choose):
        return SamplingParams(
            temperature=0,
            max_tokens=1,
            logprob_token_ids=list(call.tokens),
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
    sampling = call.sampling
    return SamplingParams(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        max_tokens=sampling.max_tokens,
        stop=list(sampling.stop),
        seed=call.engine_seed() if sampling.temperature > 0 else None,
        logprob_token_ids=[0],
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _reply(call: Call, output: Any) -> Reply:
    if isinstance(call, Generate):
        tokens = tuple(output.token_ids)
        logprobs = tuple(_finite(step[t].logprob) for t, step in zip(tokens, output.logprobs, strict=True))
        return Text(output.text, tokens, logprobs, "length" if output.finish_reason == "length" else "stop")
    named = output.logprobs[0]
    return Logprobs(tuple(_finite(named[t].logprob) for t in call.tokens))


def _finite(logprob: float) -> float:
    if math.isnan(logprob):
        raise ValueError("the model's log-probabilities are not numbers; try another dtype")
    return float(logprob)


def _died(error: BaseException) -> EngineDied:
    return EngineDied(
        f"the engine stopped: {type(error).__name__}: {error}; everything answered is kept, "
        "the same command goes on from there"
    )


def _settle(future: asyncio.Future[Reply], reply: Reply) -> None:
    if not future.done():
        future.set_result(reply)


def _fail(future: asyncio.Future[Reply], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
