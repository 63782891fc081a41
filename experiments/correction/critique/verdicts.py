"""Reads a critique that ends in "[[correct]]" or "[[wrong]]", by our rule and as the release of CriticBench does."""

from __future__ import annotations

import re

from experiments.shared.critique import VERDICT, last_verdict
from harness.tasks.texts import after_thought, own_text

_MARK = re.compile(
    r"\\?\[\\?\[\s*(?P<not>not )?(?P<word>incorrect|correct|wrong|right)\s*\\?\]\\?\]",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    rf"\bverdict{VERDICT}"
    r"(?=[\]\"'*)\s]{0,6}(?:[.;:!,?/|]|or\b|$))",  # not "verdict: correct steps, but a wrong sum"
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_ALONE = re.compile(
    r"\A\W{0,6}(?P<not>not )?(?P<word>incorrect|correct|wrong|right)\W{0,6}\Z",
    re.IGNORECASE,
)


def marked_wrong(text: str) -> bool | None:
    """Whether a critique says that the answer is wrong; None when it has no verdict.

    The last line with a mark counts ("[[wrong]]"), see `last_verdict`; without any mark, the last line with "verdict:
    wrong"; else the verdict of a reply that is nothing but a word. A critique that merely uses the words "correct" or
    "wrong" has no verdict.

    Args:
        text: the model's whole turn, with the "Verdict:" that was put before its reply.
    """
    own = own_text(text)
    said = own if _MARK.search(own) or _PLAIN.search(own) else after_thought(text)
    for pattern in (_MARK, _PLAIN):
        if pattern.search(said):
            return last_verdict(pattern, said)
    return last_verdict(_ALONE, said.strip())


def released_wrong(text: str) -> bool | None:
    """The same as read by CriticBench's release (Lin et al. 2024, src/utils/parser.py); None when it finds nothing.

    One of the marks "[[correct]]" and "[[wrong]]" anywhere decides, when the other does not occur. Else the word
    "wrong" or "incorrect" or "not correct" anywhere means wrong, and "correct" anywhere means correct: a critique that
    quotes the request for a verdict says "wrong" with any conclusion. A reply that was cut is read like any other.
    """
    low = text.lower()
    marks = ["[[correct]]" in low, "[[wrong]]" in low]
    if marks[0] != marks[1]:
        return marks[1]
    if any(word in low for word in ("wrong", "incorrect", "not correct")):
        return True
    return False if "correct" in low else None


def released_label(text: str, *, wrong: bool) -> bool:
    """The verdict that enters the release's F1.

    A critique in which it finds nothing gets the verdict that is mistaken: right answers are said to be wrong and wrong
    ones to be right (src/infer/result_processor.py).

    Args:
        wrong: whether the answer is in fact wrong.
    """
    read = released_wrong(text)
    return not wrong if read is None else read
