"""report.html: one file that opens with no network, from verdicts down to the transcript behind any number.

The page is a function of the run directory, so it can be made again anywhere: from a copy, by a later version.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.errors import HarnessError
from harness.files import write_whole
from harness.outcomes import Table
from harness.report.heads import Heads
from harness.report.items import FIX, Beside, Transcripts, shown
from harness.report.methods import methods
from harness.report.missing import MOST_LINKS, answers, could_not_be_graded, did_not_finish
from harness.report.neighbours import sweeps_of
from harness.report.pictures import Picture, load_picture
from harness.report.results import Numbers, Verdicts, main_arm, result_of
from harness.report.templates import environment
from harness.report.text import cut
from harness.report.thinking import accuracies, noting
from harness.report.words import words_on
from harness.runs.records import RunRecord, is_dry, load_record
from harness.statistics.fates import count_fates

INLINE_BYTES = 1_500_000
"""Of items on the page at most; the rest lies in files beside it, so that the page opens at once."""

MOST_ITEMS = 1000
"""Items on the page at most."""

FILE_ITEMS = 250
"""Items in one of the files beside it: about a megabyte to look through."""

MOST_NUMBERS = 1500
"""Estimates and verdicts on the page at most; all are in estimates.json and verdicts.json."""

MOST_PICTURES = 1_200_000
"""Characters of figures on the page at most; all are in the folder figures."""


@dataclass(frozen=True, slots=True)
class Written:
    """A written page: its path, its bytes, the items in it, the items beside it, and in how many files these lie."""

    page: Path
    size: int
    inline: int
    beside: int
    files: int


def write_page(run: Path, page: Path | None = None) -> Written:
    """Writes the page of a run, and the files beside it when it has many items.

    All text of a model or a data set is escaped, and its invisible characters are made visible. No script but the
    page's own can run, and nothing can be loaded from elsewhere. The policy in its head allows one script, by digest,
    and the files beside the page that this script asks for.

    Args:
        page: where to; None is report.html in the run directory.

    Raises:
        HarnessError: the run directory is incomplete, damaged or of another version, or the page cannot be written.
    """
    from jinja2 import UndefinedError

    page = page or run / "report.html"
    record = load_record(run)
    table = _load_table(run / "outcomes.parquet")
    pictures = [load_picture(figure) for figure in record.figures]
    heads = Heads(table, main_arm(record))
    transcripts = Transcripts(run / "calls.jsonl", heads)
    try:
        return _write(record, heads, pictures, transcripts, page)
    except (UndefinedError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise HarnessError(f"{run}: written by another version or changed by hand ({error}); run it again") from error
    except OSError as error:
        raise HarnessError(f"cannot write {page}: {error.strerror}; {FIX}") from error


def _load_table(file: Path) -> Table:
    if not file.is_file():
        raise HarnessError(f"{file.parent} has no {file.name}; copy the whole run directory, or run its command again")
    table = Table.load(file)
    for name in ("item", "group", "error", "arm"):
        if table.kinds.get(name) != "text":
            raise HarnessError(
                f"{file} has no column {name!r} of texts: it is no table of outcomes; run its command again"
            )
    return table


def _write(
    record: RunRecord, heads: Heads, pictures: Sequence[Picture], transcripts: Transcripts, page: Path
) -> Written:
    jinja = environment()
    item = jinja.get_template("item.html.j2")
    thought: dict[str, float] = {}
    fragments = ((line["item"], item.render(i=shown(line, heads))) for line in noting(transcripts, thought))
    # Of another run, or of the same one scored anew: files beside its page are not this page's.
    version = f"{record.manifest.get('run_id')} {record.manifest.get('started')} {record.estimates}"
    key = hashlib.sha256(version.encode("utf-8", "replace")).hexdigest()[:16]
    page.parent.mkdir(parents=True, exist_ok=True)
    beside = Beside(page, key, FILE_ITEMS)
    inline = _inline(fragments, beside)
    drawn, left_out = _that_fit(pictures)
    table = heads.table
    text = jinja.get_template("page.html.j2").render(
        m=record.manifest,
        dry=is_dry(record.manifest),
        sweeps=sweeps_of(record.path, page),
        told=result_of(record),
        verdicts=Verdicts.of(record, MOST_NUMBERS),
        numbers=Numbers.of(record, MOST_NUMBERS),
        words=words_on(table, record.estimates),
        pictures=drawn,
        pictures_left=left_out,
        items=[fragment for _, fragment in inline],
        arm=heads.arm,
        on_page={name for name, _ in inline},
        most_links=MOST_LINKS,
        beside=beside,
        folder=quote(beside.folder.name),
        fates=count_fates(table),
        answers=answers(table),
        unfinished=did_not_finish(table),
        ungraded=could_not_be_graded(table),
        accuracies=accuracies(table, thought, record.manifest.get("correctness", ())),
        methods=methods([record], [table]),
        provenance=cut(json.dumps(record.manifest, indent=2, ensure_ascii=False, default=str), 200_000),
    )
    write_whole(page, text, FIX)
    return Written(page, page.stat().st_size, len(inline), beside.items, beside.files)


def _inline(fragments: Iterable[tuple[str, str]], beside: Beside) -> list[tuple[str, str]]:
    """The items for the page, each an id and HTML; the rest is written beside it."""
    inline: list[tuple[str, str]] = []
    size = 0
    for name, fragment in fragments:
        size += len(fragment.encode())
        if beside.items or len(inline) == MOST_ITEMS or (size > INLINE_BYTES and inline):
            beside.add(fragment)
        else:
            inline.append((name, fragment))
    beside.close()
    return inline


def _that_fit(pictures: Sequence[Picture]) -> tuple[list[Picture], list[Picture]]:
    """Figures for the page, and figures for which it has no room."""
    sizes = itertools.accumulate(len(p.svg) for p in pictures)
    fits = [size <= MOST_PICTURES or i == 0 for i, size in enumerate(sizes)]
    return [p for p, f in zip(pictures, fits, strict=True) if f], [
        p for p, f in zip(pictures, fits, strict=True) if not f
    ]
