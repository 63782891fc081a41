"""A fast tokenizer without transformers: the same ids, text and prompts, or transformers after all."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tokenizers import normalizers

from harness.errors import ItemError
from harness.models.tokenizer_notes import load_noted
from harness.prompting.fast_tokenizer import FastTokenizer, summarised
from harness.prompting.prompts import Message
from harness.prompting.tokens import HFTokenizer
from tests.support.tiny_tokenizers import LLAMA32, base, chatml, gemma, llama3, mistral, mistral1, qwen3, r1

CHATS: tuple[Callable[[], HFTokenizer], ...] = (chatml, qwen3, r1, llama3, gemma, mistral, mistral1)
FAMILIES = (*CHATS, partial(llama3, LLAMA32), partial(base, True), partial(base, False))
WORDS = "The answer is ( A ) true, naïve 東京 🙂\n\n1234 it's e\u0301 user system: x.y.z  \t?"
QUESTION = (Message("user", " What is 2+2? "),)


def both(make: Callable[[], HFTokenizer], folder: Path) -> tuple[HFTokenizer, Any]:
    """The tokenizer as transformers loads it from a folder, and as its note has it."""
    make().inner.save_pretrained(folder)
    assert isinstance(load_noted(folder, folder / "notes", "f"), HFTokenizer)
    return HFTokenizer.load(folder), load_noted(folder, folder / "notes", "f")


@pytest.mark.parametrize("make", FAMILIES)
def test_it_does_what_transformers_does(make: Callable[[], HFTokenizer], tmp_path: Path) -> None:
    loaded, alone = both(make, tmp_path)
    assert isinstance(alone, FastTokenizer)
    for name in ("bos", "template", "specials", "variables"):
        assert getattr(alone, name) == getattr(loaded, name), name
    random = Random(3)
    pieces = [*sorted(loaded.specials), "<think>", "\n", " ", *WORDS.split(" ")]
    for _ in range(100):
        text = " ".join(random.choices(pieces, k=10))
        ids = loaded.ids(text)
        assert alone.encode(text) == alone.ids(text) == ids
        assert alone.decode(ids) == loaded.decode(ids)
        assert list(alone.offsets(text)) == list(loaded.offsets(text))
    if loaded.template is not None:
        assert alone.chat(QUESTION) == loaded.chat(QUESTION)
        given = {"enable_thinking": False, "date_string": "1 May 2020", "bos_token": "!"}
        assert alone.chat(QUESTION, given) == loaded.chat(QUESTION, given)


def test_a_template_that_refuses_says_so_in_its_own_words(tmp_path: Path) -> None:
    loaded, alone = both(gemma, tmp_path)
    for tokenizer in (loaded, alone):
        with pytest.raises(ItemError, match="refuses this conversation: System role not supported"):
            tokenizer.chat((Message("system", "Be brief."), *QUESTION))


@pytest.mark.parametrize(
    "template",
    [
        "{% generation %}{{ messages[0]['content'] }}{% endgeneration %}",
        "{{ messages | length }}{% if %}",
        "{% for m in messages %}{{ m.content }}{% generation %}{% endgeneration %}{% endfor %}",
    ],
)
def test_a_template_that_only_transformers_reads_is_left_to_it(template: str, tmp_path: Path) -> None:
    tokenizer = chatml()
    tokenizer.inner.chat_template = template
    tokenizer.inner.save_pretrained(tmp_path)
    assert summarised(HFTokenizer.load(tmp_path)) is None
    assert isinstance(load_noted(tmp_path, tmp_path / "notes", "f"), HFTokenizer)
    assert isinstance(load_noted(tmp_path, tmp_path / "notes", "f"), HFTokenizer)


def test_a_class_that_changes_text_is_left_to_transformers(tmp_path: Path) -> None:
    chatml().inner.save_pretrained(tmp_path)
    loaded = HFTokenizer.load(tmp_path)
    assert summarised(loaded) is not None

    class Own(type(loaded.inner)):  # type: ignore[misc]
        def encode(self, text: str, **settings: Any) -> Any:
            return super().encode(text.lower(), **settings)

    assert summarised(HFTokenizer(Own.from_pretrained(tmp_path))) is None


def test_settings_that_transformers_changes_are_kept(tmp_path: Path) -> None:
    chatml().inner.save_pretrained(tmp_path)
    loaded = HFTokenizer.load(tmp_path)
    loaded.inner.backend_tokenizer.normalizer = normalizers.Lowercase()
    found = summarised(loaded)
    assert found is not None
    alone = FastTokenizer(found[1], found[0])
    assert alone.encode("TRUE") == loaded.encode("TRUE") == loaded.encode("true")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"kind": "", "summary": {"bos": 1}}', b"\xff"])
def test_a_damaged_note_is_written_again(content: bytes, tmp_path: Path) -> None:
    chatml().inner.save_pretrained(tmp_path)
    load_noted(tmp_path, tmp_path / "notes", "f")
    [note, file] = sorted((tmp_path / "notes").iterdir())
    note.write_bytes(content)
    assert isinstance(load_noted(tmp_path, tmp_path / "notes", "f"), HFTokenizer)
    assert isinstance(load_noted(tmp_path, tmp_path / "notes", "f"), FastTokenizer)
    file.write_bytes(file.read_bytes().replace(b"<|im_end|>", b"<|im_and|>"))
    assert isinstance(load_noted(tmp_path, tmp_path / "notes", "f"), HFTokenizer)
    file.unlink()
    assert isinstance(load_noted(tmp_path, tmp_path / "notes", "f"), HFTokenizer)
    assert isinstance(load_noted(tmp_path, tmp_path / "notes", "f"), FastTokenizer)
