"""Remembers what transformers makes of a model's tokenizer files, so that later runs need less of it.

Finding a tokenizer's class takes an import of torch, 4 seconds, and the class an import of transformers, 1 second.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.files import json_of, write_whole
from harness.prompting.fast_tokenizer import FastTokenizer, Summary, summarised
from harness.prompting.tokens import HFTokenizer, Tokenizer

LIBRARIES = ("transformers", "tokenizers")


def load_noted(folder: Path, notes: Path, fingerprint: str) -> Tokenizer:
    """The tokenizer of a model folder, by its note where there is one, which is written where there is none.

    Args:
        notes: the folder of the notes.
        fingerprint: of the content of the tokenizer's files.

    Raises:
        HarnessError: it cannot be read.
    """
    name = "-".join([fingerprint, *(f"{name}-{version(name)}" for name in LIBRARIES)])
    note, file = notes / f"{name}.json", notes / f"{name}.tokenizer.json"
    try:
        known = json_of(note.read_bytes())
        kind, summary = known["kind"], known["summary"]
        written = b"" if summary is None else file.read_bytes()
        if known["digest"] != _digest(kind, summary, written):
            raise ValueError("damaged")
        if summary is not None:
            return FastTokenizer(written, Summary(**summary))
    except (OSError, ValueError, TypeError, KeyError):
        kind = ""  # none yet, or damaged
    tokenizer = HFTokenizer.load(folder, kind=kind)
    if tokenizer.kind and not kind:
        with suppress(OSError, HarnessError):  # without room for it, all is found again
            _write(note, file, tokenizer)
    return tokenizer


def _write(note: Path, file: Path, tokenizer: HFTokenizer) -> None:
    fix, what = "set HARNESS_CACHE to another folder", "the cache"
    note.parent.mkdir(parents=True, exist_ok=True)
    summary, written = summarised(tokenizer) or (None, b"")
    if summary is not None:
        write_whole(file, written, fix, what)
    known = summary and asdict(summary)
    content = {"kind": tokenizer.kind, "summary": known, "digest": _digest(tokenizer.kind, known, written)}
    write_whole(note, json.dumps(content), fix, what)


def _digest(kind: str, summary: Any, written: bytes) -> str:
    """A checksum: a damaged file could be another tokenizer."""
    return hashlib.sha256(json.dumps([kind, summary], sort_keys=True).encode() + written).hexdigest()
