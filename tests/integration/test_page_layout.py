"""Every kind of page as it is laid out: at a desk, on a phone, in print and in the dark, nothing is cut off."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.report.page import write_page
from harness.report.several import render_several
from harness.runs.records import load_record
from harness.statistics.claims import Verdict
from tests.support.browser import Browser
from tests.support.reports import estimate, write_run

DESK, PHONE, PAPER = 1400, 390, 718
"""Widths in CSS pixels; the last one is that of a sheet of A4 with margins of a centimetre."""

SCREEN = 900
"""Height of a screen at a desk."""

BEYOND = """[...document.querySelectorAll('main *, header *')].filter(e => {
  const box = e.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && e.checkVisibility({contentVisibilityAuto: true})
    && !e.closest('svg, .item') && !(SCROLLS && e.closest('.wide'));
}).map(e => `${e.tagName} ${e.className} ${e.textContent.slice(0, 40)}`)"""
"""What sticks out of the page to the right; with SCROLLS, what one can scroll to is not counted."""

LONG = "semantic entropy entailment rao per token/and@some-very-long-model-name_of_an_organisation"


def claims(*arms: str) -> dict[str, object]:
    return {
        "claims": [
            {"text": f"{arm} knows", "metric": "auroc", "level": {"arm": arm}, "relation": "above", "value": 0.5}
            for arm in arms
        ]
    }


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind: a run with many arms of long names, a sweep of 3 by 3 by 3, and a comparison."""
    folder = tmp_path_factory.mktemp("pages")
    arms = [*(f"arm {i}" for i in range(17)), LONG]
    numbers = tuple(estimate(0.1 + i / 30, arm, m) for i, arm in enumerate(arms) for m in ("accuracy", "auroc", "ece"))
    run = write_run(folder / "run", 12, "what is it " * 20, numbers, config=claims(*arms[:3]), experiment=LONG)
    write_page(run)
    cells = []
    for experiment in ("pTrue", "pIK", "selfCorrection"):
        for size in ("135M", "1.7B", "7B"):
            for seed in range(3):
                name = f"{experiment}-{size}-{seed}"
                texts = [f"A claim of {experiment}, number {i}, that is about this long" for i in range(7)]
                numbers = tuple(estimate(0.5 + seed / 10, arm, "auroc") for arm in ("few-shot", "none", "fixed"))
                model = {"name": f"model-{size}", "source": "s"}
                made = write_run(folder / name, 3, estimates=numbers, seed=seed, model=model, experiment=experiment)
                verdicts = [asdict(Verdict("supported", text, estimate(0.7), None, "why", "source")) for text in texts]
                (made / "verdicts.json").write_text(json.dumps(verdicts))
                cells.append(load_record(made))
    (folder / "sweep.html").write_text(render_several("Sweep", cells, folder), encoding="utf-8")
    store = tempfile.mkdtemp(dir=folder)
    for seed in (0, 1):
        words = ["experiment=pTrue", "engine=fake", "limit=12", f"seed={seed}", "replicates=50", "tracker=none"]
        assert main(["run", *words, f"runs={folder}/runs", f"store={store}"]) == 0
    runs = [str(path) for path in sorted((folder / "runs/pTrue").iterdir())]
    assert main(["compare", *runs, "--html", str(folder / "compare.html"), "--replicates", "100"]) == 0
    return {"run": run / "report.html", "sweep": folder / "sweep.html", "compare": folder / "compare.html"}


def look(browser: Browser, page: Path, width: int, **media: object) -> None:
    browser.send(
        "Emulation.setDeviceMetricsOverride", width=width, height=SCREEN, deviceScaleFactor=1, mobile=width == PHONE
    )
    browser.send("Emulation.setEmulatedMedia", **({"media": "", "features": []} | media))
    browser.open(page)


@pytest.fixture(autouse=True)
def _as_before(browser: Browser) -> Iterator[None]:
    yield
    browser.send("Emulation.clearDeviceMetricsOverride")
    browser.send("Emulation.setEmulatedMedia", media="", features=[])


KINDS = pytest.mark.parametrize("kind", ["run", "sweep", "compare"])


@KINDS
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_on_a_screen_every_table_is_seen_whole(browser: Browser, pages: dict[str, Path], kind: str, width: int) -> None:
    look(browser, pages[kind], width)
    assert browser.run("document.documentElement.scrollWidth") <= width
    tables = (
        "[...document.querySelectorAll('.wide')].filter(w => w.checkVisibility({contentVisibilityAuto: true})"
        " && w.querySelector('table') && !w.closest('.item, details') && w.scrollWidth > w.clientWidth + 1)"
        ".map(w => w.ariaLabel)"
    )
    assert browser.run(tables) == []
    assert browser.run(BEYOND.replace("SCROLLS", "true")) == []


@KINDS
def test_in_print_nothing_sticks_out_of_the_sheet(browser: Browser, pages: dict[str, Path], kind: str) -> None:
    look(browser, pages[kind], PAPER, media="print")
    assert browser.run(BEYOND.replace("SCROLLS", "false")) == []
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@KINDS
def test_in_the_dark_the_page_is_dark(browser: Browser, pages: dict[str, Path], kind: str) -> None:
    look(browser, pages[kind], DESK, features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(23, 25, 28)"
    assert browser.run("getComputedStyle(document.body).color") == "rgb(232, 232, 232)"


def test_a_sweep_of_27_runs_fits_three_screens(browser: Browser, pages: dict[str, Path]) -> None:
    look(browser, pages["sweep"], DESK)
    assert browser.run("document.documentElement.scrollHeight") <= 3 * SCREEN


def test_the_result_and_the_first_verdict_are_on_the_first_screen(browser: Browser, pages: dict[str, Path]) -> None:
    for width in (DESK, PHONE):
        look(browser, pages["run"], width)
        assert browser.run("document.querySelector('.result').getBoundingClientRect().bottom") < SCREEN
        assert browser.run("document.querySelector('#verdicts .kind').getBoundingClientRect().bottom") < SCREEN


def test_words_are_never_broken_inside_in_the_head_of_a_table(browser: Browser, pages: dict[str, Path]) -> None:
    """A head of one word takes one line; longer names break between words and after a slash."""
    look(browser, pages["run"], DESK)
    heads = "[...document.querySelectorAll('#numbers thead th')].filter(t => /^\\w+$/.test(t.textContent))"
    of_text = "{ const r = document.createRange(); r.selectNodeContents(t); return r.getClientRects().length }"
    lines = f"{heads}.map(t => {of_text})"
    assert set(browser.run(lines)) == {1}
