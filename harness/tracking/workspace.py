"""Saves a W&B workspace that puts the runs of a group side by side: numbers, reliability, progress."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlparse

from harness.errors import HarnessError
from harness.tracking.wandb import has_key

SECTIONS = ("Numbers", "Reliability", "Progress")
"""The sections that saving again replaces; others, which somebody added, stay."""

RUNS = 100
"""Runs that one panel shows at most; W&B's own default of 10 hides the others silently."""

ITEMS = "progress/items"

OTHERS = ("charts", "claims", "figures", "points", "progress", "seconds", "thoughts")
"""First words of the keys that the tracker writes besides the numbers."""


@dataclass(frozen=True)
class Logged:
    """The names that the runs of a group have logged; each can have a panel.

    Attributes:
        numbers: for each metric/level key, the keys of its bars: lower end, value, upper end.
        figures: keys of images.
        charts: W&B's settings (`panel_config`) of each native chart.
        progress: keys of the history over progress/items.
    """

    numbers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    figures: Sequence[str] = ()
    charts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    progress: Sequence[str] = ()

    @classmethod
    def of(cls, runs: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Logged:
        """Reads the summary and the config, `_wandb` included, of each run.

        A number is any under METRIC/LEVEL; what else has a slash in its name is known by its first word.
        """
        keys: set[str] = set()
        charts: dict[str, Mapping[str, Any]] = {}
        for summary, config in runs:
            keys |= set(summary)
            for name, chart in config.get("_wandb", {}).get("visualize", {}).items():
                if name.startswith("charts/") and chart.get("panel_config"):
                    charts[name] = chart["panel_config"]
        numbers = sorted(key for key in keys if _is_number(key) and not key.endswith(("/low", "/high")))
        return cls(
            numbers={key: tuple(k for k in (f"{key}/low", key, f"{key}/high") if k in keys) for key in numbers},
            figures=sorted(key for key in keys if key.startswith("figures/")),
            charts=dict(sorted(charts.items())),
            progress=sorted(key for key in keys if key.startswith("progress/") and key != ITEMS),
        )

    def only(self, metrics: Sequence[str]) -> Logged:
        """Keeps the numbers of some metrics, each given as `auroc` or with levels, as `auroc/few-shot`.

        Raises:
            HarnessError: no run has one of them.
        """
        chosen: dict[str, tuple[str, ...]] = {}
        for metric in metrics:
            matching = {key: bars for key, bars in self.numbers.items() if f"{key}/".startswith(f"{metric}/")}
            if not matching:
                names = ", ".join(sorted({key.split("/")[0] for key in self.numbers})) or "none at all"
                raise HarnessError(f"no run of the group has the metric {metric}; there are: {names}")
            chosen |= matching
        return Logged(chosen, self.figures, self.charts, self.progress)


def _is_number(key: str) -> bool:
    first, slash, _ = key.partition("/")
    return bool(slash) and first not in OTHERS


def build(project: str, entity: str, group: str, logged: Logged) -> Any:
    """The workspace (`wandb_workspaces.workspaces.Workspace`) of a group; asks no server.

    Raises:
        HarnessError: the package is missing, or W&B's filters cannot say the group's name.
    """
    ws = _package()
    return ws.Workspace(
        entity=entity,
        project=project,
        name=f"compare {_title(group)}",
        sections=_sections(logged),
        runset_settings=ws.RunsetSettings(filters=_filter(group)),
    )


def save(
    project: str, entity: str | None, group: str, url: str | None = None, *, metrics: Sequence[str] | None = None
) -> str:
    """Saves a workspace that compares the runs of a group.

    Args:
        entity: None is WANDB_ENTITY, or the default entity of the key.
        url: a saved workspace to update: its three sections and its filter are replaced, the rest stays. None makes a
            new one, each time.
        metrics: the numbers to show; None shows all.

    Returns:
        Its URL.

    Raises:
        HarnessError: no package, no key, no such runs or workspace, or W&B does not do it.
    """
    ws = _package()
    if not has_key():
        raise HarnessError(
            "a workspace is saved at W&B, which needs a key: set WANDB_API_KEY, or run `wandb login` once"
        )
    os.environ["WANDB_SILENT"] = "true"  # its hints; only the URL matters
    import wandb

    try:
        api = wandb.Api()
        entity = entity or os.environ.get("WANDB_ENTITY") or api.default_entity
        if not entity:
            raise HarnessError("W&B names no default entity for this key; give one with --entity")
        runs = list(api.runs(f"{entity}/{project}", filters={"group": group}, lazy=False))
        if not runs:
            raise HarnessError(f"W&B's project {entity}/{project} has no runs of group {group}")
        logged = Logged.of((dict(run.summary_metrics), run.rawconfig) for run in runs)
        if metrics:
            logged = logged.only(metrics)
        workspace = build(project, entity, group, logged)
        if url is not None:
            saved = ws.Workspace.from_url(_checked(url, project, entity))
            saved.sections = workspace.sections + [s for s in saved.sections if s.name not in SECTIONS]
            saved.runset_settings.filters = workspace.runset_settings.filters
            workspace = saved
        return str(workspace.save().url)
    except HarnessError:
        raise
    except Exception as error:
        text = (str(error).strip().splitlines() or ["no message"])[0]
        raise HarnessError(f"W&B could not save the workspace ({type(error).__name__}: {text})") from error


def _package() -> Any:
    try:
        import wandb_workspaces.workspaces as ws
    except ImportError as error:
        raise HarnessError(
            "a workspace needs the package wandb-workspaces: pip install 'self-evaluation-harness[workspace]'"
        ) from error
    return ws


def _sections(logged: Logged) -> list[Any]:
    import wandb_workspaces.reports.v2 as wr
    import wandb_workspaces.workspaces as ws

    numbers = [
        wr.BarPlot(title=key, metrics=list(bars), max_runs_to_show=RUNS, max_bars_to_show=3 * RUNS)
        for key, bars in logged.numbers.items()
    ]
    figures = [wr.MediaBrowser(title=key, media_keys=[key], num_columns=3) for key in logged.figures]
    charts = [
        wr.CustomChart(
            query={"summaryTable": {"tableKey": _table_key(chart)}},
            chart_name=chart["panelDefId"],
            chart_fields=dict(chart.get("fieldSettings") or {}),
            chart_strings=dict(chart.get("stringSettings") or {}),
        )
        for chart in logged.charts.values()
    ]
    progress = [wr.LinePlot(title=key, x=ITEMS, y=[key], max_runs_to_show=RUNS) for key in logged.progress]
    wide = ws.SectionLayoutSettings(columns=1, rows=2)  # a figure of each run, side by side
    return [
        ws.Section(name="Numbers", panels=numbers, is_open=True),
        ws.Section(name="Reliability", panels=[*figures, *charts], is_open=True, layout_settings=wide),
        ws.Section(name="Progress", panels=progress),
    ]


def _title(group: str) -> str:
    """The group's name without what W&B's package refuses in a title as emojis, = and > among them."""
    return "".join("-" if unicodedata.category(c) in ("So", "Sk", "Sm", "Sc", "Cs") else c for c in group)


def _filter(group: str) -> str:
    """The filter on a group, read back as W&B's package reads it, which checks none.

    The package rewrites =, < and > in the text before it parses it, also within quotes: they are written as escapes.
    """
    from wandb_workspaces import expr

    value = "".join(c if c.isalnum() or c in " _-./" else f"\\U{ord(c):08x}" for c in group)
    text = f"Metric('Group') == '{value}'"
    try:
        tree = expr.expr_to_filters(text).model_dump(exclude_none=True)
    except (SyntaxError, ValueError):
        tree = {}
    while len(tree.get("filters", ())) == 1:
        tree = tree["filters"][0]
    expected = {"op": "=", "key": {"section": "run", "name": "group"}, "value": group}
    if any(tree.get(name) != value for name, value in expected.items()):
        raise HarnessError(f"W&B's workspace filters cannot say the group name {group!r}; rename the group")
    return text


def _checked(url: str, project: str, entity: str) -> str:
    """The URL as W&B's package reads it, which is without the /workspace that a browser shows."""
    parts = urlparse(url)
    path = parts.path.strip("/").removesuffix("/workspace")
    if not parse_qs(parts.query).get("nw"):
        raise HarnessError(f"{url} is not the URL of a saved workspace, which ends in ?nw=...")
    if path != f"{entity}/{project}":
        raise HarnessError(f"{url} is not a workspace of {entity}/{project}: it would show none of its runs")
    return parts._replace(path=f"/{path}").geturl()


def _table_key(chart: Mapping[str, Any]) -> str:
    """The table that a native chart draws: userQuery, runSets, summaryTable, tableKey."""
    for runs in chart["userQuery"]["queryFields"]:
        for part in runs["fields"]:
            if part["name"] == "summaryTable":
                return str(part["args"][0]["value"])
    raise HarnessError(f"the native chart {chart['panelDefId']} draws no table of the run")
