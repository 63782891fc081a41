"""The small model made to think by its chat template: vLLM and transformers write the same thoughts and answers."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.calls.calls import Text
from harness.engines.base import Engine
from harness.engines.transformers.engine import Transformers
from harness.models.model import LocalModel, Model
from harness.prompting.prompts import Prompt
from harness.prompting.thinking import Thinking
from harness.prompting.tokens import HFTokenizer
from harness.store.store import Store
from harness.subject.choices import Choice
from harness.subject.subject import Subject
from tests.integration.engines import small_vllm

pytestmark = pytest.mark.engine

QUESTIONS = [f"What is the capital of {c}?" for c in ("France", "Japan", "Peru", "Kenya")]

STYLES = {
    "a mark of several tokens": Thinking(open="<think>", close="</think>", tokens=12),
    "a mark that is a token": Thinking(open="<think>", close=".", tokens=40),
    "a mark within words": Thinking(open="<think>", close=" of ", tokens=40),
    "no thoughts": Thinking(open="<think>", close="</think>", mode="off"),
}


@pytest.fixture(scope="module")
def engines(small_model: LocalModel) -> Iterator[list[Engine]]:
    """vLLM's and transformers' of the same weights."""
    model = Model(name="smollm2", source=str(small_model.path))
    loaded = [small_vllm(1024).load(model), Transformers(dtype="float32").load(model)]
    yield loaded
    for engine in loaded:
        engine.close()


def thinking(engine: Engine, settings: Thinking, model: LocalModel) -> Subject:
    """The engine's model with a chat template that begins a thought, as that of R1 does."""
    inner = HFTokenizer.load(model.path).inner
    inner.chat_template += "{%- if add_generation_prompt %}{{- '<think>\\n' }}{%- endif %}"
    renderer = Model(source="x", thinking=settings).renderer(HFTokenizer(inner), engine.context)
    assert renderer.thoughts.begun_by == "template"
    return Subject(engine, renderer, Store(Path(tempfile.mkdtemp())), 0)


async def answers(model: Subject) -> list[Any]:
    prompts = [prompt for question in QUESTIONS for prompt in (Prompt.user(question), Prompt.user(question, "Answer:"))]
    texts = [model.generate(prompt, max_tokens=8, stop=["\n"]) for prompt in prompts]
    choices = [model.choose(prompt, {"P": (" Paris",), "T": (" Tokyo",)}) for prompt in prompts[1::2]]
    return [*await asyncio.gather(*texts), *await asyncio.gather(*choices)]


@pytest.mark.parametrize("style", STYLES)
def test_both_engines_think_and_answer_alike(engines: list[Engine], style: str, small_model: LocalModel) -> None:
    settings = STYLES[style]
    found = [asyncio.run(answers(thinking(engine, settings, small_model))) for engine in engines]
    for a, b in zip(*found, strict=True):
        if isinstance(a, Text):
            assert (a.text, a.tokens, a.finish, a.thought) == (b.text, b.tokens, b.finish, b.thought)
            assert "\n" not in a.text
            assert settings.close not in a.text or settings.close == "."
        else:
            assert isinstance(a, Choice)
            assert a.logp == pytest.approx(b.logp, abs=2e-3)
    ends = {text.thinking for text in found[0] if isinstance(text, Text)}
    assert ends <= ({"none"} if settings.mode == "off" else {"closed", "forced"})
    if style == "a mark that is a token":
        assert "closed" in ends
