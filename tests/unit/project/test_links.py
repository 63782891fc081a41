"""The links of README and docs lead to files and headings that are there, and every page is in the index."""

import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def without_code(text: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?) *$", without_code(page.read_text(encoding="utf-8")), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        copies = (slug if n == 0 else f"{slug}-{n}" for n in itertools.count())
        slug = next(copy for copy in copies if copy not in found)
        found.add(slug)
    return found


def dead_links(page: Path) -> list[str]:
    """The links of a page that lead nowhere in this repository."""
    dead = []
    for link in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_link_is_dead(page: Path) -> None:
    assert dead_links(page) == []


def test_a_dead_link_and_a_dead_anchor_are_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One thing\n## `code.py` and more\n## One thing\n```\n# no heading\n```\n")
    (tmp_path / "page.md").write_text(
        "[a](other.md) [b](other.md#one-thing) [c](other.md#codepy-and-more) [d](other.md#one-thing-1)\n"
        "[e](none.md) [f](other.md#no-heading) [g](#gone) [h](https://example.org/x)\n```\n[i](none.md)\n```\n"
    )
    assert dead_links(tmp_path / "page.md") == ["none.md", "other.md#no-heading", "#gone"]


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_no_link_of_a_page_leaves_the_site(page: Path) -> None:
    links = LINK.findall(without_code(page.read_text(encoding="utf-8")))
    assert [link for link in links if link.startswith("..")] == []


def test_every_page_is_in_the_index() -> None:
    linked = set(LINK.findall((ROOT / "docs/index.md").read_text(encoding="utf-8")))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"} <= linked
