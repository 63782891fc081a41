"""report.html: hostile text stays text, the page needs no network, and leads from a number to its transcript."""

import base64
import gzip
import hashlib
import json
import re
import shutil
import typing
from html.parser import HTMLParser
from pathlib import Path

import orjson
import pytest
from markupsafe import escape

from harness.errors import HarnessError
from harness.metrics.meaning import meaning
from harness.report import page
from harness.report.page import write_page
from harness.report.results import Told
from harness.statistics.claims import VerdictKind
from tests.support.reports import MANIFEST, estimate, lines, table, write_run

HOSTILE = [
    "<script>alert(1)</script>",
    "</textarea></pre></details><img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    '" onmouseover="alert(1)',
    "{{ 7 * 7 }} {% raw %}",
    "</script><script>alert(2)</script>",
    "right \u202eto left\u202c and nothing\0 here",
    "]]><svg onload=alert(1)>",
    "<!-- </style><style>*{display:none}</style>",
]


class Elements(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = write_run(tmp_path_factory.mktemp("runs") / "calm")
    write_page(run)
    return run


@pytest.fixture
def run(calm: Path, tmp_path: Path) -> Path:
    """A run directory of this test's own."""
    return shutil.copytree(calm, tmp_path / "run")


def beside(run: Path) -> list[str]:
    """The items in the files beside the page, as HTML."""
    found = []
    for n, file in enumerate(sorted((run / "report-items").glob("*.js"))):
        match = re.fullmatch(r'shownItems\("[0-9a-f]{16}", (\d+), "([A-Za-z0-9+/=]*)"\);\n', file.read_text())
        assert match is not None
        assert int(match[1]) == n
        found += json.loads(gzip.decompress(base64.b64decode(match[2])))
    return found


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_makes_no_element_and_no_handler(text: str, calm: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path / "wild", text=text, experiment=text, title=text, error=text, figures=False)
    write_page(run)
    quiet = write_run(tmp_path / "quiet", experiment="e", title="t", error="e", figures=False)
    write_page(quiet)
    wild, plain = (Elements((folder / "report.html").read_text(encoding="utf-8")) for folder in (run, quiet))
    # Names may be broken after a slash, which is an element of ours.
    assert [tag for tag, _ in wild.tags if tag != "wbr"] == [tag for tag, _ in plain.tags if tag != "wbr"]
    for _, attributes in wild.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert not any((value or "").lower().startswith("javascript:") for value in attributes.values())


def test_hostile_items_in_files_beside_the_page_are_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_ITEMS", 1)
    text = "\n".join(HOSTILE)
    run = write_run(tmp_path / "run", text=text, figures=False)
    write_page(run)
    (file,) = (run / "report-items").iterdir()
    assert "alert" not in file.read_text()
    assert not set(file.read_text()) & set("<>&'\\")
    for fragment in beside(run):
        assert not {tag for tag, _ in Elements(fragment).tags} & {"script", "img", "svg", "a", "style"}


def test_invisible_characters_are_written_out(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", text=HOSTILE[6], figures=False)
    write_page(run)
    html = (run / "report.html").read_text(encoding="utf-8")
    assert "\u202e" not in html
    assert "\0" not in html
    assert "right ⟨U+202E⟩to left⟨U+202C⟩ and nothing␀ here" in html


def test_only_the_pages_own_script_may_run_and_nothing_is_loaded(calm: Path) -> None:
    html = (calm / "report.html").read_text(encoding="utf-8")
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script.group(1).encode()).digest()).decode()
    policy = next(a["content"] for tag, a in Elements(html).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"script-src 'sha256-{digest}' 'strict-dynamic'"
    )
    tags = Elements(html).tags
    assert not [a for tag, a in tags if tag in ("link", "iframe", "object", "img") or "src" in a]
    assert len([tag for tag, _ in tags if tag == "script"]) == 1
    assert not (calm / "report-items").exists()


def test_the_page_holds_verdicts_numbers_failures_cost_and_transcripts(calm: Path) -> None:
    html = (calm / "report.html").read_text(encoding="utf-8")
    order = [html.index(f'<section id="{name}"') for name in
             ("verdicts", "figures", "numbers", "failures", "items", "cost", "provenance", "methods")]  # fmt: skip
    assert order == sorted(order)
    assert ">0.700</button>" in html
    assert "<small>0.600 to 0.800</small>" in html
    assert '<small class="undecided">paper 0.750, undecided</small>' in html
    assert ">supported</span> <small>undecided, p 0.060, judged together with the others</small>" in html
    assert "7 asked, 3 answered from the store" in html
    assert "93.4 % of the time" in html
    assert '1 time: <bdi>broken</bdi> <span class="links"><a href="#item-000008">' in html
    assert '<a href="#failures">1 did not finish.</a>' in html
    assert html.index('id="item-000008"') < html.index('id="item-000000"')  # no answer before right ones
    assert "prompt 0 hello" in html
    assert "&lt;b&gt;model&lt;/b&gt;" in html
    assert "Reliability: share correct against mean P(True)" in html


def test_every_section_has_a_heading_every_header_a_scope_and_every_figure_a_text(calm: Path) -> None:
    tags = Elements((calm / "report.html").read_text(encoding="utf-8")).tags
    names = [tag for tag, _ in tags]
    assert {"header", "nav", "main"} <= set(names)
    assert names.count("h1") == 1
    headings = {a["id"] for tag, a in tags if tag == "h2"}
    assert all(a["aria-labelledby"] in headings for tag, a in tags if tag == "section")
    assert all(a.get("scope") in ("col", "row") for tag, a in tags if tag == "th")
    assert dict(tags)["html"]["lang"] == "en"
    (figure,) = [a for tag, a in tags if tag == "div" and a.get("role") == "img"]
    assert "mean 0.250, observed" in str(figure["aria-label"])
    labelled = [i for i, (tag, _) in enumerate(tags) if tag == "input"]
    assert all(tags[i - 1][0] == "label" for i in labelled)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1) of "#rgb" or "#rrggbb"."""
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_formula() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("kind", typing.get_args(VerdictKind))
def test_every_verdict_has_a_colour(kind: str) -> None:
    assert f".{kind.replace(' ', '-')}" in (Path(page.__file__).parent / "page.css").read_text()


def test_all_text_has_contrast_in_light_dark_and_print() -> None:
    css = (Path(page.__file__).parent / "page.css").read_text()
    schemes = [dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", block)) for block in re.findall(r":root \{([^}]*)\}", css)]
    assert len(schemes) == 3
    for scheme in schemes:
        for text in ("ink", "quiet", "link", "good", "bad"):
            for ground in ("paper", "tint"):
                assert contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground, scheme)
    # No text has a colour of its own outside the schemes.
    outside = re.sub(r":root \{[^}]*\}", "", css)
    assert set(re.findall(r"(?<![-\w])color: ([^;}]+?) *[;}]", outside)) <= {
        f"var(--{name})" for name in ("ink", "quiet", "link", "good", "bad")
    } | {"inherit"}


def test_an_undefined_number_says_why(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", 3, estimates=(estimate(None),), figures=False)
    write_page(run)
    html = (run / "report.html").read_text()
    assert ">undefined</button>" in html
    assert "only one class" in html


def test_an_unfinished_run_says_so_first(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", status="interrupted", error="by the user", figures=False)
    write_page(run)
    assert "This run is interrupted: <bdi>by the user</bdi>" in (run / "report.html").read_text()


def test_long_texts_are_cut_in_the_middle_with_the_whole_beside(tmp_path: Path) -> None:
    text = "x" * 999_990 + "the end"
    run = write_run(tmp_path / "run", 3, text=text, figures=False)
    assert write_page(run).size < 100_000
    html = (run / "report.html").read_text()
    assert "characters left out here, all of them in calls.jsonl" in html
    assert "the end</pre>" in html
    assert orjson.loads((run / "calls.jsonl").read_bytes().splitlines()[0])["exchanges"][0]["reply"] == text


def test_items_over_the_limit_lie_beside_the_page_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path / "run", 100, figures=False)
    monkeypatch.setattr(page, "FILE_ITEMS", 40)
    monkeypatch.setattr(page, "MOST_ITEMS", 5)
    written = write_page(run)
    assert (written.inline, written.beside, written.files) == (5, 95, 3)
    ids = r'<details class="item" id="item-(\w+)"'
    inline = re.findall(ids, (run / "report.html").read_text())
    # The one that did not finish, the right ones in doubt (p .25), then the wrong ones, each by id.
    ordered = ["000063", *(f"{i:06x}" for i in range(0, 99, 2)), *(f"{i:06x}" for i in range(1, 99, 2))]
    assert inline == ordered[:5]
    rest = [re.findall(ids, fragment)[0] for fragment in beside(run)]
    assert inline + rest == ordered
    assert "95 more are in the folder report-items beside it" in (run / "report.html").read_text()
    # As many bytes as are allowed, whatever the number of items; an item of any size is shown when it is the first.
    monkeypatch.setattr(page, "MOST_ITEMS", 1000)
    monkeypatch.setattr(page, "INLINE_BYTES", 20_000)
    assert 10 < write_page(run).inline < 50
    monkeypatch.setattr(page, "INLINE_BYTES", 1)
    assert write_page(run).inline == 1
    # Fewer files than before: the others go, and the folder when nothing is left in it.
    monkeypatch.setattr(page, "INLINE_BYTES", 10**9)
    (run / "report-items/notes.txt").write_text("mine")
    assert write_page(run).files == 0
    assert [file.name for file in (run / "report-items").iterdir()] == ["notes.txt"]


def test_a_page_of_many_numbers_figures_and_long_names_stays_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = tuple(estimate(i / 10_000, arm=f"{i}") for i in range(3000))
    run = write_run(tmp_path / "run", 700, text="<" * 400, estimates=many, fitted={"items": ["x" * 32] * 20_000})
    for name in ("b", "c"):
        shutil.copy(next((run / "figures").iterdir()), run / "figures" / f"{name}.svg")
    # Every part is at its limit but the figures, which can be 1.2 MB.
    monkeypatch.setattr(page, "MOST_PICTURES", 20_000)
    written = write_page(run)
    assert written.beside > 100
    assert written.size < 5_000_000 - page.MOST_PICTURES - 1_200_000
    html = (run / "report.html").read_text()
    assert "1500 more numbers are in estimates.json" in html
    assert "2 more are in the folder figures" in html
    assert "more characters not shown" in html


def test_a_number_leads_to_the_rows_of_its_level_by_column(calm: Path) -> None:
    html = (calm / "report.html").read_text()
    assert 'class="number" data-level="[&#34;few-shot&#34;]" data-columns="[&#34;arm&#34;]"' in html
    assert '<th scope="col">arm</th>' in html[html.index('<section id="items"') :]


def test_the_same_directory_gives_the_same_page_wherever_it_lies(calm: Path, run: Path) -> None:
    before = (calm / "report.html").read_bytes()
    (run / "report.html").unlink()
    write_page(run)
    assert (run / "report.html").read_bytes() == before
    other = run.parent / "elsewhere" / "report.html"
    assert write_page(run, other).page == other
    assert other.read_bytes() == before


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("manifest.json", None, "no manifest.json"),
        ("manifest.json", "{", "is damaged"),
        ("manifest.json", "[]", "is damaged: it holds a list"),
        ("manifest.json", json.dumps(MANIFEST | {"model": "a name"}), "another version or changed by hand"),
        ("manifest.json", json.dumps({k: v for k, v in MANIFEST.items() if k != "started"}), "another version"),
        ("manifest.json", json.dumps(MANIFEST | {"engine_busy": "often"}), "another version"),
        ("estimates.json", None, "no results"),
        ("estimates.json", '[{"metric": "auroc"}]', "another version"),
        ("verdicts.json", '[{"kind": "supported"}]', "another version"),
        ("verdicts.json", None, "verdicts.json cannot be read"),
        ("outcomes.parquet", None, "has no outcomes.parquet"),
        ("outcomes.parquet", "no parquet", "outcomes.parquet cannot be read"),
        ("calls.jsonl", None, "calls.jsonl cannot be read"),
        ("calls.jsonl", '{"item": "a", ', "line 1: damaged"),
        ("calls.jsonl", '{"item": "000000", "error": null}\n', "line 1: damaged, or written by another version"),
    ],
)
def test_a_directory_that_cannot_be_shown_gives_one_message(
    run: Path, file: str, content: str | None, message: str
) -> None:
    before = (run / "report.html").read_bytes()
    if content is None:
        (run / file).unlink()
    else:
        (run / file).write_text(content)
    with pytest.raises(HarnessError, match=message) as caught:
        write_page(run)
    assert "\n" not in str(caught.value)
    assert str(run) in str(caught.value) or file in str(caught.value)
    assert (run / "report.html").read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        ("</svg>", "<script>alert(1)</script></svg>"),
        ("</svg>", "<foreignObject><p>x</p></foreignObject></svg>"),
        ("<g id", '<g onclick="alert(1)" id'),
        ("</svg>", '<use xlink:href="https://example.org/x.svg#a"/></svg>'),
        ("stroke-linecap: butt}", "stroke-linecap: butt} body{display:none}"),
        ("fill: #ffffff", "fill: url(https://example.org/x)"),
        ("<svg ", '<!DOCTYPE svg [<!ENTITY a "b">]><svg '),
        ("</svg>", ""),
    ],
)
def test_a_figure_that_was_edited_is_not_shown(run: Path, change: tuple[str, str]) -> None:
    (figure,) = (run / "figures").iterdir()
    text = figure.read_text(encoding="utf-8")
    assert change[0] in text
    figure.write_text(text.replace(*change, 1) if change[1] else text.replace(*change))
    with pytest.raises(HarnessError, match=r"is no figure of a run|is damaged"):
        write_page(run)


def test_table_and_lines_tell_the_same_items() -> None:
    assert sorted(set(table(9).columns["item"])) == sorted(str(line["item"]) for line in lines(9))


def test_a_dry_run_says_so_and_judges_nothing(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", 9, figures=False, model={"name": "fake:m", "source": "s"})
    write_page(run)
    html = (run / "report.html").read_text()
    assert "Dry run: no model was asked." in html
    assert 'class="result"' not in html
    assert "supported" not in re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    assert "paper 0.750" not in html


CLAIMS = [
    {"text": "It knows", "metric": "auroc", "level": {"arm": "few-shot"}, "relation": "above", "value": 0.5},
    {"text": "hello", "metric": "auroc", "level": {"arm": "few-shot"}, "relation": "above", "value": 0.5},
]


def test_a_run_says_its_result_and_the_claim_that_it_tests(tmp_path: Path) -> None:
    numbers = (estimate(0.7), estimate(0.25, metric="accuracy"))
    run = write_run(tmp_path / "run", 9, estimates=numbers, figures=False, config={"claims": CLAIMS})
    write_page(run)
    html = (run / "report.html").read_text()
    assert (
        "&lt;b&gt;model&lt;/b&gt; is right in 25 % (15 to 35) of 8 answers; its confidence tells right answers from "
        "wrong ones (AUROC 0.70, 0.60 to 0.80, few-shot, undecided when judged with the others).</bdi></p>"
    ) in html
    assert "Tests the claim: <bdi>A claim.</bdi>" in html
    assert "claimed above 0.5" in html


def test_numbers_of_claims_stand_in_a_table_of_arms_and_the_rest_is_folded(tmp_path: Path) -> None:
    names = [f"arm{i}" for i in range(8)]
    numbers = [estimate(0.6, name, metric) for metric in ("aurc", "auroc") for name in names]
    run = write_run(tmp_path / "run", 9, estimates=tuple(numbers), figures=False, config={"claims": CLAIMS})
    write_page(run)
    html = (run / "report.html").read_text()
    first, rest = html[html.index('<section id="numbers"') :].split('<details id="more-numbers">')
    heads = [re.findall(r'<th scope="col">([^<]+)</th>', part) for part in first.split("</table>")]
    assert heads[:2] == [["Metric", *names[:6]], ["Metric", *names[6:]]]
    assert ">AUROC</summary>" in first
    assert f'<summary title="{escape(meaning("auroc"))}">' in first
    assert ">AUROC</summary>" not in rest
    assert "8 more numbers" in rest
    assert first.count('<button type="button" class="number"') == 8


def test_a_run_leads_to_the_sweeps_that_it_is_a_cell_of(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs/pTrue/facts s0", 3, figures=False)
    for name, folder in (("mine", "runs/pTrue/facts s0"), ("other", "runs/pTrue/facts s0-2")):
        (tmp_path / "runs/sweeps" / name).mkdir(parents=True)
        (tmp_path / "runs/sweeps" / name / "sweep.json").write_text(json.dumps({"cells": [{"folder": folder}]}))
    write_page(run)
    links = re.findall(r'<a href="([^#"]+)">([^<]+)', (run / "report.html").read_text())
    assert links == [("../../sweeps/mine/report.html", "Sweep mine")]
    assert (run / links[0][0]).parent.resolve() == tmp_path / "runs/sweeps/mine"
    write_page(run, tmp_path / "page.html")
    assert 'href="runs/sweeps/mine/report.html"' in (tmp_path / "page.html").read_text()


def test_a_claim_without_a_number_says_why_where_the_number_would_stand(tmp_path: Path) -> None:
    reason = "the run has no auroc[arm=fixed] (it has: [arm=few-shot], [arm=zero-shot])"
    assert Told({"reason": reason}, "").missing == "the run has no auroc[arm=fixed]"
    path = write_run(tmp_path / "run", 3)
    (verdict, *_) = json.loads((path / "verdicts.json").read_text())
    lost = {**verdict, "kind": "not comparable", "measured": None, "reason": reason}
    (path / "verdicts.json").write_text(json.dumps([lost]))
    write_page(path)
    html = (path / "report.html").read_text(encoding="utf-8")
    assert '<td data-label="Number"><small>the run has no auroc[arm=fixed]</small></td>' in html
