"""Builds a site of the pages under docs/, with search; docs/index.md gives the order of its pages.

    pip install '.[docs]'
    python scripts/docs_site.py site      writes the folder `site`; look at it with python -m http.server -d site

Zensical renders it and refuses a link or an anchor that leads nowhere. The pages lie in the site as Markdown, too:
llms.txt names them for programs that read text.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

DOCS = Path(__file__).resolve().parents[1] / "docs"
NAME = "Self-evaluation harness"

SETTINGS = """\
[project]
site_name = {name}
site_dir = "site"
# A file for each page: the site can be read from a disk, without a server.
use_directory_urls = false
nav = {nav}

[project.theme]
# No fonts from elsewhere: who reads the site is told to nobody.
font = false
features = ["navigation.sections", "navigation.footer", "content.code.copy", "search.highlight", "toc.follow"]

[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"

[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"
"""


class Listed(NamedTuple):
    """A page as docs/index.md lists it.

    Attributes:
        file: its name in docs/.
        about: what its reader learns.
    """

    title: str
    file: str
    about: str


def sections() -> dict[str, list[Listed]]:
    """The pages of docs/index.md in its order, under the headings of its tables."""
    found: dict[str, list[Listed]] = {}
    heading = ""
    for line in (DOCS / "index.md").read_text(encoding="utf-8").splitlines():
        if bold := re.fullmatch(r"\*\*(.+)\*\*", line):
            heading = bold[1]
        elif row := re.fullmatch(r"\| (\[.+?) \| (.+) \|", line):
            links = re.findall(r"\[([^\]]+)\]\(([^)]+)\)", row[1])
            found.setdefault(heading, []).extend(Listed(title, file, _plain(row[2])) for title, file in links)
    return found


def llms_page() -> str:
    """docs/llms.txt: the pages with a line about each, in the form that programs look for (llmstxt.org)."""
    introduction = (DOCS / "index.md").read_text(encoding="utf-8").split("\n\n")[1]
    parts = [f"# {NAME}\n\n> {_plain(introduction)}\n"]
    for heading, pages in sections().items():
        lines = "".join(f"- [{page.title}]({page.file}): {page.about}\n" for page in pages)
        parts.append(f"## {heading}\n\n{lines}")
    return "\n".join(parts)


def _plain(text: str) -> str:
    """A text in one line, with the words of its links alone."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(text.split()))


def settings() -> str:
    """Zensical's settings, with the pages in the order of the index."""
    # JSON's lists and texts are TOML's, but not its mappings.
    lines = ['{"All pages" = "index.md"}']
    for heading, pages in sections().items():
        listed = ", ".join(f"{{{json.dumps(page.title)} = {json.dumps(page.file)}}}" for page in pages)
        lines.append(f"{{{json.dumps(heading)} = [{listed}]}}")
    return SETTINGS.format(name=json.dumps(NAME), nav=f"[{', '.join(lines)}]")


def build(site: Path) -> int:
    """Writes the site into a folder; an earlier site there is replaced.

    Returns:
        The exit code: 1 when a page has a link that leads nowhere, 2 when there is no Zensical, or the folder holds
        something else than a site.
    """
    if site.exists() and not (site / "llms.txt").is_file() and any(site.iterdir()):
        print(f"{site} holds something else than a site; name another folder", file=sys.stderr)
        return 2
    with TemporaryDirectory() as draft:
        shutil.copytree(DOCS, Path(draft, "docs"))
        Path(draft, "zensical.toml").write_text(settings(), encoding="utf-8")
        words = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", "zensical.toml"]
        done = subprocess.run(words, cwd=draft, capture_output=True, text=True, check=False)
        if done.returncode:
            missing = "No module named zensical" in done.stderr
            print("install Zensical: pip install '.[docs]'" if missing else done.stdout + done.stderr, file=sys.stderr)
            return 2 if missing else 1
        for page in DOCS.glob("*.md"):
            shutil.copy(page, Path(draft, "site"))
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(Path(draft, "site"), site)
    print(f"site: {site / 'index.html'}")
    return 0


def main() -> int:
    """Builds the site; the exit code is that of `build`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path, help="the folder to be written")
    return build(parser.parse_args().site)


if __name__ == "__main__":
    sys.exit(main())
