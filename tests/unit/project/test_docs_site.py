"""The site of the pages is built by Zensical, in the order of the index, and loads nothing from elsewhere."""

import re
from pathlib import Path

import pytest

from scripts import docs_site

DOCS = Path(__file__).parents[3] / "docs"
INDEX = """# Documentation

What it is, with [a link](one.md).

**Start here**

| page | what you learn |
| --- | --- |
| [One](one.md), [Two](two.md) | both, see [one](one.md) |
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three pages in the place of docs/."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "index.md").write_text(INDEX)
    (folder / "llms.txt").write_text("# It\n")
    (folder / "one.md").write_text("# One\n\n[two](two.md#a-heading)\n")
    (folder / "two.md").write_text("# Two\n\n## A heading\n\nText.\n")
    monkeypatch.setattr(docs_site, "DOCS", folder)
    return folder


def test_the_index_gives_order_titles_and_words(small: Path) -> None:
    one, two = docs_site.Listed("One", "one.md", "both, see one"), docs_site.Listed("Two", "two.md", "both, see one")
    assert docs_site.sections() == {"Start here": [one, two]}
    assert docs_site.llms_page() == (
        "# Self-evaluation harness\n\n> What it is, with a link.\n\n## Start here\n\n"
        "- [One](one.md): both, see one\n- [Two](two.md): both, see one\n"
    )


def test_every_page_has_a_place_in_the_site_and_in_llms_txt() -> None:
    pages = {path.name for path in DOCS.glob("*.md")} - {"index.md"}
    listed = [page for pages_of in docs_site.sections().values() for page in pages_of]
    assert {page.file for page in listed} == pages
    assert all(page.about for page in listed)
    assert set(re.findall(r"\]\(([^)]+)\)", (DOCS / "llms.txt").read_text(encoding="utf-8"))) == pages


def test_the_site_opens_from_a_disk_and_a_dead_link_is_refused(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("zensical", reason="comes with the extra `docs` or `test`")
    site = tmp_path / "site"
    assert docs_site.build(site) == 0
    assert {"index.html", "one.html", "two.html", "one.md", "llms.txt"} <= {path.name for path in site.iterdir()}
    page = (site / "one.html").read_text(encoding="utf-8")
    assert 'href="two.html#a-heading"' in page
    loaded = re.findall(r"<(?:script|img|iframe)\b[^>]*\bsrc=\"?([^\" >]+)", page)
    loaded += re.findall(r"<link\b[^>]*\brel=\"?stylesheet\"?[^>]*\bhref=\"?([^\" >]+)", page)
    assert len(loaded) > 1
    assert [place for place in loaded if "//" in place] == []
    (small / "one.md").write_text("# One\n\n[gone](two.md#no-heading)\n")
    assert docs_site.build(site) == 1
    assert "anchor does not exist" in capsys.readouterr().err
    assert (site / "one.html").read_text(encoding="utf-8") == page


def test_a_folder_of_something_else_is_not_written_over(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("years of work")
    assert docs_site.build(tmp_path / "mine") == 2
    assert "holds something else than a site" in capsys.readouterr().err
    assert (tmp_path / "mine/thesis.tex").read_text() == "years of work"
