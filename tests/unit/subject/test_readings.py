"""Letters and yes/no: one way to read them, whatever the tokenizer does to a parenthesis."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness import Message, Prompt, Subject
from harness.engines.fake.engine import FakeEngine, WordTokenizer
from harness.prompting.rendering import Renderer
from harness.prompting.tokens import NOTHING
from harness.readings import letter, yes_no
from harness.store.store import Store
from harness.testing import fake_subject

TURNS = (Message("user", "Is the answer:\n (A) True\n (B) False"),)
LETTERS = {"True": "A", "False": "B"}


class JoiningTokenizer(WordTokenizer):
    """Joins a parenthesis and the letter behind it into one token, as some vocabularies do."""

    def encode(self, text: str) -> list[int]:
        ids = []
        for word in re.findall(r" ?\(\w| ?\w+| ?[^\w\s]|\s", text):
            self._words[zlib.crc32(word.encode())] = word
            ids.append(zlib.crc32(word.encode()))
        return ids


def test_the_bare_letter_is_read_behind_the_parenthesis() -> None:
    def replies(text: str) -> Mapping[str, float]:
        return {"A": 0.6, "B": 0.2, "C": 0.2} if text.endswith("<assistant> It is: (") else {}

    subject = fake_subject(replies)
    choice = asyncio.run(letter(subject, TURNS, "It is:", LETTERS))
    assert choice.p == pytest.approx({"True": 0.75, "False": 0.25})
    assert choice.mass == pytest.approx(0.8)
    assert subject.renderer.prompt_style.notes == ()


def test_a_tokenizer_that_joins_them_is_read_before_the_parenthesis_and_the_run_says_so(tmp_path: Path) -> None:
    def replies(text: str) -> Mapping[str, float]:
        return {" (A": 0.5, " A": 0.1, " (B": 0.2, " C": 0.2} if text.endswith("<assistant> It is:") else {}

    engine = FakeEngine(replies, tokenizer=JoiningTokenizer())
    renderer = Renderer(engine.tokenizer, "auto", engine.context)
    subject = Subject(engine, renderer, Store(tmp_path), 0)
    choice = asyncio.run(letter(subject, TURNS, "It is:", LETTERS))
    assert choice.p == pytest.approx({"True": 0.75, "False": 0.25})
    assert "joins" in renderer.prompt_style.notes[0]
    assert len(subject.transcript) == 1


class LineTokenizer(WordTokenizer):
    """Ends the header of the model's turn with a line break, as most chat templates do."""

    template: str | None = "{% for m in messages %}<{{ m.role }}> {{ m.content }}\n{% endfor %}<assistant>\n"

    def chat(self, messages: Sequence[Message], variables: Mapping[str, Any] = NOTHING) -> str:
        return "".join(f"<{m.role}> {m.content}\n" for m in messages) + "<assistant>\n"


@pytest.mark.parametrize(("prefill", "space"), [("", ""), ("Answer:", " ")])
def test_yes_and_no_are_read_capitalised_or_not(prefill: str, space: str, tmp_path: Path) -> None:
    odds = {f"{space}Yes": 0.3, f"{space}yes": 0.1, f"{space}No": 0.1, f"{space}no": 0.1, "Maybe": 0.4}
    engine = FakeEngine(lambda _: odds, tokenizer=LineTokenizer())
    subject = Subject(engine, Renderer(engine.tokenizer, "auto", engine.context), Store(tmp_path), 0)
    choice = asyncio.run(yes_no(subject, Prompt.user("Sure?", prefill)))
    assert choice.p == pytest.approx({"yes": 2 / 3, "no": 1 / 3})
    assert choice.mass == pytest.approx(0.6)
