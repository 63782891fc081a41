"""Scores a short continuation on a CPU: it forces vLLM to generate given tokens after a cached prompt."""

from __future__ import annotations

from typing import Any

from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor
from vllm.v1.sample.logits_processor.builtin import process_dict_updates

from harness.engines.vllm.requests import GIVEN


class Forced(LogitsProcessor):  # type: ignore[misc]  # vLLM comes without types
    """Makes the requests that carry `GIVEN` say those tokens, one a step, and leaves all others alone.

    Log-probabilities are taken from the raw logits, before this changes them.
    """

    def __init__(self, vllm_config: Any, device: Any, is_pin_memory: bool) -> None:
        self._rows: dict[int, tuple[list[int], list[int]]] = {}  # tokens given, tokens said so far (vLLM's own list)

    def is_argmax_invariant(self) -> bool:
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        process_dict_updates(self._rows, batch_update, _row)

    def apply(self, logits: Any) -> Any:
        for row, (given, said) in self._rows.items():
            logits[row] = float("-inf")
            logits[row, given[len(said)]] = 0.0
        return logits


def _row(params: Any, prompt: list[int] | None, said: list[int]) -> tuple[list[int], list[int]] | None:
    given = (params.extra_args or {}).get(GIVEN)
    return None if given is None else (given, said)
