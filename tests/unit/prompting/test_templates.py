"""Chat templates of real families: the exact prompt, what is noticed about them, and what is refused."""

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.config import load_job
from harness.engines.fake.engine import WordTokenizer
from harness.errors import HarnessError, ItemError
from harness.execution.execute import execute
from harness.models.model import Model
from harness.prompting.prompts import Message, Prompt
from harness.prompting.rendered import ThinkingStyle
from harness.prompting.rendering import Renderer
from harness.prompting.templates import merged
from harness.prompting.thinking import Thinking
from harness.prompting.tokens import NOTHING, HFTokenizer
from tests.support.tiny_tokenizers import (
    LLAMA31,
    LLAMA32,
    QWEN,
    base,
    chatml,
    gemma,
    llama3,
    mistral,
    mistral1,
    qwen3,
    r1,
)

TALK = (Message("user", "What is 2+2?"), Message("assistant", "4."), Message("user", "Sure?"))
SYSTEM = Message("system", "Be brief.")
PREFILL = "The answer is: ("


def text(tokenizer: HFTokenizer, *messages: Message, **settings: Any) -> str:
    return Renderer(tokenizer, "auto", 1000, **settings).render(Prompt(messages or (SYSTEM, *TALK), PREFILL)).text


def test_chatml() -> None:
    assert text(chatml()) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhat is 2+2?<|im_end|>\n"
        "<|im_start|>assistant\n4.<|im_end|>\n<|im_start|>user\nSure?<|im_end|>\n"
        "<|im_start|>assistant\nThe answer is: ("
    )


def test_qwen3_with_and_without_thinking() -> None:
    head = "<|im_start|>user\nSure?<|im_end|>\n<|im_start|>assistant\n"
    # Words in the model's mouth stand behind a thought, an empty one where nothing was thought, and never in it.
    assert text(qwen3(), TALK[2]) == head + "<think>\n\n</think>\n\n" + PREFILL
    assert Renderer(qwen3(), "chat", 1000).render(Prompt((TALK[2],))).text == head
    quiet = text(qwen3(), TALK[2], variables={"enable_thinking": False})
    assert quiet == head + "<think>\n\n</think>\n\n" + PREFILL


def test_llama_3() -> None:
    assert text(llama3()) == (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nWhat is 2+2?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n4.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nSure?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nThe answer is: ("
    )


@pytest.mark.parametrize("template", [LLAMA31, LLAMA32])
def test_llama_3_1_and_3_2_write_a_date(template: str) -> None:
    assert text(llama3(template), SYSTEM, TALK[2]) == (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
        "Today Date: 26 Jul 2024\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nSure?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nThe answer is: ("
    )


def test_gemma() -> None:
    assert text(gemma(), *TALK) == (
        "<bos><start_of_turn>user\nWhat is 2+2?<end_of_turn>\n<start_of_turn>model\n4.<end_of_turn>\n"
        "<start_of_turn>user\nSure?<end_of_turn>\n<start_of_turn>model\nThe answer is: ("
    )


def test_gemma_with_the_system_message_merged() -> None:
    assert text(gemma(), system="merge") == (
        "<bos><start_of_turn>user\nBe brief.\n\nWhat is 2+2?<end_of_turn>\n<start_of_turn>model\n4.<end_of_turn>\n"
        "<start_of_turn>user\nSure?<end_of_turn>\n<start_of_turn>model\nThe answer is: ("
    )


def test_mistral_puts_the_system_message_before_the_last_user_message() -> None:
    assert text(mistral()) == "<s>[INST] What is 2+2?[/INST] 4.</s>[INST] Be brief.\n\nSure?[/INST]The answer is: ("
    notes = Renderer(mistral(), "chat", 1000).prompt_style.notes
    assert notes == ("the chat template moves the system message away from the beginning of a conversation",)


def test_mistral_with_the_system_message_merged() -> None:
    merged_text = "<s>[INST] Be brief.\n\nWhat is 2+2?[/INST] 4.</s>[INST] Sure?[/INST]The answer is: ("
    assert text(mistral(), system="merge") == merged_text
    assert Renderer(mistral(), "chat", 1000, system="merge").prompt_style.notes == ()


def test_mistral_v0_1() -> None:
    assert text(mistral1(), *TALK) == "<s>[INST] What is 2+2? [/INST]4.</s>[INST] Sure? [/INST]The answer is: ("


def test_deepseek_r1_begins_inside_a_thinking_block_which_first_words_of_an_answer_close() -> None:
    assert text(r1()) == (
        "<｜begin▁of▁sentence｜>Be brief.<｜User｜>What is 2+2?<｜Assistant｜>4.<｜end▁of▁sentence｜>"  # noqa: RUF001
        "<｜User｜>Sure?<｜Assistant｜><think>\n\n</think>\n\nThe answer is: ("  # noqa: RUF001
    )
    style = Renderer(r1(), "chat", 1000).prompt_style
    assert style.thinking == ThinkingStyle("<think>\n", "\n</think>\n\n", "template", "own", 1024, "close")


@pytest.mark.parametrize("make", [chatml, qwen3, r1, llama3, gemma, mistral, mistral1])
def test_every_family_has_bos_once_where_it_has_one(make: Callable[[], HFTokenizer]) -> None:
    tokenizer = make()
    ids = Renderer(tokenizer, "chat", 1000).render(Prompt(TALK, PREFILL)).ids
    assert ids.count(tokenizer.bos or -1) == (tokenizer.bos is not None)
    assert tokenizer.bos is None or ids[0] == tokenizer.bos


def test_base_models_get_bos_only_where_the_tokenizer_adds_one() -> None:
    plain = "Be brief.\nWhat is 2+2?\n4.\n\nSure?\nThe answer is: ("
    for bos in (True, False):
        tokenizer = base(bos)
        rendered = Renderer(tokenizer, "auto", 1000).render(Prompt((SYSTEM, *TALK), PREFILL))
        assert rendered.text == plain
        assert rendered.added == bos
        assert rendered.ids == ((tokenizer.bos,) if bos else ()) + tuple(tokenizer.encode(plain))


def test_a_default_system_message_is_noticed() -> None:
    wording = Renderer(chatml(QWEN), "chat", 1000).prompt_style
    assert wording.default_system == QWEN
    assert any(QWEN in note and "model.system=none" in note for note in wording.notes)
    assert text(chatml(QWEN), TALK[2]).startswith(f"<|im_start|>system\n{QWEN}<|im_end|>\n<|im_start|>user\nSure?")


@pytest.mark.parametrize("make", [chatml, qwen3, r1, llama3, gemma, mistral, mistral1])
def test_no_default_system_message_is_seen_where_there_is_none(make: Callable[[], HFTokenizer]) -> None:
    assert Renderer(make(), "chat", 1000).prompt_style.default_system is None


def test_a_default_system_message_can_be_left_out() -> None:
    renderer = Renderer(chatml(QWEN), "chat", 1000, system="none")
    assert renderer.prompt_style.default_system is None
    assert renderer.prompt_style.notes == ()
    empty = "<|im_start|>system\n<|im_end|>\n<|im_start|>user\nSure?<|im_end|>\n<|im_start|>assistant\n"
    assert renderer.render(Prompt((TALK[2],))).text == empty
    # A prompt's own stays, and a template that adds nothing is given no empty one.
    assert text(chatml(QWEN), system="none") == text(chatml(QWEN))
    assert text(gemma(), TALK[2], system="none") == text(gemma(), TALK[2])


def test_a_default_that_cannot_be_left_out_is_refused_and_not_sent() -> None:
    with pytest.raises(HarnessError, match=r"writes 'Cutting Knowledge Date.* even where the system message is empty"):
        Renderer(llama3(LLAMA31), "chat", 1000, system="none")
    assert Renderer(llama3(LLAMA31), "chat", 1000).prompt_style.default_system == (
        "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024"
    )


@pytest.mark.parametrize("make", [gemma, mistral1])
def test_a_template_without_a_system_role_is_noticed_and_refuses_by_item(make: Callable[[], HFTokenizer]) -> None:
    renderer = Renderer(make(), "chat", 1000)
    assert any(note.startswith("no system messages") for note in renderer.prompt_style.notes)
    with pytest.raises(ItemError, match=r"refuses this conversation: .*; model\.system=merge puts"):
        renderer.render(Prompt((SYSTEM, *TALK)))


def test_merging_needs_a_user_message() -> None:
    assert merged((SYSTEM, TALK[0])) == (Message("user", "Be brief.\n\nWhat is 2+2?"),)
    assert merged(TALK) == TALK
    for messages in ((SYSTEM,), (SYSTEM, TALK[1])):
        with pytest.raises(ItemError, match="no user message follows the system message"):
            merged(messages)


class Clock(datetime):
    """A clock that is years on."""

    @classmethod
    def now(cls, tz: Any = None) -> "Clock":
        return cls(2031, 1, 2, tzinfo=tz)


@pytest.mark.parametrize("template", [LLAMA31, LLAMA32, "{{ strftime_now('%Y-%m-%d') }}{{ messages[0].content }}"])
def test_prompts_do_not_depend_on_the_clock(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers.utils.chat_template_utils as templates

    before = text(llama3(template), TALK[2], bos="leave")
    monkeypatch.setattr(templates, "datetime", Clock)
    monkeypatch.setattr(time, "time", lambda: Clock.now().timestamp())
    # The clock is really changed: without the harness, a template shows it.
    if "strftime_now" in template:
        assert "2031" in llama3(template).chat(TALK[2:])
    assert text(llama3(template), TALK[2], bos="leave") == before
    later = text(llama3(template), TALK[2], bos="leave", day=date(2025, 12, 1))
    assert "01 Dec 2025" in later or "2025-12-01" in later


def test_the_date_is_noted_and_a_date_string_of_the_users_own_wins() -> None:
    renderer = Renderer(llama3(LLAMA31), "chat", 1000, variables={"date_string": "1 April"})
    assert "Today Date: 1 April\n" in renderer.render(Prompt(TALK)).text
    assert any("2024-07-26 (model.date)" in note for note in renderer.prompt_style.notes)


def test_how_a_model_thinks_is_noted() -> None:
    (note,) = Renderer(qwen3(), "chat", 1000).prompt_style.notes
    assert note == (
        "the model thinks before it answers (<think> ... </think>): at most 1024 tokens (model.thinking.tokens), then "
        "its thought is closed by force; model.thinking.mode=off is without thoughts"
    )
    (note,) = Renderer(qwen3(), "chat", 1000, thinking=Thinking(mode="off")).prompt_style.notes
    assert note == "the model (<think> ... </think>) answers without thoughts: model.thinking.mode=off"
    assert Renderer(chatml(), "chat", 1000).prompt_style.thinking is None
    assert Renderer(qwen3(), "chat", 1000, variables={"enable_thinking": False}).prompt_style.notes == ()


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        (
            {"enable_thinkin": False},
            r"model\.template\.enable_thinkin: .* does not look at it \(it reads enable_thinking\)",
        ),
        ({"messages": []}, r"model\.template\.messages: the harness itself gives"),
        ({"add_generation_prompt": False}, "the harness itself gives"),
        ({"strftime_now": 1}, r"set model\.date"),
        ({"bos_token": ""}, "the harness itself gives"),
        ({"enable_thinking": "no"}, r"model\.template\.enable_thinking=no: this is a text.* write true or false"),
        ({"enable_thinking": "Off"}, "write true or false"),
    ],
)
def test_template_variables_are_checked_by_name(variables: dict[str, Any], reason: str) -> None:
    with pytest.raises(HarnessError, match=reason):
        Renderer(qwen3(), "chat", 1000, variables=variables)


def test_a_name_that_the_template_only_sets_is_none_of_its_variables() -> None:
    assert llama3(LLAMA31).variables == frozenset({"bos_token", "date_string", "add_generation_prompt"})
    assert mistral().variables == frozenset({"bos_token", "eos_token", "messages", "system_message"})
    assert base(bos=False).variables == frozenset()


def test_template_variables_have_no_meaning_for_plain_text() -> None:
    with pytest.raises(HarnessError, match=r"model\.template\.enable_thinking: prompts are plain text"):
        Renderer(qwen3(), "plain", 1000, variables={"enable_thinking": False})


def test_a_text_that_a_template_asks_for_is_no_switch() -> None:
    tokenizer = chatml()
    inner = tokenizer.inner
    inner.chat_template = "{%- if effort == 'off' %}{{- 'no effort' }}{%- endif %}" + inner.chat_template
    text = Renderer(HFTokenizer(inner), "chat", 1000, variables={"effort": "off"}).render(Prompt.user("Q")).text
    assert text.startswith("no effort")


@pytest.mark.parametrize("make", [qwen3, r1, chatml])
@pytest.mark.parametrize("said", ["<think>\nTwo and two.\n</think>\n\n4.", "<think>a<think>b</think>c</think>4.", "4."])
def test_an_earlier_answer_is_quoted_without_its_thought(make: Callable[[], HFTokenizer], said: str) -> None:
    renderer = Renderer(make(), "chat", 1000)
    told = renderer.render(Prompt((TALK[0], Message("assistant", said), TALK[2])))
    assert told == renderer.render(Prompt((TALK[0], Message("assistant", "4."), TALK[2])))
    # What a user writes is words.
    assert said in renderer.render(Prompt.user(said)).text


def test_an_earlier_thought_that_the_template_began_is_left_out() -> None:
    told = Prompt.user("2+2?").then("x so 5\n</think>\n\n4.", "Sure?")
    assert Renderer(r1(), "chat", 1000).render(told) == Renderer(r1(), "chat", 1000).render(
        Prompt.user("2+2?").then("4.", "Sure?")
    )


class Odd(WordTokenizer):
    """A template that treats messages by a function of the test's."""

    def __init__(self, treat: Callable[[Sequence[Message]], Sequence[Message]]) -> None:
        super().__init__()
        self.treat = treat

    def chat(self, messages: Sequence[Message], variables: Mapping[str, Any] = NOTHING) -> str:
        return super().chat(self.treat(messages), variables)


class Greeting(WordTokenizer):
    """A template with a default system message."""

    def chat(self, messages: Sequence[Message], variables: Mapping[str, Any] = NOTHING) -> str:
        lines = [f"<{m.role}> {m.content}\n" for m in messages]
        return "".join(["<system> Say hello.\n"] * (messages[0].role != "system") + lines) + "<assistant> "


def rewriting(change: Callable[[Message], str]) -> Odd:
    return Odd(lambda messages: [Message(m.role, change(m)) for m in messages])


@pytest.mark.parametrize(
    ("treat", "named"),
    [
        (lambda m: m.content.replace("2+2", "2 + 2"), r"the user message 'What is 2\+2\?'"),
        (lambda m: m.content[:3], r"the user message 'What is 2\+2\?'"),
        (lambda m: "" if m.content == "4." else m.content, r"the assistant message '4\.'"),
        (lambda m: m.content + "!" if m.content == "Sure?" else m.content, r"the user message 'Sure\?'"),
    ],
)
def test_a_template_that_changes_a_message_is_an_error(treat: Callable[[Message], str], named: str) -> None:
    with pytest.raises(ItemError, match=f"drops or changes {named}"):
        Renderer(rewriting(treat), "chat", 1000).render(Prompt(TALK))


def test_a_message_that_is_said_elsewhere_too_cannot_hide_that_it_was_dropped() -> None:
    # "user" stands in the headings, "4." in the last question.
    dropping = Odd(lambda messages: [m for m in messages if m.role != "assistant"])
    for said in ("user", "4."):
        messages = (TALK[0], Message("assistant", said), Message("user", "Is it 4.?"))
        with pytest.raises(ItemError, match=f"drops or changes the assistant message '{said}'"):
            Renderer(dropping, "chat", 1000).render(Prompt(messages))


def test_messages_out_of_order_are_an_error() -> None:
    turned = Odd(lambda messages: sorted(messages, key=lambda m: m.content))
    with pytest.raises(ItemError, match="drops or changes the user message"):
        Renderer(turned, "chat", 1000).render(
            Prompt((Message("user", "a"), Message("assistant", "c"), Message("user", "b")))
        )


def test_a_template_that_begins_otherwise_for_some_content_is_an_error() -> None:
    class Polite(WordTokenizer):
        def chat(self, messages: Sequence[Message], variables: Mapping[str, Any] = NOTHING) -> str:
            return ("Hello. " if "please" in messages[0].content else "") + super().chat(messages, variables)

    renderer = Renderer(Polite(), "chat", 1000)
    assert renderer.render(Prompt(TALK)).text.startswith("<user> What")
    with pytest.raises(ItemError, match=r"begins this conversation in a way of its own: 'Hello\."):
        renderer.render(Prompt.user("Answer please."))


@pytest.mark.parametrize("strip", [str.strip, str.lstrip, str.rstrip, str])
def test_space_around_a_message_may_go(strip: Callable[[str], str]) -> None:
    prompt = Prompt((Message("user", " \n2+2? \n"), Message("assistant", ""), Message("user", " ")))
    rendered = Renderer(rewriting(lambda m: strip(m.content)), "chat", 1000).render(prompt)
    assert (
        rendered.text
        == f"<user> {strip(' ' + chr(10) + '2+2? ' + chr(10))}\n<assistant> \n<user> {strip(' ')}\n<assistant> "
    )


def test_the_config_says_how_prompts_are_written() -> None:
    wanted = ["system=merge", "date=2025-12-01", "bos=leave", "template={enable_thinking: false}"]
    job = load_job(["experiment=pTrue", "engine=fake", "model=hub", "model.source=x", *(f"model.{w}" for w in wanted)])
    renderer = job.model.renderer(qwen3(), 1000)
    assert renderer.render(Prompt((SYSTEM, TALK[2]))).text == (
        "<|im_start|>user\nBe brief.\n\nSure?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    )
    dated = dataclasses.replace(job.model, template={}).renderer(llama3(LLAMA32), 1000)
    assert "Today Date: 01 Dec 2025\n" in dated.render(Prompt(TALK)).text


@pytest.mark.parametrize("wrong", ["system=drop", "date=yesterday", "bos=1"])
def test_an_impossible_way_of_writing_prompts_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(HarnessError, match=f"model.{wrong}"):
        load_job(["experiment=pTrue", "engine=fake", "model=hub", "model.source=x", f"model.{wrong}"])


def test_models_that_differ_only_in_how_prompts_are_written_share_an_engine() -> None:
    plain = Model(source="x")
    assert plain == Model(source="x", style="plain", system="merge", template={"enable_thinking": False})
    assert plain != Model(source="y")


def test_the_manifest_and_the_start_of_a_run_say_how_prompts_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(WordTokenizer, "chat", Greeting.chat)
    settings = ["experiment.arms=[zero-shot]", "limit=2", "replicates=20", "tracker=none", f"runs={tmp_path}"]
    session = execute(load_job(["experiment=pTrue", "engine=fake", *settings]))
    prompts = json.loads((session.run.path / "manifest.json").read_text())["prompts"]
    assert prompts["style"] == "chat"
    assert prompts["bos"] is None
    assert prompts["default_system"] == "<system> Say hello."
    assert "'<system> Say hello.'" in prompts["notes"][0]
    assert f"harness: {prompts['notes'][0]}\n" in capsys.readouterr().err
