"""Makes the header of an Inspect log of a run: what was run, and every number with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.interop.answers import as_mapping
from harness.interop.inspect_sample import identity, score_name
from harness.outcomes import Table
from harness.redaction import without_secrets
from harness.runs.records import RunRecord
from harness.statistics.estimates import Estimate

VERSION = 2
"""The version of the log format; `inspect_ai.log.LOG_SCHEMA_VERSION` of inspect_ai 0.3.285."""

_STATUS = {"finished": "success", "imported": "success", "interrupted": "cancelled"}

_TOLD = ("task", "model", "engine", "prompts", "thoughts", "stand_in", "seed", "items_done", "items_failed", "command")
"""Keys of the manifest that the log's metadata repeat."""

ALL = "all arms"
"""The score of numbers that are about no single arm."""


def inspect_header(record: RunRecord, table: Table) -> dict[str, Any]:
    """A log (`inspect_ai.log.EvalLog`) without its samples.

    Numbers stand under the scores of their arms. A number at a level of further columns has the level in its name. The
    interval, the counts and the method of each are its metadata, and one that is undefined stands in the metadata of
    its score, because the format wants a number.
    """
    manifest = record.manifest
    config = without_secrets(manifest["config"])
    about = (str(manifest.get("run_id")), str(manifest.get("started")))
    items = list(dict.fromkeys(table.columns["item"].tolist()))
    done = int(manifest["items_done"]) - int(manifest.get("items_failed") or 0)
    git = manifest.get("git") or {}
    settings = {key: value for key, value in as_mapping(config.get("experiment")).items() if key != "_target_"}
    status = _STATUS.get(str(manifest.get("status")), "error")
    return {
        "version": VERSION,
        "status": status,
        "eval": {
            "eval_id": identity("eval", *about),
            "run_id": identity("run", *about),
            "created": _time(manifest.get("started")),
            "task": str(manifest["experiment"]),
            "task_id": identity("task", *about),
            "task_version": 0,
            "task_args": settings,
            "dataset": {
                "name": str(manifest["task"]["name"]),
                "samples": len(items),
                "sample_ids": items,
                "shuffled": False,
            },
            "model": str(manifest["model"]["name"]),
            "model_args": {key: value for key, value in manifest["model"].items() if key != "name"},
            "config": {"epochs": 1},
            **({"revision": {"type": "git", "origin": "", "commit": git["commit"]}} if git.get("commit") else {}),
            "packages": as_mapping(manifest.get("packages")),
            "metadata": {
                "title": manifest["title"],
                **{key: without_secrets(manifest[key]) for key in _TOLD if key in manifest},
                "verdicts": [
                    {key: verdict[key] for key in ("text", "kind", "reason", "source")} for verdict in record.verdicts
                ],
                "config": config,
            },
        },
        "plan": {"name": "protocol", "steps": [{"solver": str(manifest["experiment"]), "params": settings}]},
        "results": {
            "total_samples": len(items),
            "completed_samples": done,
            "scores": _scores(record.estimates, table),
        },
        "stats": {"started_at": _time(manifest.get("started")), "completed_at": _ended(manifest)},
        **({"error": _stopped(manifest)} if status == "error" else {}),
    }


def _scores(estimates: Sequence[Estimate], table: Table) -> list[dict[str, Any]]:
    """One score (`inspect_ai.log.EvalScore`) for each arm, in the order of the estimates."""
    scores: dict[str, dict[str, Any]] = {}
    for e in estimates:
        arm = score_name(e.level["arm"]) if "arm" in e.level else ALL
        if arm not in scores:
            scored, unscored = _counts(table, arm)
            scores[arm] = {"name": arm, "scorer": arm, "scored_samples": scored, "unscored_samples": unscored}
            scores[arm] |= {"params": {}, "metrics": {}, "metadata": {"undefined": {}}}
        level = {key: value for key, value in e.level.items() if key != "arm"}
        name = f"{e.metric} ({', '.join(f'{k}={v}' for k, v in level.items())})" if level else e.metric
        if e.value is None:
            scores[arm]["metadata"]["undefined"][name] = e.note
            continue
        told = {key: value for key, value in asdict(e).items() if key not in ("metric", "value")}
        scores[arm]["metrics"][name] = {"name": name, "value": e.value, "params": {}, "metadata": told}
    return list(scores.values())


def _counts(table: Table, arm: str) -> tuple[int, int]:
    """Items with a row of an arm, and items with failures of it alone."""
    arms = [score_name(name) for name in table.columns["arm"]]
    rows = [i for i, name in enumerate(arms) if arm in (name, ALL)]
    asked = {table.columns["item"][i] for i in rows}
    scored = {table.columns["item"][i] for i in rows if table.columns["error"][i] is None}
    return len(scored), len(asked) - len(scored)


def _time(started: Any) -> str:
    """A time as the format has it, with the offset written out; the epoch where the run does not say."""
    try:
        return datetime.fromisoformat(str(started)).astimezone(UTC).isoformat()
    except ValueError:
        return datetime.fromtimestamp(0, UTC).isoformat()


def _ended(manifest: Mapping[str, Any]) -> str:
    seconds = [one for one in as_mapping(manifest.get("seconds")).values() if isinstance(one, (int, float))]
    return (datetime.fromisoformat(_time(manifest.get("started"))) + timedelta(seconds=sum(seconds))).isoformat()


def _stopped(manifest: Mapping[str, Any]) -> dict[str, str]:
    message = f"the run is {manifest.get('status')}"
    return {"message": message, "traceback": "", "traceback_ansi": ""}
