"""Reads the verdict of a critique. One that cannot be read is counted as such, and never taken for either verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness import Gate, Prompt, Subject, Text
from harness.tasks.texts import after_thought, own_text

FORM = 'End with one line: "Judgment: correct" or "Judgment: incorrect".'
"""The request for a verdict that `says_wrong` can read."""

_SAYING = (
    "the|this|that|it|its|it's|that's|your|my|i|believe|think|would|say|yes|no|so|overall|answer|given|provided|proposed"
    "|solution|response|final|is|was|seems|appears|looks|to|be|student's|clearly|definitely|actually|certainly|entirely"
    "|completely|absolutely|totally|fully|100"
)
_PART = "not|none|neither|if|whether|step|steps|part|half|method|approach|reasoning|working|explanation"
VERDICT = (
    rf"\W{{0,6}}(?:(?:{_SAYING})\b\W{{1,4}}){{0,8}}"
    rf"(?:(?:(?!(?:{_PART})\b)[\w.'-]{{1,20}}[\"',]{{0,2}}\ ){{1,3}}(?:(?:is|was)\ |(?=isn't)))?"
    r"(?P<not>(?:it\ |that\ |answer\ |solution\ )?isn't\W{1,4}|not\b\W{1,4})?(?P<word>incorrect|correct|wrong|right)\b"
)
"""The words of a verdict ("the answer is not correct"), as a verbose pattern with the groups "word" and "not"."""

_JUDGMENT = re.compile(rf"\b(?:judge?ment|judge(?=[*_]{{0,3}}:))(?:\ \(final\))?{VERDICT}", re.IGNORECASE | re.VERBOSE)
_WRITTEN = re.compile(
    r"\\(?:boxed|text(?:bf|it)?|math(?:rm|bf))\s?\{([^{}\n]{0,80})\}|^[ \t]{0,4}```\w{0,10}[ \t]*$", re.MULTILINE
)
_OPEN = re.compile(
    r"[\]\"'*)\s]{0,6}(?:\?|(?:/|\||or\b)\W{0,6}(?:not )?(?:incorrect|correct|wrong|right)\b"
    r"|\s(?:in |for |on )?[^.,\n]{1,40} but [^.\n]{0,20}\b(?:incorrect|correct|wrong|right)\b)",
    re.IGNORECASE,
)
"""Text after a word that then decides nothing: "correct or incorrect", "correct?", "correct in form but wrong"."""

_ANNOUNCES = re.compile(r"(:[*_ ]{0,4}|^\#{1,6}[ ][^\n:]{1,40})\n\s*(?=\S)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Critique:
    """A critique of an answer.

    Attributes:
        text: as the critic wrote it.
        says_wrong: whether its verdict is that the answer is wrong; None when it has none that can be read, or was cut.
        reply: the reply itself, with its tokens and how it ended.
    """

    text: str
    says_wrong: bool | None
    reply: Text

    @property
    def parse_failed(self) -> bool:
        """Whether no verdict can be read."""
        return self.says_wrong is None


READABLE = Gate(
    metric="parse_failed_rate",
    most=0.5,
    columns=("says_wrong", "verdict_right"),
    why="most critiques have no verdict that can be read",
)
"""Holds back verdicts on a critic that hardly gives any, of rows with the columns that it names."""

Reader = Callable[[str], bool | None]
"""Reads whether a critique says that the answer is wrong; None when it has no verdict."""


def last_verdict(pattern: re.Pattern[str], text: str) -> bool | None:
    """Whether the last line with a verdict says that the answer is wrong; None without such a line.

    The last one counts, because critiques quote the instruction and weigh both verdicts before they decide. A line that
    holds both verdicts is the instruction ("Judgment: correct" or "Judgment: incorrect"), and neither of them; so is
    "Judgment: correct/incorrect". A line that ends in a colon announces the next one and is read with it. Where the
    critic goes on to another exercise, its own verdict counts; a critique that quotes the exercise first is read whole.

    Args:
        pattern: finds a verdict, with its "word" (correct, right, incorrect, wrong) and a "not" before it.
    """
    own = own_text(text)
    lines = verdict_lines(own if pattern.search(own) else after_thought(text))
    for line in reversed(lines):
        found, undecided = [], False
        for match in pattern.finditer(line):
            before, undecided = undecided, bool(_OPEN.match(line, match.end()))
            found += [] if before or undecided else [match]
        verdicts = {(match["word"].lower() in ("incorrect", "wrong")) != bool(match["not"]) for match in found}
        if len(verdicts) == 1:
            return verdicts.pop()
    return None


def verdict_lines(text: str) -> list[str]:
    """The lines of a critique; one that ends in a colon is one with the next."""
    return _ANNOUNCES.sub(r"\1 ", _WRITTEN.sub(r"\1", text)).splitlines()


def says_wrong(text: str) -> bool | None:
    """Whether a critique in `FORM` says that the answer is wrong, see `last_verdict`."""
    return last_verdict(_JUDGMENT, text)


async def critique(
    critic: Subject,
    prompt: Prompt,
    *,
    max_tokens: int,
    temperature: float = 0.0,
    draw: int = 0,
    stop: Sequence[str] = (),
    read: Reader = says_wrong,
) -> Critique:
    """Asks for a critique and reads its verdict.

    Args:
        prompt: asks for a verdict in the form that `read` understands; by default `FORM`.

    Raises:
        ItemError: the prompt cannot be rendered, or does not fit.
    """
    reply = await critic.generate(prompt, max_tokens=max_tokens, temperature=temperature, draw=draw, stop=stop)
    verdict = None if reply.finish == "length" else read(reply.text)
    return Critique(reply.text.strip(), verdict, reply)
