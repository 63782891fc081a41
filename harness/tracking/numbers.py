"""The results of a run as every tracker shows them: a few numbers under readable names, and tables of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.config import flat
from harness.statistics.estimates import Estimate
from harness.statistics.headline import headline
from harness.tracker import RunResult

Rows = tuple[list[str], list[list[Any]]]
"""Names of the columns, and the rows."""


def claims_of(result: RunResult) -> dict[str, str]:
    """The verdict on every claim, by its text. Verdicts on published numbers are in the table only."""
    return {str(v["text"]): str(v["kind"]) for v in result.verdicts if v.get("published") is None}


def headline_of(result: RunResult) -> list[tuple[str, Estimate]]:
    """Name (metric/level) and estimate of the numbers to be seen first; see `headline`."""
    claims = result.manifest.get("config", {}).get("claims", ())
    return [(name_of(e), e) for e in headline(result.estimates, [str(claim["metric"]) for claim in claims])]


def name_of(estimate: Estimate) -> str:
    """Metric and level as one name; what stands before the slash is common to all levels of a metric."""
    return f"{estimate.metric}/{' '.join(estimate.level.values()) or 'all'}"


def course_of(result: RunResult) -> dict[str, Any]:
    """How the run went: status, items, seconds by phase, the engine's busy share, thoughts."""
    manifest = result.manifest
    course: dict[str, Any] = {key: manifest[key] for key in ("status", "items_done", "items_failed")}
    course |= {f"seconds/{phase}": seconds for phase, seconds in manifest.get("seconds", {}).items()}
    if manifest.get("engine_busy") is not None:
        course["engine_busy"] = manifest["engine_busy"]
    told = {"thoughts": manifest.get("thoughts", {})}
    told |= {f"thoughts/{role.replace('.', '_')}": counts for role, counts in manifest.get("role_thoughts", {}).items()}
    for place, counts in told.items():
        course |= {f"{place}/{key}": value for key, value in counts.items()}
    return course


def numbers_table(result: RunResult) -> Rows:
    """Every estimate: metric, level, value, both ends of its interval, and its counts."""
    fields = ["value", "low", "high", "n", "n_groups", "n_failed", "better", "note"]
    rows = [[e.metric, " ".join(e.level.values()), *(getattr(e, name) for name in fields)] for e in result.estimates]
    return ["metric", "level", *fields], rows


def verdicts_table(result: RunResult) -> Rows:
    """Every verdict: by its own interval, and as one of its family."""
    columns = ["kind", "kind_holm", "text", "p", "p_holm", "published", "reason", "source"]
    return columns, [[verdict.get(column) for column in columns] for verdict in result.verdicts]


def settings_of(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Dotted name and text of every setting of a nested config."""
    return ((key, str(value)) for key, value in flat(config))
