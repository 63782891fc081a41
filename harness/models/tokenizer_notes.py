"""Remembers what transformers makes of a model's tokenizer files, so that later runs need less of it.

Finding a tokenizer's class takes an import of torch, 4 seconds, and the class an import of transformers, 1 second.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from harness.errors import HarnessError
from harness.files import json_of, write_whole
from harness.prompting.tokenizer_file import FileTokenizer, Summary, summarised
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
    note = notes / ("-".join([fingerprint, *(f"{name}-{version(name)}" for name in LIBRARIES)]) + ".json")
    try:
        known = json_of(note.read_bytes())
        kind, summary = known["kind"], known["summary"] and Summary(**known["summary"])
    except (OSError, ValueError, TypeError, KeyError):
        kind, summary = "", None
    if summary is not None:
        return FileTokenizer(folder, summary)
    tokenizer = HFTokenizer.load(folder, kind=kind)
    if tokenizer.kind and not kind:
        summary = summarised(tokenizer, folder)
        content = {"kind": tokenizer.kind, "summary": summary and asdict(summary)}
        with suppress(OSError, HarnessError):  # without room for it, all is found again
            note.parent.mkdir(parents=True, exist_ok=True)
            write_whole(note, json.dumps(content), "set HARNESS_CACHE to another folder", "the cache")
    return tokenizer
