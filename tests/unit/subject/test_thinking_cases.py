"""Replies of models that think as users meet them, graded and judged by their answers; and what cannot be set."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from experiments.shared import judging
from harness import HarnessError, Item, ItemError, Prompt, Subject, Text
from harness.config import load_job
from harness.engines.fake.engine import FakeEngine, Replies
from harness.models.model import Model
from harness.prompting.thinking import Thinking
from harness.prompting.tokens import HFTokenizer
from harness.store.store import Store
from harness.tasks.choices import multiple_choice
from harness.tasks.fates import graded
from harness.tasks.graders import number, short_answer
from tests.support.thinking_models import FAMILIES, Thinker, thinking_subject
from tests.support.tiny_tokenizers import chatml, qwen3

ASK = Prompt.user("Well?")
FRANCE = Item({"question": "What is the capital of France?"}, ["Paris"], short_answer)
SUM = Item({"question": "2+2?"}, "4", number)
LETTERS = multiple_choice("What is the capital of France?", ["Rome", "Paris"], 1, "here")


def say(model: Subject, prompt: Prompt = ASK, **settings: Any) -> Text:
    return asyncio.run(model.generate(prompt, **{"max_tokens": 30, **settings}))


def on(tokenizer: HFTokenizer, replies: Replies, folder: Path, **settings: Any) -> Subject:
    engine = FakeEngine(replies, tokenizer=tokenizer)
    model = Model(source="fake", thinking=Thinking(**settings))
    return Subject(engine, model.renderer(engine.tokenizer, engine.context), Store(folder), 0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("item", "thought", "answer"),
    [
        (FRANCE, "It could be Lyon or Paris. I think Lyon is second.", "Paris"),
        (FRANCE, "The user asks for the capital.", "The capital is Paris."),
        (FRANCE, "", "Paris"),
        (FRANCE, "Answer: Lyon\n\nAnswer: Lyon", "Answer: Paris"),
        (SUM, "The final answer is 5. wait", "It is 4"),
        (LETTERS, "A is Rome. (A) no", "(B)"),
    ],
)
def test_a_reply_is_graded_by_what_stands_behind_its_thought(
    family: str, item: Item, thought: str, answer: str
) -> None:
    model = thinking_subject(Thinker(FAMILIES[family], thought, {"": {answer: 1.0}}))
    reply = say(model, stop=["\nQuestion"])
    assert (graded(item, reply).correct, graded(item, reply).fate) == (True, "answered")
    assert reply.thinking == "closed"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_number_inside_a_thought_that_was_cut_is_no_answer(family: str) -> None:
    model = thinking_subject(
        Thinker(FAMILIES[family], "2+2=4 so maybe it is that", {"": {"4": 1.0}}), tokens=9, overrun="fail"
    )
    assert graded(SUM, say(model)) == graded(SUM, Text("", (), (), "length"))
    assert graded(SUM, say(model)).fate == "cut"


@pytest.mark.parametrize("thought", ["B? The answer holds what the reference says.", "", None])
@pytest.mark.parametrize("family", [name for name in FAMILIES if FAMILIES[name].open])
def test_a_judge_that_thinks_gives_a_verdict(family: str, thought: str | None) -> None:
    direct = "<|channel|>final<|message|>" if family == "gpt_oss" and thought is None else ""
    judge = thinking_subject(Thinker(FAMILIES[family], thought, {"": {f"{direct}A\nbecause": 1.0}}))
    assert asyncio.run(judging.verdict(FRANCE, judge, "Paris", judging.TEXTS)) == "right"


@pytest.mark.parametrize("stop", ["<", "</", "think", "\n", "\n\n", ">", "[", "|", "reason"])
@pytest.mark.parametrize("family", FAMILIES)
def test_stops_that_occur_in_marks_and_thoughts_end_answers_alone(family: str, stop: str) -> None:
    thought = "I think:\n\nthe reason is <b> or [x] or |y|."
    model = thinking_subject(Thinker(FAMILIES[family], thought, {"": {f"Paris{stop} and more": 1.0}}))
    reply = say(model, stop=[stop])
    assert (reply.text, reply.finish, reply.thinking) == ("Paris", "stop", "closed")
    assert reply.thought is not None
    assert reply.thought.text == thought


@pytest.mark.parametrize("thought", ["a <think>b</think> c", "a <think>b", "<think>", "</think>"])
def test_marks_within_a_thought_are_of_the_thought(thought: str, tmp_path: Path) -> None:
    """What stands behind the first mark that closes is written anew behind it, and taken out."""
    first, _, rest = f"{thought}\n</think>\n\nParis".partition("</think>")

    def replies(prompt: str) -> dict[str, float]:
        begun = prompt.rpartition("assistant\n")[2]
        if not begun:
            return {f"<think>\n{first}</think>{rest}": 1.0}
        return {rest.lstrip("\n") if "</think>" in begun else "?": 1.0}

    reply = say(on(qwen3(), replies, tmp_path))
    assert (reply.text, reply.thinking) == ("Paris", "closed")
    assert graded(FRANCE, reply).correct


@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in ("magistral", "gpt_oss")])
def test_marks_in_the_words_of_a_user_begin_no_thought(family: str) -> None:
    """Those of the other two are special tokens of their chat templates, which no message may hold."""
    of = FAMILIES[family]
    marks = of.close.strip()
    model = thinking_subject(Thinker(of, "Hm.", {"": {"Paris": 1.0}}))
    for words in (marks, marks.replace("/", ""), f"Write {marks.replace('/', '')}no{marks} please"):
        reply = say(model, Prompt.user(words))
        assert (reply.text, reply.thinking) == ("Paris", "closed")
        assert reply.thought is not None
        assert reply.thought.text == "Hm."


@pytest.mark.parametrize("prefill", ["", "Answer:"])
def test_marks_that_the_model_never_writes_change_nothing_of_its_answer(prefill: str, tmp_path: Path) -> None:
    model = on(chatml(), lambda _: {"Paris\nmore": 1.0}, tmp_path, open="<plan>", close="</plan>")
    reply = say(model, Prompt.user("Capital?", prefill), stop=["\n"])
    assert (reply.text, reply.finish, reply.thinking) == ("Paris", "stop", "none")


@pytest.mark.parametrize(("overrun", "text", "ended"), [("close", "Paris", "forced"), ("fail", "", "cut")])
@pytest.mark.parametrize("prefill", ["", "Answer:"])
def test_a_declared_thought_that_never_closes_has_a_named_end(
    overrun: str, text: str, ended: str, prefill: str, tmp_path: Path
) -> None:
    def replies(prompt: str) -> dict[str, float]:
        return {"Paris" if "</plan>" in prompt else "<plan>\non and on and on": 1.0}

    settings = {"open": "<plan>", "close": "</plan>", "tokens": 6, "overrun": overrun}
    reply = say(on(chatml(), replies, tmp_path, **settings), Prompt.user("Capital?", prefill))
    assert (reply.text, reply.thinking) == (text, ended)
    assert graded(FRANCE, reply).fate == ("answered" if text else "cut")


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(HarnessError, match=r"model\.thinking\.tokens=0: a thought has at least one token; model\.thin"):
        load_job(["engine=fake", "tracker=none", "model.thinking.tokens=0"])
    model = thinking_subject(Thinker(FAMILIES["qwen3"], "Hm.", {"": {"Paris": 1.0}}))
    with pytest.raises(ItemError, match="max_tokens=0: a thought has at least one token; thought='' is none"):
        asyncio.run(model.think(ASK, max_tokens=0))


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("open='<plan>'", "two different marks are needed"),
        ("close='</plan>'", "two different marks are needed"),
        ("mode=loud", r"model\.thinking\.mode"),
        ("overrun=never", r"model\.thinking\.overrun"),
        ("tokens=many", r"model\.thinking\.tokens"),
    ],
)
def test_settings_that_cannot_be_are_refused(setting: str, told: str) -> None:
    with pytest.raises(HarnessError, match=told):
        load_job(["engine=fake", "tracker=none", f"model.thinking.{setting}"])
