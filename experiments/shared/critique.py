"""Reads the verdict of a critique. One that cannot be read is counted as such, and never taken for either verdict."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness import Prompt, Subject, Text

FORM = 'End with one line: "Judgment: correct" or "Judgment: incorrect".'
"""The request for a verdict that `says_wrong` can read."""

_JUDGMENT = re.compile(
    r"judge?ment\W{0,6}(?:(?:the|this|that)\ (?:answer|solution|response)\ )?(?:is\W{1,4})?"
    r"(?P<not>not\ )?(?P<word>incorrect|correct|wrong|right)\b",
    re.IGNORECASE | re.VERBOSE,
)


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


def says_wrong(text: str) -> bool | None:
    """Whether a critique's last line of judgment says that the answer is wrong; None without such a line.

    The last one counts, because critiques quote the instruction and weigh both verdicts before they decide. A line that
    quotes both ("Judgment: correct" or "Judgment: incorrect") is the instruction, and no verdict.
    """
    for line in reversed(text.splitlines()):
        found = list(_JUDGMENT.finditer(line))
        verdicts = {(match["word"].lower() in ("incorrect", "wrong")) != bool(match["not"]) for match in found}
        if len(verdicts) == 1:
            return verdicts.pop()
    return None


async def critique(
    critic: Subject, prompt: Prompt, *, max_tokens: int, temperature: float = 0.0, draw: int = 0
) -> Critique:
    """Asks for a critique and reads its verdict. The prompt asks for `FORM`.

    Raises:
        ItemError: the prompt cannot be rendered, or does not fit.
    """
    reply = await critic.generate(prompt, max_tokens=max_tokens, temperature=temperature, draw=draw)
    verdict = None if reply.finish == "length" else says_wrong(reply.text)
    return Critique(reply.text.strip(), verdict, reply)
