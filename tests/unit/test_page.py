"""report.html: hostile text stays text, the page needs no network, and leads from a number to its transcript."""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

import pytest

from harness.claims import Verdict
from harness.figures import Reliability
from harness.outcomes import ItemResult, Table
from harness.report import page
from harness.report.figures import draw
from harness.report.page import render
from harness.stats import Estimate
from tests.unit.test_tracking import Row

HOSTILE = [
    "<script>alert(1)</script>",
    "</textarea></pre></details><img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    '" onmouseover="alert(1)',
    "{{ 7 * 7 }} {% raw %}",
    "</script><script>alert(2)</script>",
    "right \u202eto left\u202c and nothing\0 here",
    "]]><svg onload=alert(1)>",
]
MANIFEST: dict[str, Any] = {
    "status": "finished", "experiment": "pTrue", "title": "A claim.",
    "task": {"name": "facts", "items": 9, "fingerprint": "f"},
    "model": {"name": "<b>model</b>", "source": "s"}, "seed": 0, "items_done": 9, "items_failed": 1, "started": "now",
    "seconds": {"ask": 1.5}, "engine_busy": 0.934, "store": {"asked": 7, "shared": 3, "damaged": 0},
    "usage": {"calls": 7, "prompt_tokens": 70, "cached_tokens": 30, "new_tokens": 50, "steps": 9, "busy": 1.4},
}  # fmt: skip


class Elements(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def estimate(value: float | None, arm: str = "few-shot") -> Estimate:
    low, high = (value - 0.1, value + 0.1) if value is not None else (None, None)
    return Estimate(
        metric="auroc", level={"arm": arm}, value=value, low=low, high=high, n=8, n_groups=8, n_failed=1,
        method="bootstrap", better="higher", note="" if value is not None else "only one class",
    )  # fmt: skip


def lines(n: int, text: str = "hello") -> Iterator[Mapping[str, Any]]:
    for i in range(n):
        exchange = {
            "prompt": f"prompt {i} {text}", "reply": text, "keys": ["00"], "cached": i % 2 == 0,
            "prompt_tokens": 5, "new_tokens": 2,
        }  # fmt: skip
        yield {
            "item": f"{i:04x}", "group": f"{i:04x}", "fields": {"question": text}, "gold": text,
            "error": "broken" if i == n - 1 else None, "exchanges": [exchange],
        }  # fmt: skip


def table(n: int, answer: str = "hello") -> Table:
    results = [
        ItemResult(f"{i:04x}", f"{i:04x}", (Row(arm="few-shot", answer=answer, p_true=None, correct=i % 2 == 0),))
        for i in range(n - 1)
    ]
    return Table.build(Row, [*results, ItemResult(f"{n - 1:04x}", "g", error="broken")])


def rendered(n: int = 9, text: str = "hello", **changes: Any) -> str:
    verdict = Verdict("supported", text[:99], estimate(0.7), None, text[:99], text[:99])
    drawings = [draw(Reliability("p_true", "correct"), table(n, text), [])]
    return render(MANIFEST | changes, table(n, text), [estimate(0.7)], [verdict], drawings, lines(n, text))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_makes_no_element_and_no_handler(text: str) -> None:
    calm, wild = Elements(), Elements()
    calm.feed(rendered())
    wild.feed(rendered(text=text))
    assert [tag for tag, _ in wild.tags] == [tag for tag, _ in calm.tags]
    for _, attributes in wild.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert not any((value or "").lower().startswith("javascript:") for value in attributes.values())


def test_invisible_characters_are_written_out() -> None:
    html = rendered(text=HOSTILE[6])
    assert "\u202e" not in html
    assert "\0" not in html
    assert "right ⟨U+202E⟩to left⟨U+202C⟩ and nothing␀ here" in html


def test_only_the_pages_own_script_may_run_and_nothing_is_loaded() -> None:
    import base64
    import hashlib

    html = rendered()
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script.group(1).encode()).digest()).decode()
    assert (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
        in html.replace("&#39;", "'")
    )
    elements = Elements()
    elements.feed(html)
    assert not [a for tag, a in elements.tags if tag in ("link", "iframe", "object", "img") or "src" in a]
    assert len([tag for tag, _ in elements.tags if tag == "script"]) == 1


def test_the_page_holds_verdicts_numbers_failures_cost_and_transcripts() -> None:
    html = rendered()
    order = [html.index(f'<section id="{name}">') for name in
             ("verdicts", "numbers", "figures", "failures", "cost", "items", "provenance")]  # fmt: skip
    assert order == sorted(order)
    assert '<button type="button" class="number" data-level="[&#34;few-shot&#34;]">0.700</button>' in html
    assert "0.600 to 0.800" in html
    assert "7 asked, 3 answered from the store" in html
    assert "93.4 % of the time" in html
    assert '<a href="#item-0008">' in html
    assert html.index('id="item-0008"') < html.index('id="item-0000"')  # the failed item comes first
    assert "prompt 0 hello" in html
    assert "&lt;b&gt;model&lt;/b&gt;" in html


def test_an_undefined_number_says_why() -> None:
    html = render(MANIFEST, table(3), [estimate(None)], [], [], lines(3))
    assert ">undefined</button>" in html
    assert "only one class" in html


def test_an_unfinished_run_says_so_first() -> None:
    html = rendered(status="interrupted", error="by the user")
    assert "This run is interrupted: by the user" in html


def test_long_texts_are_cut_in_the_middle_and_large_runs_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    html = rendered(n=3, text="x" * 1_000_000)
    assert len(html) < 200_000
    assert "characters left out here, all of them in calls.jsonl" in html
    monkeypatch.setattr(page, "INLINE_BYTES", 20_000)
    html = render(MANIFEST, table(1000), [estimate(0.7)], [], [], lines(1000))
    shown = len(re.findall(r'<details class="item"', html))
    assert 10 < shown < 200
    assert f"{1000 - shown} more are in calls.jsonl" in html
    assert 'id="item-03e7"' in html  # the failed one is always shown
    monkeypatch.setattr(page, "MOST_ITEMS", 5)
    html = render(MANIFEST, table(1000), [estimate(0.7)], [], [], lines(1000))
    assert re.findall(r'<details class="item" id="item-(\w+)"', html) == ["03e7", "0000", "0001", "0002", "0003"]
    assert "995 more are in calls.jsonl" in html


def test_a_number_leads_to_the_rows_of_its_level_by_column() -> None:
    html = rendered()
    assert (
        'data-columns="[&#34;arm&#34;]"><button type="button" class="number" data-level="[&#34;few-shot&#34;]"' in html
    )
    assert '<th scope="col">arm</th>' in html[html.index('<section id="items">') :]
