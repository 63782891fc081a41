"""Models of known thoughts and answers, with the marks, special tokens and chat templates of families that think.

The templates are written for these tests from the formats that the model cards publish, without the parts for tools.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.engines.fake.engine import FakeEngine
from harness.models.model import Model
from harness.prompting.thinking import Thinking
from harness.prompting.tokens import HFTokenizer
from harness.store.store import Store
from harness.subject.subject import Subject
from tests.support.tiny_tokenizers import byte_level, qwen3, r1, wrap

_IM = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
_CHATML = """\
{%- for message in messages %}
{%- set content = message['content'] %}
{%- if message['role'] == 'assistant' and 'CLOSE' in content %}
{%- set content = content.split('CLOSE')[-1].lstrip('\\n') %}
{%- endif %}
{{- '<|im_start|>' + message['role'] + '\\n' + content + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\nBEGIN' }}{%- endif %}"""

QWEN3_LATEST = """\
{%- set ns = namespace(last_query=-1) %}
{%- for message in messages %}
{%- if message.role == 'user' %}{%- set ns.last_query = loop.index0 %}{%- endif %}
{%- endfor %}
{%- for message in messages %}
{%- set content = message.content %}
{%- if message.role == 'assistant' %}
{%- set thought = '' %}
{%- if '</think>' in content %}
{%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
{%- set content = content.split('</think>')[-1].lstrip('\\n') %}
{%- endif %}
{%- if loop.index0 > ns.last_query %}
{%- set content = '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') %}
{%- endif %}
{%- endif %}
{{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}"""
"""Puts a thought, an empty one where there is none, into what the model said last."""

MAGISTRAL = """\
{{- bos_token }}
{%- if messages[0]['role'] != 'system' %}
{{- '[SYSTEM_PROMPT]First draft your thinking, as [THINK]thoughts[/THINK], then answer.[/SYSTEM_PROMPT]' }}
{%- endif %}
{%- for message in messages %}
{%- if message['role'] == 'system' %}{{- '[SYSTEM_PROMPT]' + message['content'] + '[/SYSTEM_PROMPT]' }}
{%- elif message['role'] == 'user' %}{{- '[INST]' + message['content'] + '[/INST]' }}
{%- else %}{{- message['content'] + eos_token }}{%- endif %}
{%- endfor %}"""

HARMONY = """\
{{- '<|start|>system<|message|>You are a model.\\n\\nReasoning: medium<|end|>' }}
{%- for message in messages %}
{%- if message['role'] == 'assistant' %}
{%- if '<|channel|>analysis<|message|>' in message['content'] %}{{- raise_exception('no thoughts here') }}{%- endif %}
{{- '<|start|>assistant<|channel|>final<|message|>' + message['content'] + '<|end|>' }}
{%- else %}
{{- '<|start|>' + message['role'] + '<|message|>' + message['content'] + '<|end|>' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start|>assistant' }}{%- endif %}"""

DEEPSEEK31 = """\
{{- bos_token }}
{%- for message in messages %}
{%- if message['role'] == 'user' %}{{- '[U]' + message['content'] }}{%- endif %}
{%- if message['role'] == 'assistant' %}
{{- '[A]</think>' + message['content'].split('</think>')[-1] + eos_token }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '[A]' }}{%- if thinking is defined and thinking %}{{- '<think>' }}{%- else %}{{- '</think>' }}{%- endif %}
{%- endif %}"""


def _chatml(open: str, close: str, begin: str = "", *, tokens: bool = True) -> HFTokenizer:
    template = _CHATML.replace("CLOSE", close).replace("BEGIN", begin.replace("\n", "\\n"))
    return wrap(byte_level(_IM, (open, close) if tokens else ()), template, eos="<|im_end|>")


def qwen3_latest() -> HFTokenizer:
    """Qwen3 with the template that puts an empty thought into the last answer."""
    return wrap(byte_level(_IM, ("<think>", "</think>")), QWEN3_LATEST, eos="<|im_end|>")


def qwq() -> HFTokenizer:
    """QwQ: ChatML whose template opens the thought."""
    return _chatml("<think>", "</think>", "<think>\n")


def exaone() -> HFTokenizer:
    """EXAONE Deep."""
    return _chatml("<thought>", "</thought>", "<thought>\n")


def reasoning() -> HFTokenizer:
    """A model tuned to write <reasoning>, which is ordinary text to its tokenizer."""
    return _chatml("<reasoning>", "</reasoning>", tokens=False)


def magistral() -> HFTokenizer:
    """Magistral: its marks are special tokens, which no text shows."""
    specials = ("<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[THINK]", "[/THINK]")
    return wrap(byte_level(specials), MAGISTRAL, bos="<s>", eos="</s>")


def gpt_oss() -> HFTokenizer:
    """gpt-oss: channels instead of marks (harmony)."""
    specials = ("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|return|>")
    return wrap(byte_level(specials), HARMONY, eos="<|return|>")


def deepseek31() -> HFTokenizer:
    """DeepSeek V3.1: does not think unless it is told to, and says so by the closing mark alone."""
    return wrap(byte_level(("<s>", "</s>", "[U]", "[A]"), ("<think>", "</think>")), DEEPSEEK31, bos="<s>", eos="</s>")


@dataclass(frozen=True)
class Family:
    """What a model of a family writes around its thought, and where its turn begins.

    Attributes:
        turn: what the template writes where the model's turn begins.
        open, close: what the model itself writes; `open` is "" where the template does.
        nothing: what stands in place of a thought that is switched off.
        forced: what closes a thought by force.
    """

    make: Callable[[], HFTokenizer]
    turn: str
    open: str
    close: str
    nothing: str
    forced: str

    def begun(self, prompt: str) -> str:
        """What stands in a prompt behind where the model's last turn begins; what closes a thought is no new turn."""
        return prompt.replace(self.forced, "\0").rpartition(self.turn)[2].replace("\0", self.forced)


_IM_TURN = "<|im_start|>assistant\n"
_EMPTY, _FORCED = "<think>\n\n</think>\n\n", "\n</think>\n\n"
_FINAL = "<|channel|>final<|message|>"

FAMILIES = {
    "qwen3": Family(qwen3, _IM_TURN, "<think>\n", _FORCED, _EMPTY, _FORCED),
    "qwen3_latest": Family(qwen3_latest, _IM_TURN, "<think>\n", _FORCED, _EMPTY, _FORCED),
    "r1": Family(r1, "<｜Assistant｜><think>\n", "", _FORCED, "\n</think>\n\n", _FORCED),  # noqa: RUF001
    "qwq": Family(qwq, _IM_TURN + "<think>\n", "", _FORCED, "\n</think>\n\n", _FORCED),
    "magistral": Family(magistral, "[/INST]", "[THINK]", "[/THINK]", "[THINK][/THINK]", "[/THINK]"),
    "gpt_oss": Family(
        gpt_oss,
        "<|start|>assistant",
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant" + _FINAL,
        _FINAL,
        "<|end|><|start|>assistant" + _FINAL,
    ),
    "exaone": Family(exaone, _IM_TURN + "<thought>\n", "", "\n</thought>\n\n", "\n</thought>\n\n", "\n</thought>\n\n"),
    "reasoning": Family(
        reasoning,
        _IM_TURN,
        "<reasoning>\n",
        "\n</reasoning>\n\n",
        "<reasoning>\n\n</reasoning>\n\n",
        "\n</reasoning>\n\n",
    ),
}


@dataclass
class Thinker:
    """A fake model of a family: it writes one thought and then one answer.

    Attributes:
        thought: None has it answer at once.
        answers: by the end of the prompt, which is where the answer begins: its first words, or "".
        asked: every prompt that it was asked, in order.
    """

    family: Family
    thought: str | None
    answers: Mapping[str, Mapping[str, float]]
    asked: list[str] = field(default_factory=list)

    def __call__(self, prompt: str) -> dict[str, float]:
        """What it writes after a prompt."""
        tail = self.family.begun(prompt)
        answer = dict(self.answers[""])
        if not tail:
            if self.thought is None:
                return answer
            first = max(answer, key=answer.__getitem__)
            return {self.family.open + self.thought + self.family.close + first: 1.0}
        behind = next((tail.rpartition(m)[2] for m in (self.family.forced, self.family.nothing) if m in tail), tail)
        if behind not in self.answers and any(key and behind.startswith(key) for key in self.answers):
            return {"?": 1.0}  # behind words that it never says
        return dict(self.answers[behind])


def thinking_subject(thinker: Thinker, seed: int = 0, **settings: object) -> Subject:
    """A subject whose model is such a one.

    Args:
        settings: of `Thinking`.
    """
    engine = FakeEngine(thinker, tokenizer=thinker.family.make())
    answer = engine.answer

    async def noted(call):  # type: ignore[no-untyped-def]
        thinker.asked.append(engine.tokenizer.decode(call.prompt))
        return await answer(call)

    engine.answer = noted  # type: ignore[method-assign]
    model = Model(source="fake", thinking=Thinking(**settings))  # type: ignore[arg-type]
    store = Store(Path(tempfile.mkdtemp()))
    return Subject(engine, model.renderer(engine.tokenizer, engine.context), store, seed)
