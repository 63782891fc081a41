"""Puts calls to vLLM, and reads its answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from harness.calls.calls import Call, Choose, Generate, Logprobs, Read, Reply, Score, Text, steering_digest

INSIDE = "harness_inside"
"""Key of a request's `extra_args` for the number under which `harness.engines.vllm.inside` knows its call."""

GIVEN, FORCED = "harness_given", "harness.engines.vllm.forced:Forced"
"""Key of a request's `extra_args` for the forced tokens, and the processor that forces them."""

SHORT = 8
"""Tokens of a continuation up to which it is scored by making vLLM say it: `prompt_logprobs` computes the prompt anew,
whatever is cached of it, and the logits of all its positions. The steps of a long text cost more than that."""


def spoken(call: Call, device: str | None) -> bool:
    """Whether vLLM scores a continuation by saying it word for word.

    Only on a CPU: vLLM's newer model runner, which GPUs may use, takes other logits processors.
    """
    return isinstance(call, Score) and len(call.continuation) <= SHORT and device == "cpu"


def prompt(call: Call, spoken: bool = False) -> dict[str, Any]:
    """The prompt of a call as vLLM takes it.

    A steered prompt has other keys and values than the same prompt without: unsalted, either would find those of the
    other in the prefix cache.
    """
    salt = {"cache_salt": steering_digest(call)} if call.interventions else {}
    return {"prompt_token_ids": list(call.prompt) if spoken else whole(call), **salt}


def sampling_params(call: Call, spoken: bool = False, inside: int | None = None) -> Any:
    """A call as vLLM takes it: a `vllm.SamplingParams`.

    Args:
        spoken: the continuation of a `Score` is said behind the prompt, and not a part of it.
        inside: the number for `INSIDE`.
    """
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    watched = {} if inside is None else {INSIDE: inside}
    if isinstance(call, Generate):
        sampling = call.sampling
        return SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            max_tokens=sampling.max_tokens,
            stop=list(sampling.stop),
            stop_token_ids=list(call.until) or None,
            seed=call.engine_seed() if sampling.temperature > 0 else None,
            logprob_token_ids=[0],
            extra_args=watched or None,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
    given = list(call.continuation) if isinstance(call, Score) else []
    return SamplingParams(
        temperature=0,
        max_tokens=len(given) if spoken else 1,
        ignore_eos=spoken,
        extra_args=(watched | {GIVEN: given} if spoken else watched) or None,
        logprob_token_ids=list(call.tokens) if isinstance(call, Choose) else [0],
        prompt_logprobs=0 if given and not spoken else None,
        # What is found in the cache is not computed, and could not be read.
        skip_reading_prefix_cache=True if isinstance(call, Read) else None,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def check_tokens(call: Call, vocabulary: int) -> None:
    """Raises ValueError: a token of the continuation is none, which vLLM checks of prompts only."""
    assert isinstance(call, Score)
    if not 0 <= min(call.continuation) <= max(call.continuation) < vocabulary:
        raise ValueError(f"a token of the continuation is not one of the model's {vocabulary}")


def whole(call: Call) -> list[int]:
    """All tokens that are read."""
    return [*call.prompt, *call.continuation] if isinstance(call, Score) else list(call.prompt)


def reply(call: Call, answer: Any) -> Reply:
    """The reply of vLLM, a `vllm.RequestOutput`, to any call but a `Read`.

    Raises:
        ValueError: a log-probability is no number.
    """
    output = answer.outputs[0]
    if isinstance(call, Generate):
        tokens = tuple(output.token_ids)
        finish: Literal["length", "stop"] = "length" if output.finish_reason == "length" else "stop"
        return Text(output.text, tokens, _path(tokens, output.logprobs), finish)
    if isinstance(call, Score):
        read = answer.prompt_logprobs
        return Logprobs(_path(call.continuation, output.logprobs if read is None else read[len(call.prompt) :]))
    assert isinstance(call, Choose)
    named = output.logprobs[0]
    return Logprobs(tuple(_finite(named[t].logprob) for t in call.tokens))


def _path(tokens: Sequence[int], steps: Sequence[Any]) -> tuple[float, ...]:
    return tuple(_finite(step[t].logprob) for t, step in zip(tokens, steps, strict=True))


def _finite(logprob: float) -> float:
    if math.isnan(logprob):
        raise ValueError("the model's log-probabilities are not numbers; try another dtype, or a weaker intervention")
    return float(logprob)
