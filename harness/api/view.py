"""Shows a run in a notebook: one line, verdicts, and the table of its first numbers. All texts are escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.console import visible
from harness.runs.records import RunRecord, is_dry
from harness.statistics.estimates import Estimate
from harness.statistics.headline import headline

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 12
"""Metrics and verdicts that are shown; the page has all."""


def run_html(record: RunRecord) -> str:
    """A run in a few lines of HTML."""
    known = record.manifest
    first = (
        f"<b>{text(known['experiment'])}</b>: {known['items_done']} items of {text(known['task']['name'])}, "
        f"model {text(known['model']['name'])}, seed {known['seed']}, {text(known.get('status'))}"
    )
    if is_dry(known):
        first += "; <b>a dry run: no model was asked, the numbers mean nothing</b>"
    claims = [claim["metric"] for claim in known["config"].get("claims", ())]
    return "".join(
        [
            f"<div><p>{first}</p>",
            _verdicts([one for one in record.verdicts if one["published"] is None]),
            _numbers(headline(record.estimates, claims)),
            f"<p>{text(record.path / 'report.html')}</p></div>",
        ]
    )


def table_html(table: pd.DataFrame) -> str:
    """A data frame as an HTML table whose texts are escaped."""
    return _table(list(table.columns), table.astype(object).values.tolist())


def show_page(page: Path, *, below: bool) -> None:
    """Shows a page below the notebook's cell, or in the browser."""
    if not below:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
        return
    from IPython.display import HTML, display  # a notebook is running, so it is there

    # In a frame of its own, whose scripts cannot reach the notebook.
    source = escape(page.read_text(encoding="utf-8"), quote=True)
    style = "width:100%;height:600px;border:0"
    display(HTML(f'<iframe sandbox="allow-scripts" style="{style}" srcdoc="{source}"></iframe>'))


def _verdicts(verdicts: Sequence[Mapping[str, Any]]) -> str:
    if not verdicts:
        return ""
    rows = [[one["kind"], one["text"], one["reason"]] for one in verdicts[:MOST_ROWS]]
    return _table(["verdict", "claim", "why"], rows, len(verdicts) - MOST_ROWS)


def _numbers(estimates: Sequence[Estimate]) -> str:
    """Metrics as rows, and as columns arms (or other levels that tell the numbers of a metric apart)."""
    metrics = list(dict.fromkeys(one.metric for one in estimates))
    levels = list(dict.fromkeys(_level(one) for one in estimates))
    numbers = {(one.metric, _level(one)): one.text(".3g") for one in estimates}
    rows = [[metric, *(numbers.get((metric, level), "") for level in levels)] for metric in metrics[:MOST_ROWS]]
    return _table(["metric", *levels], rows, len(metrics) - MOST_ROWS)


def _level(one: Estimate) -> str:
    return ", ".join(one.level.values())


def _table(head: Sequence[Any], rows: Sequence[Sequence[Any]], left_out: int = 0) -> str:
    def row(cells: Sequence[Any], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag} style=text-align:left>{text(cell)}</{tag}>' for cell in cells)}</tr>"

    more = f"<p>({left_out} more are in the report)</p>" if left_out > 0 else ""
    body = "".join(row(cells, "td") for cells in rows)
    return f"<table><thead>{row(head, 'th')}</thead><tbody>{body}</tbody></table>{more}"


def text(value: object) -> str:
    """A value as it may stand in HTML."""
    return escape(visible(str(value)))
