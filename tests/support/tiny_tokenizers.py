# ruff: noqa: RUF001  (the bars in DeepSeek's special tokens are full-width)
"""Tokenizers of a few hundred tokens, with the special tokens and chat templates of real families.

The templates are written for these tests from the formats that the model cards publish, without the parts for tools.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from harness.prompting.tokens import HFTokenizer

LINES = (
    "The quick brown fox jumps over the lazy dog. The answer is (A) True or (B) False.",
    "Question: What is the capital of France?\nAnswer: Paris is the capital of France.\n\n",
    "Is the proposed answer:\n (A) True\n (B) False\nThe proposed answer is: (A)",
    "système naïve café, 東京 is in 日本. 🙂 1234567890 2 + 2 = 4; it's a user's system.",
    "You are a helpful assistant. Be brief. Where does Ann think the marble is? In the box.",
) * 4

CHATML = """\
{%- for message in messages %}
{%- if loop.first and message['role'] != 'system' and default_system %}
{{- '<|im_start|>system\\n' + default_system + '<|im_end|>\\n' }}
{%- endif %}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""
"""ChatML; SmolLM2 and Qwen2.5 write it with a default system message."""

QWEN = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."

QWEN3 = """\
{%- set ns = namespace(last_query=-1) %}
{%- for message in messages %}
{%- if message.role == 'user' %}{%- set ns.last_query = loop.index0 %}{%- endif %}
{%- endfor %}
{%- for message in messages %}
{%- set content = message.content %}
{%- if message.role == 'assistant' %}
{%- if '</think>' in content and loop.index0 < ns.last_query %}
{%- set content = content.split('</think>')[-1].lstrip('\\n') %}
{%- endif %}
{%- endif %}
{{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}"""

R1 = """\
{{- bos_token }}
{%- for message in messages %}
{%- if message['role'] == 'system' %}{{- message['content'] }}{%- endif %}
{%- if message['role'] == 'user' %}{{- '<｜User｜>' + message['content'] }}{%- endif %}
{%- if message['role'] == 'assistant' %}
{%- set content = message['content'] %}
{%- if '</think>' in content %}{%- set content = content.split('</think>')[-1] %}{%- endif %}
{{- '<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<｜Assistant｜><think>\\n' }}{%- endif %}"""
"""DeepSeek-R1: every turn of the model begins with an open thinking block."""

LLAMA3 = """\
{{- bos_token }}
{%- for message in messages %}
{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}"""

_LLAMA31_BODY = """\
{%- if messages[0]['role'] == 'system' %}
{%- set system_message = messages[0]['content'] | trim %}
{%- set messages = messages[1:] %}
{%- else %}
{%- set system_message = '' %}
{%- endif %}
{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' }}
{{- 'Cutting Knowledge Date: December 2023\\n' }}
{{- 'Today Date: ' + date_string + '\\n\\n' }}
{{- system_message }}
{{- '<|eot_id|>' }}
{%- for message in messages %}
{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}"""

LLAMA31 = (
    "{{- bos_token }}{%- if not date_string is defined %}{%- set date_string = '26 Jul 2024' %}{%- endif %}"
    + _LLAMA31_BODY
)
LLAMA32 = (
    "{{- bos_token }}{%- if not date_string is defined %}{%- if strftime_now is defined %}"
    "{%- set date_string = strftime_now('%d %b %Y') %}{%- else %}{%- set date_string = '26 Jul 2024' %}{%- endif %}"
    "{%- endif %}" + _LLAMA31_BODY
)

GEMMA = """\
{{- bos_token }}
{%- if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{%- endif %}
{%- for message in messages %}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{%- endif %}
{%- set role = 'model' if message['role'] == 'assistant' else message['role'] %}
{{- '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<start_of_turn>model\\n' }}{%- endif %}"""

MISTRAL = """\
{%- if messages[0]['role'] == 'system' %}
{%- set system_message = messages[0]['content'] %}
{%- set loop_messages = messages[1:] %}
{%- else %}
{%- set loop_messages = messages %}
{%- endif %}
{{- bos_token }}
{%- for message in loop_messages %}
{%- if message['role'] == 'user' %}
{%- if loop.last and system_message is defined %}
{{- '[INST] ' + system_message + '\\n\\n' + message['content'] + '[/INST]' }}
{%- else %}
{{- '[INST] ' + message['content'] + '[/INST]' }}
{%- endif %}
{%- else %}
{{- ' ' + message['content'] | trim + eos_token }}
{%- endif %}
{%- endfor %}"""
"""Mistral 7B Instruct v0.3: the system message stands before the last user message, wherever that is."""

MISTRAL1 = """\
{{- bos_token }}
{%- for message in messages %}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{%- endif %}
{%- if message['role'] == 'user' %}{{- '[INST] ' + message['content'] + ' [/INST]' }}
{%- else %}{{- message['content'] + eos_token }}{%- endif %}
{%- endfor %}"""
"""Mistral 7B Instruct v0.1: no system role, and [INST] is plain text to its tokenizer."""

_IM = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
_LLAMA = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|end_of_text|>")


def chatml(default_system: str = "") -> HFTokenizer:
    """ChatML, byte-level, without a BOS token; with a default system message it is Qwen2.5 or SmolLM2."""
    template = f"{{%- set default_system = {default_system!r} %}}" + CHATML
    return wrap(byte_level(_IM), template, eos="<|im_end|>")


def qwen3() -> HFTokenizer:
    """ChatML with thinking that can be switched; <think> is one token, and not a special one."""
    return wrap(byte_level(_IM, ("<think>", "</think>")), QWEN3, eos="<|im_end|>")


def r1() -> HFTokenizer:
    """DeepSeek-R1."""
    bos, eos = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
    specials = (bos, eos, "<｜User｜>", "<｜Assistant｜>")
    return wrap(byte_level(specials, ("<think>", "</think>")), R1, bos=bos, eos=eos)


def llama3(template: str = LLAMA3) -> HFTokenizer:
    """Llama 3, byte-level, BOS written by the template and added by the tokenizer."""
    return wrap(byte_level(_LLAMA), template, bos="<|begin_of_text|>", eos="<|eot_id|>")


def gemma() -> HFTokenizer:
    """Gemma, SentencePiece without a space in front; its template has no system role."""
    specials = ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>")
    return wrap(_metaspace(specials, "never"), GEMMA, bos="<bos>", eos="<eos>")


def mistral() -> HFTokenizer:
    """Mistral v0.3, SentencePiece; [INST] is a special token."""
    return wrap(_metaspace(("<s>", "</s>", "[INST]", "[/INST]"), "first"), MISTRAL, bos="<s>", eos="</s>")


def mistral1() -> HFTokenizer:
    """Mistral v0.1, SentencePiece with a space in front of every piece of text, also behind a special token."""
    return wrap(_metaspace(("<s>", "</s>"), "always"), MISTRAL1, bos="<s>", eos="</s>")


def base(bos: bool) -> HFTokenizer:
    """A base model: byte-level without BOS (GPT-2), or SentencePiece with one (Llama 2)."""
    if bos:
        return wrap(_metaspace(("<s>", "</s>"), "first"), None, bos="<s>", eos="</s>")
    return wrap(byte_level(("<|endoftext|>",)), None, eos="<|endoftext|>")


def wrap(tokenizer: Any, template: str | None, *, eos: str, bos: str | None = None) -> HFTokenizer:
    """A tokenizer with a chat template, as the harness takes it."""
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    if bos is not None:
        tokenizer.post_processor = TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=bos, eos_token=eos)
    fast.chat_template = template
    return HFTokenizer(fast)


def byte_level(specials: Sequence[str], added: Sequence[str] = ()) -> Any:
    """A byte-level tokenizer with special tokens, and others that are added without being special."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    # The split of Llama 3 and Qwen: a line break sticks to the punctuation before it.
    words = Regex(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+"
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in specials])
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in added])
    return tokenizer


def _metaspace(specials: Sequence[str], prepend: str) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    letters = [chr(code) for code in range(33, 127)] + ["▁", "\n"]
    spaces = pre_tokenizers.Metaspace(prepend_scheme=prepend, split=True)
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = spaces
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=letters, limit_alphabet=len(letters), show_progress=False
    )
    trained.train_from_iterator(LINES, trainer)
    learnt = json.loads(trained.to_str())["model"]
    # What is no letter of the vocabulary becomes the tokens of its bytes.
    vocab = learnt["vocab"] | {f"<0x{byte:02X}>": len(learnt["vocab"]) + byte for byte in range(256)}
    merges = [(left, right) for left, right in learnt["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, byte_fallback=True))
    tokenizer.pre_tokenizer = spaces
    strip = [decoders.Strip(" ", 1, 0)] if prepend != "never" else []
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in specials])
    return tokenizer
