"""The pages in a real browser: nothing hostile runs, they work by mouse and keyboard, and are whole without script."""

import json
import re
from pathlib import Path

import pytest

from harness.report import page
from harness.report.page import write_page
from harness.report.several import render_several
from harness.runs.records import load_record
from tests.support.browser import Browser
from tests.support.reports import estimate, write_run
from tests.unit.report.test_page import HOSTILE

NUMBERS = (estimate(0.7), estimate(0.9, "none"), estimate(None, "last"), estimate(-0.25, "low"), estimate(0.05, "z"))
REST = (estimate(0.3, metric="brier"), estimate(0.4, metric="nll"))
CONFIG = {"claims": [{"text": "c", "metric": "auroc", "level": {"arm": "few-shot"}, "relation": "above", "value": 0.5}]}
VALUES = "[...document.querySelectorAll('button.number')].map(b => b.textContent)"
SHOWN = "[...document.querySelectorAll('#item-list > .item:not([hidden])')].map(i => i.id.slice(5))"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 items full of hostile text: 10 on the page, the rest in three files beside it."""
    text = "\n".join([*HOSTILE, "x" * 20_000, "\u05d0\u05d1\u05d2 <b onclick=alert(3)>"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "MOST_ITEMS", 10)
        patch.setattr(page, "FILE_ITEMS", 20)
        folder = write_run(
            tmp_path_factory.mktemp("runs") / "a run #1 %41", 60, text, estimates=NUMBERS + REST, config=CONFIG
        )
        write_page(folder)
    return folder


def wait(browser: Browser, condition: str) -> None:
    """Waits until a condition holds in the page."""
    done = browser.run(
        "new Promise((ok) => { const look = (n) => "
        f"({condition}) ? ok(true) : n ? setTimeout(look, 20, n - 1) : ok(false); look(250) }})"
    )
    assert done, browser.run("document.getElementById('looked')?.textContent")


def click(browser: Browser, selector: str) -> None:
    browser.run(f"document.querySelector({json.dumps(selector)}).click()")


def write(browser: Browser, selector: str, text: str) -> None:
    browser.run(
        f"{{ const box = document.querySelector({json.dumps(selector)}); box.value = {json.dumps(text)};"
        " box.dispatchEvent(new Event('input')) }"
    )


def problems(browser: Browser) -> list[str]:
    """Dialogs, errors, and anything that was asked of a network."""
    found = [
        e["method"]
        for e in browser.events
        if e["method"] in ("Page.javascriptDialogOpening", "Runtime.exceptionThrown")
    ]
    found += [e["params"]["entry"]["text"] for e in browser.events if e["method"] == "Log.entryAdded"]
    asked = [e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    return found + [url for url in asked if not url.startswith(("file:", "about:", "data:"))]


def test_hostile_text_runs_nothing_even_when_its_items_come_from_beside_the_page(browser: Browser, run: Path) -> None:
    browser.open(run / "report.html")
    click(browser, "#more")
    wait(browser, "document.querySelectorAll('.item').length === 60")
    browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
    assert problems(browser) == []
    # The page's own script is the only element that could act.
    assert browser.run("document.querySelectorAll('script').length") == 1
    assert browser.run("document.querySelectorAll('img, iframe, object, a[href^=javascript], base, form').length") == 0
    acting = "[...document.querySelectorAll('*')].some(e => e.getAttributeNames().some(n => n.startsWith('on')))"
    assert browser.run(acting) is False
    shown = browser.run("document.querySelector('.fetched .reply').textContent")
    assert HOSTILE[0] in shown
    assert "to left⟨U+202C⟩ and nothing␀ here" in shown


def test_what_the_policy_forbids_does_not_run(browser: Browser, run: Path, tmp_path: Path) -> None:
    html = (run / "report.html").read_text(encoding="utf-8")
    (tmp_path / "report.html").write_text(
        html.replace(
            "<main>", "<main><script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
        )
    )
    browser.open(tmp_path / "report.html")
    assert browser.run("document.title") != "ran"
    assert any("Content Security Policy" in text for text in problems(browser))


def test_numbers_of_claims_are_seen_and_a_filter_looks_through_the_rest(browser: Browser, run: Path) -> None:
    browser.open(run / "report.html")
    assert browser.run(VALUES) == ["0.700", "0.900", "undefined", "\u22120.250", "0.050", "0.300", "0.400"]
    assert browser.run("document.getElementById('more-numbers').open") is False
    browser.run("document.getElementById('more-numbers').open = true")
    write(browser, "[data-filter]", "Brier")
    shown = "[...document.querySelectorAll('#more-numbers tbody tr')].filter(r => !r.hidden).length"
    assert browser.run(shown) == 1
    assert browser.run("document.querySelector('#more-numbers output').textContent") == "1 of 2 rows"
    # A metric says what it means where it stands.
    click(browser, ".meaning > summary")
    assert "a correct row has a higher score" in browser.run("document.querySelector('.meaning').innerText").lower()


def test_a_table_is_copied_as_it_is_seen(browser: Browser, run: Path) -> None:
    browser.open(run / "report.html")
    browser.run("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve() }")
    click(browser, ".wide + p.script button")
    head, rule, *rows = browser.run("window.copied").splitlines()
    assert head.startswith("| Metric | ")
    assert rule.startswith("| --- | ")
    assert any("0.700" in row and "\n" not in row for row in rows)
    wait(browser, "document.querySelector('.wide + p.script output').textContent === 'copied'")
    click(browser, ".wide + p.script button + button")
    text = browser.run("window.copied")
    assert text.startswith("\\begin{tabular}{l")
    assert text.count(" \\\\\n") == len(rows) + 1
    assert "$-$0.250" in text
    assert "a correct row has a higher score" not in text.lower()  # what is folded away stays behind


def test_items_are_ordered_as_one_likes(browser: Browser, run: Path) -> None:
    browser.open(run / "report.html")
    first = browser.run(SHOWN)
    for order, ids in (("right", first[1:] + first[:1]), ("rank", first)):
        browser.run(
            f"{{ const box = document.getElementById('order'); box.value = '{order}';"
            " box.dispatchEvent(new Event('change')) }"
        )
        assert browser.run(SHOWN) == ids


def test_items_are_found_beside_the_page_by_words_and_by_level(browser: Browser, run: Path) -> None:
    browser.open(run / "report.html")
    first = ["00003b", *(f"{i:06x}" for i in range(0, 18, 2))]
    assert browser.run(SHOWN) == first
    write(browser, "#filter-items", '<SCRIPT> prompt 42 "')
    assert browser.run(SHOWN) == []
    click(browser, "#more")
    wait(browser, "document.getElementById('looked').textContent.startsWith('3 of 3')")
    assert browser.run(SHOWN) == ["00002a"]
    assert browser.run("document.getElementById('more').disabled") is True
    write(browser, "#filter-items", "")
    assert browser.run(SHOWN) == first
    # A number's button: its level's rows only, here and in the files.
    click(browser, "button.number[data-level='[\"none\"]']")
    assert browser.run(SHOWN) == []
    click(browser, "#more")
    wait(browser, "document.getElementById('looked').textContent.startsWith('3 of 3')")
    assert browser.run(SHOWN) == [f"{i:06x}" for i in range(1, 59, 2)]
    told = browser.run("document.getElementById('level').textContent")
    assert told == "arm = none: 29 rows of 29 of the items below."
    click(browser, "#all")
    assert browser.run(SHOWN) == first


def test_files_that_are_missing_or_of_another_page_are_said_to_be(browser: Browser, run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "report.html"
    copy.write_bytes((run / "report.html").read_bytes())
    browser.open(copy)
    click(browser, "#more")
    wait(browser, "document.getElementById('looked').textContent.includes('00000.js is not beside this page')")
    (tmp_path / "report-items").mkdir()
    (tmp_path / "report-items/00000.js").write_text('shownItems("other", 0, "");')
    click(browser, "#more")
    wait(browser, "document.getElementById('looked').textContent.includes('another version of this page')")
    (tmp_path / "report-items/00000.js").write_text("")
    click(browser, "#more")
    wait(browser, "document.getElementById('looked').textContent.includes('is damaged')")


def test_the_page_works_by_keyboard(browser: Browser, run: Path) -> None:
    browser.open(run / "report.html", "#item-00003b")
    assert browser.run("document.getElementById('item-00003b').open") is True  # a link from the failures opens it
    browser.run("document.querySelector('#numbers button.number').focus()")
    browser.press("Enter")
    assert browser.run("document.activeElement.tagName") == "SUMMARY"
    browser.press("Enter")
    assert browser.run("document.activeElement.parentElement.open") is True
    browser.press("Tab")
    assert browser.run("document.activeElement.closest('.item').id") == "item-000000"


def test_without_script_numbers_figures_and_items_are_there(browser: Browser, run: Path) -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(run / "report.html")
        # Devtools may look, though the page's script may not run.
        assert browser.run("document.documentElement.classList.contains('scripted')") is False
        assert browser.run("getComputedStyle(document.getElementById('more').parentElement).display") == "none"
        assert "0.600 to 0.800" in browser.run("document.getElementById('numbers').innerText")
        assert browser.run("document.querySelector('figure svg').getBoundingClientRect().height") > 100
        assert len(browser.run(SHOWN)) == 10
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("name", ["report.html", "several.html"])
def test_on_a_phone_nothing_is_wider_than_the_screen_and_it_prints(browser: Browser, run: Path, name: str) -> None:
    if name == "several.html":
        (run / name).write_text(render_several("Two", [load_record(run)] * 2, run), encoding="utf-8")
    browser.send(
        "Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True, screenWidth=360
    )
    try:
        browser.open(run / name)
        browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
        assert browser.run("document.documentElement.scrollWidth") <= 360
        assert browser.run("parseFloat(getComputedStyle(document.body).fontSize)") >= 16
    finally:
        browser.send("Emulation.clearDeviceMetricsOverride")
    assert problems(browser) == []
    browser.send("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.run("getComputedStyle(document.querySelector('nav')).display") == "none"
        assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    finally:
        browser.send("Emulation.setEmulatedMedia", media="")


def test_a_page_over_several_runs_sorts_and_filters(browser: Browser, run: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "b", estimates=(estimate(0.2),), model={"name": "m-1b", "source": ""}, figures=False)
    (tmp_path / "report.html").write_text(
        render_several("Two", [load_record(run), load_record(other)], tmp_path), encoding="utf-8"
    )
    browser.open(tmp_path / "report.html")
    assert problems(browser) == []
    rows = "[...document.querySelectorAll('#numbers-table tbody tr')].filter(r => !r.hidden)"
    cells = f"{rows}.map(r => r.cells[2].innerText)"
    browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
    click(browser, "#numbers-table th:nth-child(3) button")
    firsts = [re.split(r"\s", text)[0] for text in browser.run(cells)]
    assert firsts == ["\u22120.250", "0.050", "0.200", "0.700", "0.900", "undefined"]
    write(browser, "[data-filter=numbers-table]", "m-1b")
    assert [re.split(r"\s", text)[0] for text in browser.run(cells)] == ["0.200"]
    # The figures are pictures, and every one of them was understood.
    sizes = browser.run("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))")
    assert len(sizes) == 2
    assert min(sizes) > 100
