"""Arguments of vLLM: which are refused and how, which make up the identity, what is told when it does not start."""

import json
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from harness.engines.vllm.arguments import check_args, exact, load_failure, max_lora_rank, step_failure
from harness.errors import HarnessError


@dataclass
class Known:
    """Stands in for `vllm.EngineArgs`."""

    model: str = ""
    tensor_parallel_size: int = 1
    data_parallel_size: int = 1
    block_size: int | None = None
    enforce_eager: bool = False
    logprobs_mode: str = "raw_logprobs"
    dtype: str = "auto"
    quantization: str | None = None
    kv_cache_memory_bytes: int | None = None
    compilation_config: dict[str, Any] | None = None
    max_lora_rank: Literal[1, 8, 16, 512] = 16


def refused(**args: Any) -> str:
    with pytest.raises(HarnessError) as caught:
        check_args(args, Known)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_unknown_argument_is_refused_by_name_with_the_nearest() -> None:
    told = refused(tensor_paralel_size=2)
    assert told == ("engine.args.tensor_paralel_size: vLLM has no such argument, did you mean 'tensor_parallel_size'?")


def test_arguments_that_the_harness_needs_are_refused_with_the_reason() -> None:
    assert "raw log-probabilities" in refused(logprobs_mode="processed_logprobs")
    assert "model.source" in refused(model="other")
    assert refused(dtype="half").endswith("set engine.dtype")
    assert "N runs that share one store" in refused(data_parallel_size=2)


def test_values_are_converted_to_their_type_or_refused_in_one_line() -> None:
    assert check_args({"block_size": "64", "enforce_eager": "true"}, Known) == {"block_size": 64, "enforce_eager": True}
    told = refused(tensor_parallel_size="two")
    assert told == "engine.args.tensor_parallel_size=two: a whole number is needed"
    structured = {"compilation_config": {"level": 0}}
    assert check_args(structured, Known) == structured


def test_the_identity_holds_what_decides_the_numbers_and_nothing_else() -> None:
    base = {"model": "/here", "max_num_seqs": 8, "gpu_memory_utilization": 0.5, "enforce_eager": True}
    moved = {"enforce_eager": True, "model": "/there", "max_num_seqs": 256, "disable_log_stats": True}
    assert json.loads(exact(base)) == {"enforce_eager": True}
    assert exact(base) == exact(moved)
    for name, value in (
        ("quantization", "fp8"),
        ("tensor_parallel_size", 2),
        ("kv_cache_dtype", "fp8"),
        ("attention_backend", "FLASHINFER"),
        ("enforce_eager", False),
        ("hf_overrides", {"head_dtype": "model"}),
        ("an_argument_of_a_later_version", 1),
    ):
        assert exact(base) != exact({**base, name: value}), name


def test_the_lora_rank_is_the_smallest_that_vllm_offers() -> None:
    assert [max_lora_rank(rank, Known) for rank in (1, 2, 8, 9, 512)] == [1, 8, 8, 16, 512]
    with pytest.raises(HarnessError, match="rank 513; vLLM takes at most 512"):
        max_lora_rank(513, Known)


def test_a_value_that_vllm_refuses_is_one_line_with_its_key() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, int]).validate_python({"block_size": "x"})
    told = str(load_failure("m", caught.value, {"block_size": "x"}, False))
    assert told.startswith("engine.args.block_size=x: Input should be a valid integer")
    assert "\n" not in told
    assert str(load_failure("m", caught.value, {"dtype": "x"}, False)).startswith("engine.dtype=x: Input should be")
    assert str(load_failure("m", caught.value, {"dtype": "y"}, False)).startswith(
        "vLLM cannot load m: block_size: Input"
    )


def test_short_memory_tells_what_to_lower() -> None:
    error = ValueError("No available memory\nfor the cache blocks.")
    assert "lower engine.max_model_len, set engine.kv_cache_gib" in str(load_failure("m", error, {}, False))
    told = str(load_failure("m", error, {}, True))
    assert told.startswith("vLLM cannot load m: ValueError: No available memory for the cache blocks.; lower")
    assert "engine.gpu_memory_utilization" in told
    assert str(load_failure("m", ValueError("no such layer"), {}, True)).endswith("ValueError: no such layer")


def test_a_step_that_runs_out_of_memory_tells_what_to_lower() -> None:
    other = RuntimeError("a bad kernel")
    assert step_failure(other) is other
    told = str(step_failure(RuntimeError("CUDA out of memory.\nTried to allocate 5 GiB")))
    assert told.startswith("CUDA out of memory. Tried to allocate 5 GiB; what lies")
    assert "lower engine.gpu_memory_utilization" in told
