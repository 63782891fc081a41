"""Reads the sample files of lm-evaluation-harness (`--log_samples`): samples_TASK_TIME.jsonl beside results_TIME.json.

A line is one document under one filter: "doc" (a row of the set), "target", "arguments" (the requests), "resps" (the
raw replies), "filtered_resps", "filter", "metrics" (names) and the value of each metric under its own name. Read from
version 0.4.13; the keys have stood since 0.4.0, in which "arguments" was a list.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, one_line
from harness.interop.answers import Replies, Source, Unread, as_mapping, as_number, collected, make_item, parsed
from harness.items import Fate, Item
from harness.redaction import without_secrets

QUESTIONS = ("question", "query", "input", "problem", "prompt", "goal", "text", "sentence", "ctx")
"""Columns of sets that hold the question, in the order of looking; without any the prompt is the question."""

_FILE = re.compile(r"samples_(?P<task>.+?)_(?P<time>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl")
_INVALID = "[invalid]"
"""What lm-eval's regex filter puts in the place of an answer that it does not find."""


def read_samples(file: Path) -> Source:
    """Reads one file of samples, and the results beside it where they are.

    Raises:
        Unread: no file of samples.
        HarnessError: the file is damaged; the message names the line.
    """
    match = _FILE.fullmatch(file.name)
    name = match["task"] if match else file.stem.removeprefix("samples_")
    results = _results(file, match["time"] if match else "")
    kinds: set[Replies] = set()

    def read(line: Mapping[str, Any]) -> list[dict[str, Any]]:
        found, kind = _answers(line)
        kinds.add(kind)
        return found

    answers = collected(_lines(file), read, "lm-eval")
    if not answers:
        raise Unread(f"{file} holds no samples")
    config = as_mapping(results.get("config"))
    return Source(
        format="lm-eval",
        version=str(results.get("lm_eval_version") or "unknown"),
        file=file,
        task=name,
        model=str(results.get("model_name") or file.resolve().parent.name),
        replies="options" if kinds == {"options"} else "texts",
        answers=answers,
        theirs=_theirs(as_mapping(as_mapping(results.get("results")).get(name))),
        settings=without_secrets({**config, "task": as_mapping(results.get("configs")).get(name)}),
        created=_created(match["time"]) if match else "",
    )


def _lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with file.open(encoding="utf-8") as lines:
            for number, text in enumerate(lines, start=1):
                where = f"{file}, line {number}"
                if text.strip():
                    line = parsed(text, where)
                    if not {"doc", "target", "resps"} <= line.keys():
                        raise Unread(f"{where} is no sample of lm-eval: it lacks doc, target or resps")
                    yield where, line
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"{file} cannot be read: {one_line(error)}") from error


def _answers(line: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Replies]:
    """The answers of one line, one for each metric, as arguments of `Answer`."""
    requests = _requests(line["arguments"])
    prompt, doc = str(requests[0][0]), as_mapping(line["doc"])
    metrics = line.get("metrics") or [name for name in ("acc", "exact_match") if name in line]
    filter_name = str(line.get("filter", "none"))
    logs = _log_likelihoods(line["resps"])
    arms = {str(m): str(m) if filter_name == "none" else f"{m} {filter_name}" for m in metrics}
    values = {str(m): as_number(line.get(m)) for m in metrics}
    if logs is not None and len(logs) == len(requests) > 1:
        options = _options(doc, requests)
        best = max(range(len(logs)), key=lambda i: logs[i])
        item = _item(doc, prompt, line["target"], options, (best, values.get("acc")))
        reply = "  ".join(f"log p({text}) = {log:.4f}" for text, log in zip(options, logs, strict=True))
        shared = {"item": item, "prompt": prompt, "reply": reply}
        p = 1 / math.fsum(math.exp(log - logs[best]) for log in logs)
        # `acc` judges the likeliest option; the other metrics weigh the options in ways of their own.
        own = {"acc": {"answer": options[best], "p": p}}
        return [_row(arms[m], values[m], line.get(m)) | shared | own.get(m, {}) for m in arms], "options"
    item = _item(doc, prompt, line["target"], (), None)
    reply, read = _first(line["resps"]), _first(line.get("filtered_resps", line["resps"]))
    fate: Fate = "empty" if not reply.strip() else "unreadable" if read.strip() in (_INVALID, "") else "answered"
    shared = {"item": item, "prompt": prompt, "reply": reply}
    told: dict[str, Any] = {"answer": read, "fate": fate} if logs is None else {}
    # An answer that their scorer found right was read by it, in any form.
    return [
        _row(arms[m], values[m], line.get(m)) | shared | told | ({"fate": "answered"} if values[m] else {})
        for m in arms
    ], "texts" if logs is None else "options"


def _row(arm: str, value: float | None, logged: Any) -> dict[str, Any]:
    reason = None if value is not None else f"the log has {str(logged)[:60]!r} in place of a number for one sample"
    return {"arm": arm, "value": value, "reason": reason}


def _item(
    doc: Mapping[str, Any],
    prompt: str,
    target: Any,
    options: Sequence[str],
    judged: tuple[int, float | None] | None,
) -> Item:
    question = next((doc[k] for k in QUESTIONS if isinstance(doc.get(k), str) and doc[k].strip()), prompt)
    if judged is not None and (right := _right(target, options, judged)) is not None:
        return make_item(question, [options[right]], options, right)
    gold = target if isinstance(target, list) else [target]
    return make_item(question, [str(one) for one in gold])


def _right(target: Any, options: Sequence[str], judged: tuple[int, float | None]) -> int | None:
    """The index of the right option. The log writes an index and a text alike, and its own verdict tells them apart."""
    text = str(target).strip()
    places = [int(text)] if text.isdecimal() and int(text) < len(options) else []
    places += [i for i, option in enumerate(options) if option.strip() == text]
    places += ["ABCDEFGHIJ".index(text)] if len(text) == 1 and text in "ABCDEFGHIJ"[: len(options)] else []
    best, value = judged
    fitting = [i for i in places if value is None or (i == best) == (value == 1)]
    return next(iter([*fitting, *places]), None)


def _options(doc: Mapping[str, Any], requests: Sequence[Sequence[Any]]) -> list[str]:
    """The options: what differs between the requests, or the set's own texts where the requests hold letters only."""
    told = [str(one[1]).strip() for one in requests]
    if len(set(told)) < len(told):  # as in WinoGrande, whose requests differ in the beginning
        told = [str(one[0]).strip() for one in requests]
    own = doc.get("choices", doc.get("options"))
    own = own.get("text") if isinstance(own, dict) else own
    letters = all(len(one) <= 1 or re.fullmatch(r"\(?\w\)?\.?", one) for one in told)
    if letters and isinstance(own, list) and len(own) == len(told) and all(isinstance(one, str) for one in own):
        return [str(one) for one in own]
    return told


def _requests(arguments: Any) -> list[list[Any]]:
    """The requests as lists of arguments; since 0.4.4 the log has mappings gen_args_0, arg_0 in the place of lists."""
    found = list(arguments.values()) if isinstance(arguments, dict) else list(arguments)
    return [list(one.values()) if isinstance(one, dict) else list(one) for one in found]


def _log_likelihoods(resps: Any) -> list[float] | None:
    """The log-likelihood of each request; None where the replies are texts."""
    firsts = [one[0] if isinstance(one, list) and one else one for one in resps]
    if not all(isinstance(one, list) and len(one) == 2 for one in firsts):
        return None
    numbers = [as_number(one[0]) for one in firsts]
    return None if None in numbers else [float(one) for one in numbers if one is not None]


def _first(replies: Any) -> str:
    while isinstance(replies, list):
        if not replies:
            return ""
        replies = replies[0]
    return str(replies)


def _results(file: Path, time: str) -> Mapping[str, Any]:
    """The results of the same evaluation; empty where they do not lie beside the samples."""
    beside = file.with_name(f"results_{time}.json")
    if not time or not beside.is_file():
        return {}
    try:
        return parsed(beside.read_text(encoding="utf-8"), str(beside))
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"{beside} cannot be read: {one_line(error)}") from error


def _theirs(results: Mapping[str, Any]) -> dict[str, tuple[float, float | None]]:
    """Their aggregates, which stand under "METRIC,FILTER" and "METRIC_stderr,FILTER"."""
    found: dict[str, tuple[float, float | None]] = {}
    for key, value in results.items():
        metric, comma, filter_name = key.partition(",")
        number = as_number(value) if comma and not metric.endswith("_stderr") else None
        if number is not None:
            error = as_number(results.get(f"{metric}_stderr,{filter_name}"))
            found[metric if filter_name == "none" else f"{metric} {filter_name}"] = (number, error)
    return found


def _created(time: str) -> str:
    day, _, clock = time.partition("T")
    return f"{day}T{clock[:8].replace('-', ':')}Z"
