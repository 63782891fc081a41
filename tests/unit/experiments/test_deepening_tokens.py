"""Segments of a turn in the tokens of real families: ends of turns go, ids stay, and models that think do not."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.correction.iterative_deepening.iterative_deepening import IterativeDeepening
from experiments.correction.iterative_deepening.prompts import TEXTS, as_long, put, tokens_of
from experiments.correction.iterative_deepening.segments import Stop, Writer
from harness import Item, Prompt, Subject, Text
from harness.engines.fake.engine import FakeEngine
from harness.prompting.rendering import Renderer
from harness.prompting.tokens import HFTokenizer
from harness.store.store import Store
from harness.tasks.graders import number
from tests.support import tiny_tokenizers as tiny
from tests.support.thinking_models import FAMILIES, Thinker, thinking_subject

MAKES = [tiny.chatml, tiny.qwen3, tiny.r1, tiny.llama3, tiny.gemma, tiny.mistral, lambda: tiny.base(bos=True)]
NAMES = ["chatml", "qwen3", "r1", "llama3", "gemma", "mistral", "base"]
CLOSE = TEXTS["close"]
LONG = "Question: What is the capital of France? The quick brown fox jumps over the lazy dog. " * 20
ITEM = Item({"question": "What is 3 + 4?"}, "7", number)
START = Prompt.user("What is 3 + 4?").thinking("")


def subject(make: Callable[[], HFTokenizer], reply: str) -> Subject:
    engine = FakeEngine(lambda text: {" 7." if text.endswith(CLOSE) else reply: 1.0}, tokenizer=make())
    return Subject(engine, Renderer(engine.tokenizer, "auto", 8192), Store(Path(tempfile.mkdtemp())), 0)


def chain(model: Subject, *stops: Stop) -> tuple[list[str], list[str]]:
    """The prompts that go on with the turn, and those that close it."""
    writer = Writer(model, ITEM, 0.7, CLOSE, 32, "word", 0)
    stages = asyncio.run(writer.chain(START, stops))
    assert all(stage.state.grade.correct for stage in stages)
    prompts = [exchange.prompt for exchange in model.transcript]
    closing = [prompt for prompt in prompts if prompt.endswith(CLOSE)]
    return [prompt for prompt in prompts if prompt not in closing], closing


@pytest.mark.parametrize("make", MAKES, ids=NAMES)
def test_segments_go_on_behind_words_of_ours_at_the_tokens_that_were_asked_for(make: Callable[[], HFTokenizer]) -> None:
    model = subject(make, LONG)
    words = put(TEXTS["trigger"])
    room = tokens_of(model, words)
    written, closed = chain(model, Stop(20, words, True), Stop(40 + room, "", True))
    start = model.renderer.render(START).text
    assert written[0] == start
    said = written[1].removeprefix(start).removesuffix(words)
    assert written[1] == start + said + words
    assert LONG.startswith(said.strip())
    assert LONG[len(said.strip())].isspace(), "back to the last white space"
    assert closed[0] == start + said + CLOSE
    assert closed[1].startswith(written[1]), "the answer before the trigger had no effect"


@pytest.mark.parametrize("make", MAKES[:-1], ids=NAMES[:-1])
def test_the_end_of_a_turn_inside_a_segment_is_stripped(make: Callable[[], HFTokenizer]) -> None:
    tokenizer = make()
    end = next(
        s for s in ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "</s>", *tokenizer.specials) if s in tokenizer.specials
    )
    model = subject(make, f"It is 7.{end}")
    words = put(TEXTS["trigger"])
    start = model.renderer.render(START).text
    written, closed = chain(model, Stop(60, words, True), Stop(200, "", True))
    assert written[1].replace(" It", "It") == f"{start}It is 7.{words}"
    assert closed[1].replace(" It", "It") == f"{start}It is 7.{words}It is 7.{CLOSE}"


@pytest.mark.parametrize("make", MAKES, ids=NAMES)
def test_without_words_segments_are_the_ids_of_one_call(make: Callable[[], HFTokenizer]) -> None:
    model = subject(make, LONG)
    whole = asyncio.run(model.generate(START, max_tokens=60, temperature=0.7))
    first = asyncio.run(model.generate(START, max_tokens=25, temperature=0.7))
    rest = asyncio.run(model.generate(START.after(first), max_tokens=35, temperature=0.7))
    assert isinstance(whole, Text)
    assert (*first.tokens, *rest.tokens) == whole.tokens


@pytest.mark.parametrize("make", [tiny.chatml, tiny.llama3, tiny.gemma], ids=["chatml", "llama3", "gemma"])
def test_trigger_and_filler_differ_by_a_token_at_most_or_the_run_says_so(make: Callable[[], HFTokenizer]) -> None:
    model = subject(make, LONG)
    words = "The quick brown fox jumps over the lazy dog and is in the box"
    filler = as_long(model, words, TEXTS["trigger"])
    assert abs(tokens_of(model, put(filler)) - tokens_of(model, put(TEXTS["trigger"]))) <= 1


@pytest.mark.parametrize("family", [name for name in ("qwen3", "r1", "qwq") if name in FAMILIES])
def test_a_model_that_thinks_writes_no_thought(family: str) -> None:
    thinker = Thinker(FAMILIES[family], "Hm, 3 and 4.", {"": {"It is 7.": 1.0}, CLOSE.strip(): {" 7.": 1.0}})
    model = thinking_subject(thinker)
    asyncio.run(model.generate(START, max_tokens=20, temperature=0.7))
    assert len(thinker.asked) == 1
    assert thinker.asked[0].endswith(FAMILIES[family].nothing)
    assert IterativeDeepening().capabilities() == {"generate"}
