"""The prompts with examples of CriticBench's release (Lin et al. 2024), read from a folder of yours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness import ItemError, Prompt

STOPS = ("\n\nQuestion:", "\n\nTable:", "\n\n---")
"""Texts that end a reply, as in the release: a base model goes on with the next example."""

_BETWEEN = "\n# ########## #"
_PARTS = ("#instruction#", "#Example#", "#Question#")


def critique(folder: Path, source: str, question: str, answer: str) -> Prompt:
    """The request for a critique: instruction, examples, question and answer, up to the words "Verdict:".

    Args:
        folder: src/prompt of the release.
        source: the data set of the question ("GSM8K", "Colored Object").

    Raises:
        ItemError: the folder has no readable prompt for that source.
    """
    return _prompt(folder, "critique", source, {"question": question, "solution": answer})


def correction(folder: Path, source: str, question: str, answer: str, critique: str) -> Prompt:
    """The request for a correction, up to the words "Improved Answer:"; arguments are as in `critique`.

    Raises:
        ItemError: as `critique`.
    """
    return _prompt(folder, "correction", source, {"question": question, "solution": answer, "critique": critique})


def _prompt(folder: Path, task: str, source: str, values: Mapping[str, str]) -> Prompt:
    path = folder.expanduser() / task / source.replace(" ", "_") / "few_shot.txt"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ItemError(
            f"{path} cannot be read: experiment.prompts is the folder src/prompt of CriticBench, with a folder for "
            "each data set"
        ) from error
    parts = {name: part.replace(f"{name}\n", "") for part in text.split(_BETWEEN) for name in _PARTS if name in part}
    if set(parts) != set(_PARTS):
        raise ItemError(f"{path} lacks one of the parts {', '.join(_PARTS)}; it is no prompt of CriticBench")
    # The values last and all at once: a question may hold the words "{solution}".
    template = parts["#Question#"]
    for name in values:
        template = template.replace(f"{{{name}}}", f"\0{name}\0")
    filled = "".join(values.get(piece, piece) for piece in template.split("\0"))
    return Prompt.exact((parts["#instruction#"] + parts["#Example#"] + filled).strip())
