"""The papers that experiments follow, and how to cite them: BibTeX from the references.bib beside the experiments."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, nearest
from harness.experiment import Experiment

REFERENCES = "references.bib"

HARNESS = """@misc{self_evaluation_harness,
  author = {{The self-evaluation harness authors}},
  title = {Self-evaluation harness},
  version = {VERSION},
  year = {2026}
}"""
"""The entry of the harness itself; CITATION.cff says the same."""

_BEGIN = re.compile(r"^@(\w+)\s*\{\s*([^\s,]+)\s*,", re.MULTILINE)
_ARXIV = re.compile(r"\beprint\s*=\s*[{\"]\s*([\w./-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Paper:
    """One entry of a references.bib.

    Attributes:
        entry: as it stands in the file.
        cited: as a sentence names it: "Kadavath et al. (2022, arXiv:2207.05221)".
    """

    key: str
    entry: str
    cited: str


def papers_of(experiment: type[Experiment]) -> list[Paper]:
    """The papers that an experiment follows; [] if it names none.

    Raises:
        HarnessError: there is no references.bib, it cannot be read, or it lacks a key.
    """
    if not experiment.papers:
        return []
    file = _references(Path(inspect.getfile(experiment)))
    what = f"{experiment.__module__}.{experiment.__qualname__}"
    if file is None:
        raise HarnessError(f"{what} names papers, and there is no {REFERENCES} beside it or in a folder above")
    known = {paper.key: paper for paper in read_references(file)}
    for key in experiment.papers:
        if key not in known:
            raise HarnessError(f"{what}: {file} has no entry {key!r}{nearest(key, known)}")
    return [known[key] for key in experiment.papers]


def _references(source: Path) -> Path | None:
    """The nearest references.bib: in the folder of a file, or above it as far as its packages go."""
    folder = source.parent
    while True:
        if (folder / REFERENCES).is_file():
            return folder / REFERENCES
        if not (folder / "__init__.py").is_file() or folder.parent == folder:
            return None
        folder = folder.parent


def read_references(file: Path) -> list[Paper]:
    """The entries of a BibTeX file.

    Raises:
        HarnessError: it cannot be read, an entry has no end, no author or no year, or a key occurs twice.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"{file} cannot be read: {error}") from error
    found: dict[str, Paper] = {}
    for key, entry in _entries(file, text):
        if key in found:
            raise HarnessError(f"{file} has two entries {key!r}")
        found[key] = Paper(key, entry, _cited(file, key, entry))
    return list(found.values())


def _entries(file: Path, text: str) -> Iterator[tuple[str, str]]:
    for match in _BEGIN.finditer(text):
        end = _closed(text, text.index("{", match.start()))
        if end is None:
            raise HarnessError(f"{file}: entry {match[2]!r} has no end: its braces are not closed")
        yield match[2], text[match.start() : end + 1]


def _closed(text: str, start: int) -> int | None:
    """The place of the brace that closes the one at `start`."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return None


def _cited(file: Path, key: str, entry: str) -> str:
    author, year, arxiv = _field(entry, "author"), _field(entry, "year"), _ARXIV.search(entry)
    if not author or not year:
        raise HarnessError(f"{file}: entry {key!r} needs an author and a year")
    names = [re.sub(r"[{}]|\\.", "", name.partition(",")[0]).strip() for name in re.split(r"\s+and\s+", author)]
    who = f"{names[0]} et al." if len(names) > 2 or "others" in names else " and ".join(names)
    return f"{who} ({year}{f', arXiv:{arxiv[1]}' if arxiv else ''})"


def _field(entry: str, name: str) -> str:
    """A field of an entry without its outer braces; "" where there is none."""
    begin = re.search(rf"\b{name}\s*=\s*\{{", entry, re.IGNORECASE)
    end = None if begin is None else _closed(entry, begin.end() - 1)
    return "" if begin is None or end is None else " ".join(entry[begin.end() : end].split())


def bibliography(papers: Sequence[Paper], version: str) -> str:
    """BibTeX of some papers, each once, and of the harness."""
    entries = dict.fromkeys(paper.entry for paper in papers)
    return "\n\n".join([*entries, HARNESS.replace("VERSION", version)]) + "\n"
