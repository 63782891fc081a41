"""Checks the user's arguments for vLLM: refuses unknown ones, and the ones that the harness must set itself.

`engine.args` takes any argument of `vllm.EngineArgs`, in the version that is installed. vLLM checks most values
itself; what is here turns its many ways of failing into one sentence that names the key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

from harness.errors import HarnessError, nearest
from harness.typed import typed

OWN = ("dtype", "max_model_len", "max_num_seqs", "gpu_memory_utilization")
"""Settings of the engine itself, with defaults of the harness's own."""

_MODEL = "the model is what model.source, model.revision and model.trust_remote_code name"
_ADAPTER = "an adapter is part of the model: set model.adapter"
_RAW = "option probabilities are raw log-probabilities of named tokens"
_TEXT = "the harness generates text and decodes it with the model's own tokenizer"
_PARALLEL = (
    "an engine inside one process is one replica; for N replicas start N runs that share one store, or serve the model "
    "with `vllm serve` and use engine=server"
)
_SPECULATIVE = "vLLM gives no log-probabilities of named tokens where it speculates"

NEEDED: Mapping[str, str] = {
    **dict.fromkeys(OWN, "it is a setting of its own"),
    **dict.fromkeys(("model", "model_weights", "hf_config_path", "served_model_name", "hf_token"), _MODEL),
    **dict.fromkeys(("revision", "code_revision", "trust_remote_code", "model_class_overrides"), _MODEL),
    **dict.fromkeys(("enable_lora", "max_lora_rank", "max_loras", "default_mm_loras"), _ADAPTER),
    **dict.fromkeys(("logprobs_mode", "max_logprobs"), _RAW),
    **dict.fromkeys(("runner", "convert", "pooler_config", "skip_tokenizer_init", "stream_interval"), _TEXT),
    **dict.fromkeys(("tokenizer", "tokenizer_mode", "tokenizer_revision", "diffusion_config"), _TEXT),
    **dict.fromkeys(("speculative_config", "spec_method", "spec_model", "spec_tokens"), _SPECULATIVE),
    "seed": "draws are seeded one by one from the run's seed",
    "disable_log_stats": "a run keeps its own account",
}
"""Arguments that may not be set, and why."""

_NEUTRAL = """
    model trust_remote_code tokenizer_mode dtype seed max_model_len max_num_seqs max_num_batched_tokens
    max_num_scheduled_tokens gpu_memory_utilization kv_cache_memory_bytes num_gpu_blocks_override block_size
    cpu_offload_gb offload_backend enable_prefix_caching prefix_caching_hash_algo enable_chunked_prefill
    long_prefill_token_threshold scheduling_policy async_scheduling watermark scheduler_reserve_full_isl
    prefill_schedule_interval distributed_executor_backend distributed_timeout_seconds master_addr master_port
    max_parallel_loading_workers download_dir safetensors_load_strategy safetensors_prefetch_num_threads
    safetensors_prefetch_block_size ignore_patterns use_tqdm_on_load disable_log_stats aggregate_engine_logging
    log_level log_config_file logging_config profiler_config shutdown_timeout enable_sleep_mode enable_lora
    max_lora_rank max_loras max_cpu_loras
"""
NEUTRAL = frozenset(_NEUTRAL.split())
"""Arguments that change speed, memory or logs, not the numbers (beyond the noise of batching), and arguments that the
identity names in another way. Every other one is part of the identity, also in later versions."""

_SCALARS = (bool, bool | None, int, int | None, float, float | None, str, str | None)


def check_args(args: Mapping[str, Any], known: type) -> dict[str, Any]:
    """The arguments, numbers and words converted to their types.

    Args:
        known: `vllm.EngineArgs`.

    Raises:
        HarnessError: an unknown argument, one that the harness needs as it is, or a value of the wrong type.
    """
    types = {f.name: f.type for f in fields(known)}
    checked: dict[str, Any] = {}
    for name, value in args.items():
        if name not in types:
            raise HarnessError(f"engine.args.{name}: vLLM has no such argument{nearest(name, types)}")
        reason = _PARALLEL if name.startswith("data_parallel_") else NEEDED.get(name)
        if reason:
            fix = f"; set engine.{name}" if name in OWN else ""
            raise HarnessError(f"engine.args.{name} cannot be set: {reason}{fix}")
        checked[name] = typed(value, types[name], f"engine.args.{name}") if types[name] in _SCALARS else value
    return checked


def exact(settings: Mapping[str, Any]) -> str:
    """The arguments that decide the numbers, as JSON: the same in any order, set by the user or by a default."""
    chosen = {name: value for name, value in settings.items() if name not in NEUTRAL}
    return json.dumps(chosen, sort_keys=True, default=str)


def max_lora_rank(rank: int, known: type) -> int:
    """The smallest `max_lora_rank` that vLLM offers and that holds an adapter of this rank.

    Raises:
        HarnessError: the rank is above all of them.
    """
    offered = sorted(next(get_args(f.type) for f in fields(known) if f.name == "max_lora_rank"))
    for size in offered:
        if rank <= size:
            return int(size)
    raise HarnessError(f"model.adapter has rank {rank}; vLLM takes at most {offered[-1]}: merge it into its base model")


def load_failure(model: str, error: Exception, given: Mapping[str, Any], cuda: bool) -> HarnessError:
    """The message for a vLLM that does not start: the key at fault, or the setting to lower when memory is short.

    Args:
        given: the arguments that the user can set, with their values.
    """
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        message = _one_line(problem["msg"].removeprefix("Value error, "))
        # vLLM's configs do not always call an argument as EngineArgs does: then it is told by its value.
        named = [name for name in given if name in problem["loc"]]
        named += [name for name, value in given.items() if value == problem["input"]]
        if not named:
            place = "".join(f"{part}: " for part in problem["loc"])
            return HarnessError(f"vLLM cannot load {model}: {place}{message}")
        key = f"engine.{named[0]}" if named[0] in OWN else f"engine.args.{named[0]}"
        return HarnessError(f"{key}={given[named[0]]}: {message}")
    what = _one_line(f"{type(error).__name__}: {error}")
    return HarnessError(f"vLLM cannot load {model}: {what}{_short_of_memory(what, cuda)}")


def step_failure(error: Exception) -> Exception:
    """The error of a step, with the setting to lower when memory ran out."""
    if "out of memory" not in str(error).lower():
        return error
    return RuntimeError(
        f"{_one_line(str(error))[:200]}; what lies outside of vLLM's own share ran out: lower "
        "engine.gpu_memory_utilization, or engine.args.max_num_batched_tokens where long texts are scored"
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())[:600]


def _short_of_memory(what: str, cuda: bool) -> str:
    if not any(word in what.lower() for word in ("memory", "kv cache", "cache blocks", "cannot allocate")):
        return ""
    if cuda:
        return (
            "; lower engine.max_model_len or engine.max_num_seqs, set engine.gpu_memory_utilization to what is free on "
            "the GPU, or spread the model over N GPUs with engine.args.tensor_parallel_size=N"
        )
    return "; lower engine.max_model_len, set engine.kv_cache_gib to what is free, or set engine.dtype=bfloat16"
