"""Rendering: the exact text and ids, and the audit of what other harnesses let through."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from harness.engines.fake import WordTokenizer
from harness.errors import HarnessError, ItemError
from harness.prompts import Message, Prompt
from harness.rendering import Renderer, plain_text
from harness.tokens import NOTHING

TALK = Prompt.user("What is 2+2?", "Answer:").then(" 4", "Sure?", "Yes or no:")


class BosTokenizer(WordTokenizer):
    """Words, with `#` as the BOS token that every prompt must begin with."""

    def __init__(self, template: str = "{}") -> None:
        super().__init__()
        self.bos = self.encode("#")[0]
        self.pattern = template

    def chat(self, messages: Sequence[Message], variables: Mapping[str, Any] = NOTHING) -> str:
        return self.pattern.format("\n".join(m.content for m in messages))


def test_a_chat_prompt_goes_through_the_template_with_the_prefill_behind_it() -> None:
    tokenizer = WordTokenizer()
    rendered = Renderer(tokenizer, "auto", 100).render(TALK)
    assert rendered.text == "<user> What is 2+2?\n<assistant> Answer: 4\n<user> Sure?\n<assistant> Yes or no:"
    assert tokenizer.decode(rendered.ids) == rendered.text


def test_a_base_model_sees_plain_text() -> None:
    tokenizer = WordTokenizer()
    tokenizer.template = None
    renderer = Renderer(tokenizer, "auto", 100)
    assert renderer.style == "plain"
    assert renderer.render(TALK).text == "What is 2+2?\nAnswer: 4\n\nSure?\nYes or no:"
    assert plain_text(Prompt.user("Q")) == "Q\n"


def test_chat_style_without_a_template_is_refused() -> None:
    tokenizer = WordTokenizer()
    tokenizer.template = None
    with pytest.raises(HarnessError, match=r"no chat template; set model\.style=plain"):
        Renderer(tokenizer, "chat", 100)


def test_plain_style_can_be_asked_of_a_chat_model() -> None:
    assert Renderer(WordTokenizer(), "plain", 100).render(Prompt.user("Q", "A:")).text == "Q\nA:"


def test_bos_is_written_once_in_plain_text() -> None:
    tokenizer = BosTokenizer()
    rendered = Renderer(tokenizer, "plain", 100).render(Prompt.user("Q", "A:"))
    assert rendered.ids[0] == tokenizer.bos
    assert rendered.ids[1] != tokenizer.bos
    assert rendered.text == "Q\nA:"


def test_bos_doubled_by_the_template_is_an_error() -> None:
    with pytest.raises(ItemError, match="two BOS tokens"):
        Renderer(BosTokenizer("##{}"), "chat", 100).render(Prompt.user("Q"))


def test_bos_missing_from_the_template_is_an_error() -> None:
    with pytest.raises(ItemError, match="chat template writes none"):
        Renderer(BosTokenizer("{}"), "chat", 100).render(Prompt.user("Q"))


def test_a_template_with_its_own_bos_passes() -> None:
    tokenizer = BosTokenizer("#{}")
    assert Renderer(tokenizer, "chat", 100).render(Prompt.user("Q")).ids.count(tokenizer.bos or 0) == 1


def test_a_template_that_drops_a_message_is_an_error() -> None:
    class Dropping(WordTokenizer):
        def chat(self, messages: Sequence[Message], variables: Mapping[str, Any] = NOTHING) -> str:
            return super().chat([m for m in messages if m.role != "system"])

    prompt = Prompt((Message("system", "Be brief."), Message("user", "Q")))
    with pytest.raises(ItemError, match=r"drops or changes the system message 'Be brief\.'"):
        Renderer(Dropping(), "chat", 100).render(prompt)


def test_option_ids_continue_the_prompt_and_exclude_bos() -> None:
    tokenizer = BosTokenizer()
    renderer = Renderer(tokenizer, "plain", 100)
    rendered = renderer.render(Prompt.user("Q", "A:"))
    options = renderer.options(rendered, {"red": [" red", " red"], "box": [" red2 box"]})
    assert options == {"red": [tuple(tokenizer.encode(" red"))], "box": [tuple(tokenizer.encode(" red2 box"))]}


def test_two_options_of_the_same_tokens_are_refused() -> None:
    renderer = Renderer(WordTokenizer(), "plain", 100)
    with pytest.raises(ItemError, match="'a' and 'b' have the same tokens"):
        renderer.options(renderer.render(Prompt.user("Q")), {"a": ["x"], "b": ["x"]})


def test_an_empty_option_is_refused() -> None:
    renderer = Renderer(WordTokenizer(), "plain", 100)
    with pytest.raises(ItemError, match="merges with the end"):
        renderer.options(renderer.render(Prompt.user("Q")), {"a": [""]})
