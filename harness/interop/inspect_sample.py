"""Makes one sample of an Inspect log of one item of a run: its messages, and a score for each row of its outcomes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.outcomes import Table
from harness.subject.transcript import Exchange, Transcript

_MAIN = ("correct", "p")
"""Columns that are a score's value."""

_IN_SCORE = ("label", "probability")
"""Kinds of columns that are it where an experiment has none of these."""

_NOT_SHOWN = ("item", "group", "error", "arm")

CUT = 2000
"""Characters of a text in the summary of a sample, which the list of samples shows."""


def inspect_sample(line: Mapping[str, Any], table: Table, rows: Sequence[int], model: str) -> dict[str, Any]:
    """One sample of a log (`inspect_ai.log.EvalSample`), of one line of calls.jsonl.

    Args:
        table: the outcomes of the run; rows: the numbers of this item's rows.
        model: the name of the model under test.

    Raises:
        KeyError, TypeError, ValueError: the line lacks something.
    """
    fields, item = line["fields"], str(line["item"])
    messages = [
        one for i, exchange in enumerate(Transcript.read(line["exchanges"])) for one in _pair(item, i, exchange, model)
    ]
    scores = scores_of(table, rows)
    choices = fields.get("choices")
    sample = {
        "id": item,
        "epoch": 1,
        "input": question_of(fields),
        **({"choices": choices} if _texts(choices) else {}),
        "target": _target(line["gold"]),
        "messages": messages,
        "output": _output(messages, model),
        "scores": scores,
        "metadata": {
            "group": line["group"],
            "fields": fields,
            "gold": line["gold"],
            "grader": line["grader"],
            **({"errors": line["error"]} if line["error"] else {}),
        },
        "model_usage": _usage(line["exchanges"], model),
        "uuid": identity("sample", item),
    }
    if line["error"] and not scores:
        # Inspect takes a sample with an error for one without scores, so an item of which some arms worked has none.
        sample["error"] = {"message": line["error"], "traceback": "", "traceback_ansi": ""}
    return sample


def summary_of(sample: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a sample (`inspect_ai.log.EvalSampleSummary`), from which the viewer lists samples."""
    kept = ("id", "epoch", "choices", "target", "model_usage", "uuid")
    scores = {name: {"value": one["value"], "answer": one["answer"]} for name, one in sample["scores"].items()}
    return {
        **{key: sample[key] for key in kept if key in sample},
        "input": sample["input"][:CUT],
        "scores": scores,
        "completed": True,
        "message_count": len(sample["messages"]),
        **({"error": sample["error"]["message"][:CUT]} if "error" in sample else {}),
    }


def scores_of(table: Table, rows: Sequence[int]) -> dict[str, dict[str, Any]]:
    """A score for each arm of an item, with whether it is right and how probable that is.

    The metadata of a score have all columns of its row. Where an arm has several rows (draws, questions of a story),
    the values are their means, and the metadata have all of them as "rows": hundreds of columns would hide the samples.
    """
    by_arm: dict[str, list[dict[str, Any]]] = {}
    kinds = {name: kind for name, kind in table.kinds.items() if name not in _NOT_SHOWN}
    for row in rows:
        if table.columns["error"][row] is None:
            cells = {name: _plain(table.columns[name][row], kind) for name, kind in kinds.items()}
            by_arm.setdefault(score_name(table.columns["arm"][row]), []).append(cells)
    shown = [name for name in _MAIN if name in kinds] or [n for n, kind in kinds.items() if kind in _IN_SCORE]
    return {arm: _score(cells, shown) for arm, cells in by_arm.items()}


def _score(cells: Sequence[Mapping[str, Any]], shown: Sequence[str]) -> dict[str, Any]:
    if len(cells) == 1:
        value, metadata = {name: cells[0][name] for name in shown}, dict(cells[0])
    else:
        value, metadata = {name: _mean([one[name] for one in cells]) for name in shown}, {"rows": list(cells)}
    answers = dict.fromkeys(one["answer"] for one in cells if isinstance(one.get("answer"), str))
    return {"value": value, "answer": "; ".join(answers) if answers else None, "metadata": metadata}


def _mean(values: Sequence[Any]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def score_name(arm: str | None) -> str:
    """The name of an arm's scores: an experiment without arms has one of no name."""
    return arm or "outcome"


def question_of(fields: Mapping[str, Any]) -> str:
    """The question of an item, or all its fields where no single one is the question."""
    question = fields.get("question")
    return question if isinstance(question, str) else json.dumps(fields, ensure_ascii=False, indent=1)


def identity(*parts: str) -> str:
    """22 characters that depend on the parts alone, so that one run always gives one and the same log."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:22]


def _pair(item: str, place: int, exchange: Exchange, model: str) -> list[dict[str, Any]]:
    """The prompt and the reply of one exchange. The prompt is the whole text that was sent, with its special tokens."""
    told: dict[str, Any] = {"exchange": place, "keys": list(exchange.keys), "cached": exchange.cached}
    if exchange.role:
        told["role"] = exchange.role
    thought = exchange.thought
    reply: Any = exchange.reply
    if thought is not None and thought.ended != "none":
        reply = [
            {"type": "reasoning", "reasoning": reply[: thought.characters]},
            {"type": "text", "text": reply[thought.characters :]},
        ]
    asked = f"{model} as {exchange.role}" if exchange.role else model
    return [
        {"id": identity(item, str(place), "user"), "role": "user", "content": exchange.prompt, "metadata": told},
        {"id": identity(item, str(place), "assistant"), "role": "assistant", "content": reply, "model": asked}
        | {"metadata": told},
    ]


def _output(messages: Sequence[Mapping[str, Any]], model: str) -> dict[str, Any]:
    """The last reply of the model under test."""
    own = [one for one in messages if one["role"] == "assistant" and "role" not in one["metadata"]]
    if not own:
        return {"model": model, "choices": [], "completion": ""}
    content = own[-1]["content"]
    text = content if isinstance(content, str) else content[-1]["text"]
    return {"model": model, "choices": [{"message": own[-1], "stop_reason": "stop"}], "completion": text}


def _usage(exchanges: Sequence[Mapping[str, Any]], model: str) -> dict[str, dict[str, int]]:
    """The tokens of all exchanges, by who was asked."""
    usage: dict[str, dict[str, int]] = {}
    for one in exchanges:
        asked = f"{model} as {one['role']}" if one["role"] else model
        sums = usage.setdefault(asked, {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0})
        sums["input_tokens"] += one["prompt_tokens"]
        sums["output_tokens"] += one["new_tokens"]
        sums["total_tokens"] += one["prompt_tokens"] + one["new_tokens"]
    return usage


def _target(gold: Any) -> str | list[str]:
    if isinstance(gold, str) or _texts(gold):
        return gold  # type: ignore[no-any-return]  # a text or a list of texts
    return json.dumps(gold, ensure_ascii=False)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _plain(value: Any, kind: str) -> Any:
    """A cell as JSON has it; null where it is missing."""
    if kind == "text" or value is None:
        return value
    if np.isnan(value):
        return None
    return bool(value) if kind == "label" else float(value)
