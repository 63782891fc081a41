"""Going on from a reply (`Prompt.after`) of a model that thinks: it stands where it stood, or that is refused."""

import asyncio
from typing import Any

import pytest

from harness import ItemError, Prompt, Subject, Text
from tests.support.thinking_models import FAMILIES, Thinker, thinking_subject

LONG = "Paris is the capital of France and so on and on"
ASK = Prompt.user("Where is the marble?")
STANDING: dict[str, tuple[Prompt, dict[str, Any]]] = {
    "its own": (ASK, {}),
    "none by settings": (ASK, {"mode": "off"}),
    "none": (ASK.thinking(""), {}),
    "a given one": (ASK.thinking("Given."), {}),
    "one closed by force": (ASK, {"tokens": 1}),
}


def subject(family: str, thought: str | None, reply: str = LONG, **settings: Any) -> tuple[Subject, Thinker]:
    thinker = Thinker(FAMILIES[family], thought, {"": {reply: 1.0}})
    return thinking_subject(thinker, **settings), thinker


def say(model: Subject, prompt: Prompt, **settings: Any) -> Text:
    return asyncio.run(model.generate(prompt, **{"max_tokens": 5, **settings}))


@pytest.mark.parametrize("before", STANDING)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_cut_answer_goes_on_behind_what_stood_before_it(family: str, before: str) -> None:
    prompt, settings = STANDING[before]
    model, thinker = subject(family, "Hm.", **settings)
    first = say(model, prompt)
    assert first.finish == "length"
    on = model.renderer.render(prompt.after(first))
    assert on.text == thinker.asked[-1] + first.text
    assert on.ids[-len(first.tokens) :] == first.tokens
    # Twice, with words of ours between, and no other thought.
    asked = len(thinker.asked)
    again = prompt.after(first, " Wait,").after(
        Text(" no", tuple(model.renderer.tokenizer.encode(" no")), (0.0,), "length")
    )
    assert model.renderer.render(again).text == on.text + " Wait, no"
    say(model, prompt.after(first))
    assert len(thinker.asked) == asked + 1
    # A later turn quotes the words alone.
    quoted = model.renderer.render(prompt.after(first, " Wait,").then("", "Sure?")).text
    assert first.text + " Wait," in quoted
    assert "Hm." not in quoted
    assert "Given." not in quoted


@pytest.mark.parametrize("family", [name for name in FAMILIES if FAMILIES[name].open])
def test_an_answer_that_was_given_at_once_goes_on_without_a_thought(family: str) -> None:
    direct = "<|channel|>final<|message|>" if family == "gpt_oss" else ""
    model, thinker = subject(family, None, direct + LONG)
    first = say(model, ASK)
    assert (first.thinking, first.finish) == ("none", "length")
    assert model.renderer.render(ASK.after(first)).text == thinker.asked[-1] + direct + first.text
    stopped = say(model, ASK, max_tokens=50, stop=[" of"])
    assert (stopped.text, stopped.finish) == ("Paris is the capital", "stop")
    assert model.renderer.render(ASK.after(stopped)).text == thinker.asked[-1] + direct + "Paris is the capital of"


@pytest.mark.parametrize("before", STANDING)
@pytest.mark.parametrize("family", ["qwen3", "r1", "magistral", "gpt_oss", "reasoning"])
def test_a_reply_in_which_the_model_thought_again_is_not_gone_on_from(family: str, before: str) -> None:
    of = FAMILIES[family]
    prompt, settings = STANDING[before]
    model, _ = subject(family, "Hm.", of.open + "again" + of.close + LONG, **settings)
    reply = say(model, prompt, max_tokens=40)
    assert reply.thought is not None
    assert reply.thought.text.endswith("again")
    with pytest.raises(ItemError, match="thought again where its answer should have begun"):
        model.renderer.render(prompt.after(reply))
    model.renderer.render(prompt.then(reply.text, "Sure?"))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_reply_that_was_cut_inside_its_thought_is_not_gone_on_from(family: str) -> None:
    model, _ = subject(family, "On and on and on.", tokens=2, overrun="fail")
    reply = say(model, ASK)
    with pytest.raises(ItemError, match="this thought never ended, so that no answer can follow it"):
        model.renderer.render(ASK.after(reply))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_answer_is_asked_for_behind_a_thought_that_was_cut(family: str) -> None:
    model, thinker = subject(family, "On and on and on.", tokens=2, overrun="fail")
    thought = asyncio.run(model.think(ASK))
    assert thought.ended == "cut"
    reply = say(model, ASK, thought=thought)
    assert (reply.text, reply.tokens, reply.finish, reply.thinking) == ("", (), "length", "cut")
    assert len(thinker.asked) == 1
