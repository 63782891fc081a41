"""Reads Inspect logs: .eval files (zips of JSON, one file for each sample) and .json files.

Fields as in `inspect_ai.log.EvalLog` and `EvalSample` of inspect_ai 0.3.285, format version 2.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from harness.errors import HarnessError, named, one_line
from harness.interop.answers import Source, Unread, as_number, collected, make_item, parsed
from harness.interop.zips import entry
from harness.items import Fate, Item
from harness.redaction import without_secrets
from harness.tasks.graders import grader_named

_VERDICTS = {"C": 1.0, "I": 0.0, "N": 0.0, "P": 0.5}
"""Correct, incorrect, no answer, partial, with the numbers that Inspect's own metrics give them."""

_FATES: Mapping[str, Fate] = {"max_tokens": "cut", "model_length": "cut"}


def read_log(file: Path) -> Source:
    """Reads one log.

    Raises:
        Unread: no Inspect log.
        HarnessError: it is damaged; the message names the part.
    """
    try:
        header, samples = _zipped(file) if zipfile.is_zipfile(file) else _plain(file)
        return _source(file, header, samples)
    except (OSError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise HarnessError(f"{file} cannot be read: {one_line(error)}") from error


def _plain(file: Path) -> tuple[dict[str, Any], Iterator[tuple[str, dict[str, Any]]]]:
    log = parsed(file.read_text(encoding="utf-8"), str(file))
    samples = log.pop("samples", None) or []
    if not isinstance(samples, list):
        raise HarnessError(f"{file} is no log of Inspect that can be read: its samples are no list")
    return log, ((f"{file}, sample {i + 1}", one) for i, one in enumerate(samples))


def _zipped(file: Path) -> tuple[dict[str, Any], Iterator[tuple[str, dict[str, Any]]]]:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    if "header.json" not in names:
        why = "the evaluation did not end" if "_journal/start.json" in names else "it has no header.json"
        raise Unread(f"{file} is no complete Inspect log: {why}")

    def samples() -> Iterator[tuple[str, dict[str, Any]]]:
        with file.open("rb") as opened, zipfile.ZipFile(opened) as archive:
            for name in names:
                if name.startswith("samples/") and name.endswith(".json"):
                    where = f"{file}, {name}"
                    yield where, parsed(entry(archive, name, where).decode(), where)

    with zipfile.ZipFile(file) as archive:
        return parsed(entry(archive, "header.json", f"{file}, header.json").decode(), f"{file}, header.json"), samples()


def _source(file: Path, header: Mapping[str, Any], samples: Iterator[tuple[str, Mapping[str, Any]]]) -> Source:
    spec = header.get("eval")
    if not isinstance(spec, dict) or not isinstance(spec.get("task"), str):
        raise Unread(f"{file} is no Inspect log: it does not say which task was evaluated")
    own: set[bool] = set()

    def read(sample: Mapping[str, Any]) -> list[dict[str, Any]]:
        own.add(_is_own(sample))
        return _answers(sample)

    answers = collected(samples, read, "Inspect")
    if not answers:
        raise Unread(f"{file} holds no samples with scores (its status is {header.get('status')!r})")
    packages, form = spec.get("packages"), f"(log format {header.get('version')})"
    return Source(
        format="Inspect",
        version=str(packages.get("inspect_ai", form)) if isinstance(packages, dict) else form,
        file=file,
        task=spec["task"],
        model=str(spec.get("model") or "unknown"),
        replies="a run" if True in own else "texts",
        answers=answers,
        theirs=_theirs(file, header.get("results")),
        settings=without_secrets({key: spec[key] for key in ("task_args", "model_args", "config") if key in spec}),
        created=str(spec.get("created") or ""),
    )


def _is_own(sample: Mapping[str, Any]) -> bool:
    """Whether a sample is an item of a run of ours, with all its exchanges, as `export` wrote it."""
    return any("exchange" in (one.get("metadata") or {}) for one in sample.get("messages") or ())


def _answers(sample: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answers of one sample, one for each scorer, as arguments of `Answer`."""
    attached = sample.get("attachments") or {}
    turns = [(str(one["role"]), _text(one.get("content"), attached)) for one in sample.get("messages") or ()]
    last = max((i for i, (role, _) in enumerate(turns) if role == "assistant"), default=len(turns))
    shared: dict[str, Any] = {
        "item": _item(sample, attached),
        "prompt": "\n\n".join(f"{role}: {text}" for role, text in turns[:last]),
        "reply": turns[last][1] if last < len(turns) else str((sample.get("output") or {}).get("completion", "")),
    }
    scores = sample.get("scores") or {}
    if sample.get("error"):
        error = str(sample["error"].get("message", "the sample failed"))[:500]
        return [{"arm": name, "value": None, "error": error} | shared for name in scores or ("",)]
    stops = [one.get("stop_reason") for one in (sample.get("output") or {}).get("choices") or ()]
    fate: Fate = _FATES.get(str(stops[0]) if stops else "", "answered" if shared["reply"].strip() else "empty")
    return [row | shared for name, score in scores.items() for row in _scored(name, score, fate)]


def _scored(name: str, score: Mapping[str, Any], fate: Fate) -> list[dict[str, Any]]:
    """A score as one row, or one of several values as several; one that we exported has the columns of our row."""
    value, answer, told = score["value"], score.get("answer"), score.get("metadata") or {}
    rows = [one for one in told.get("rows", [told]) if isinstance(one, dict) and isinstance(one.get("correct"), bool)]
    if isinstance(value, dict) and "correct" in value and rows:
        return [_own(name, one, fate) for one in rows]
    read: dict[str, Any] = {"answer": answer if isinstance(answer, str) else None}
    if isinstance(value, dict):
        return [_row(f"{name} {key}", one, fate) | read for key, one in value.items()]
    return [_row(name, value, fate) | read]


def _own(arm: str, row: Mapping[str, Any], fate: Fate) -> dict[str, Any]:
    """One of our own rows, as `export` wrote it."""
    p, own, answer = as_number(row.get("p")), row.get("fate"), row.get("answer")
    return {
        "arm": arm,
        "value": float(row["correct"]),
        "answer": answer if isinstance(answer, str) else None,
        "p": p if p is not None and 0 <= p <= 1 else None,
        "fate": own if own in get_args(Fate) else fate,
    }


def _row(arm: str, value: Any, fate: Fate) -> dict[str, Any]:
    number = _VERDICTS.get(value) if isinstance(value, str) else None
    number = as_number(value) if number is None else number
    reason = None if number is not None else f"the score is {str(value)[:60]!r}, no number"
    # An answer that their scorer found right was read by it, even where the reply was cut.
    told: Fate = "answered" if number else "unreadable" if value == "N" and fate == "answered" else fate
    return {"arm": arm, "value": number, "reason": reason, "fate": told}


def _item(sample: Mapping[str, Any], attached: Mapping[str, Any]) -> Item:
    own = _exported(sample)
    if own is not None:
        return own
    given = sample["input"]
    if isinstance(given, list):
        asked = [_text(one.get("content"), attached) for one in given if one.get("role") == "user"]
        question = asked[-1] if asked else ""
    else:
        question = _text(given, attached)
    target = sample["target"]
    gold = [str(one) for one in target] if isinstance(target, list) else [str(target)]
    choices = sample.get("choices") or ()
    right = ord(gold[0]) - ord("A") if len(gold) == 1 and len(gold[0]) == 1 else -1
    if choices and 0 <= right < len(choices):
        return make_item(question, [str(choices[right])], [str(one) for one in choices], right)
    return make_item(question, gold)


def _exported(sample: Mapping[str, Any]) -> Item | None:
    """The item of a log that `export` wrote; None where the content does not give the id that the log names."""
    told = sample.get("metadata") or {}
    if not {"group", "fields", "gold", "grader"} <= told.keys() or not isinstance(told["fields"], dict):
        return None
    try:
        grader = grader_named(str(told["grader"]))
    except HarnessError:
        return None
    group = "" if told["group"] == sample.get("id") else str(told["group"])
    item = Item(fields=told["fields"], gold=told["gold"], grader=grader, group=group)
    return item if item.id == sample.get("id") else None


def _text(content: Any, attached: Mapping[str, Any]) -> str:
    """The text of a message. A long one may be an attachment of the sample; parts that are no text are left out."""
    if isinstance(content, str):
        return str(attached.get(content.removeprefix("attachment://"), content))
    parts: Sequence[Any] = content if isinstance(content, list) else ()
    texts = [one.get("text") for one in parts if isinstance(one, dict) and one.get("type") == "text"]
    return "\n".join(_text(text, attached) for text in texts if isinstance(text, str))


def _theirs(file: Path, results: Any) -> dict[str, tuple[float, float | None]]:
    """The mean of each scorer with its standard error, where the log has one of the metrics that are means."""
    found: dict[str, tuple[float, float | None]] = {}
    try:
        for score in (results or {}).get("scores") or ():
            metrics = {name: as_number(one.get("value")) for name, one in (score.get("metrics") or {}).items()}
            mean = metrics.get("accuracy", metrics.get("mean"))
            if mean is not None and score.get("reducer") in (None, "mean"):
                found[str(score["name"])] = (mean, metrics.get("stderr"))
    except (KeyError, TypeError, AttributeError) as error:
        why = f"the results are no results of Inspect that can be read ({named(error)})"
        raise HarnessError(f"{file}: {why}") from error
    return found
