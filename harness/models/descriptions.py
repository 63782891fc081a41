"""Checks the JSON files of a model folder before libraries read them, whose own errors name no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.files import json_of
from harness.models.hub import is_pointer

OBJECTS = (
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "tokenizer.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.json",
)
"""Files that hold one JSON object each."""


def check_descriptions(folder: Path) -> None:
    """Checks that the JSON files of a model folder hold what they must.

    Raises:
        HarnessError: one is no JSON, or holds something of another type; the message names the file and the key.
    """
    for file in (folder / name for name in OBJECTS):
        if file.is_file():
            content = _read(file)
            problems = _TOLD.get(file.name, lambda _: iter(()))(content)
            for problem in problems:
                raise HarnessError(f"{file}: {problem}; copy or download the file again")


def _read(file: Path) -> Mapping[str, Any]:
    import orjson

    try:
        text = file.read_bytes()
        if is_pointer(file):
            raise HarnessError(f"{file} is a Git LFS pointer, not the file itself; run `git lfs pull` in its folder")
        try:
            content = orjson.loads(text)
        except orjson.JSONDecodeError:
            content = json_of(text)  # Python's own reader takes Infinity, which some configs have
    except OSError as error:
        raise HarnessError(f"{file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise HarnessError(f"{file} is damaged: no JSON ({error}); copy or download it again") from error
    if not isinstance(content, dict):
        raise HarnessError(
            f"{file} is damaged: a JSON object is wanted, not {type(content).__name__}; copy or download it again"
        )
    return content


def _tokenizer(content: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(content.get("model"), dict):
        yield "it lacks the key 'model', which holds the vocabulary"


def _tokenizer_config(content: Mapping[str, Any]) -> Iterator[str]:
    kinds: dict[str, tuple[type, ...]] = {
        "tokenizer_class": (str,),
        "added_tokens_decoder": (dict,),
        "model_max_length": (int, float),
        **dict.fromkeys(("bos_token", "eos_token", "pad_token", "unk_token"), (str, dict)),
    }
    for name, kind in kinds.items():
        value = content.get(name)
        if value is not None and not isinstance(value, kind):
            yield f"{name} is {str(value)[:60]!r}"
    template = content.get("chat_template")
    if isinstance(template, list):
        named = all(isinstance(one, dict) and {"name", "template"} <= one.keys() for one in template)
        texts = [one["template"] for one in template] if named else [None]
    else:
        texts = list(template.values()) if isinstance(template, dict) else [template or ""]
    if not all(isinstance(text, str) for text in texts):
        yield f"chat_template is {str(template)[:60]!r}, neither a text nor a list of named ones"


def _chat_template(content: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(content.get("chat_template"), str):
        yield f"chat_template is {str(content.get('chat_template'))[:60]!r}, no text"


_TOLD = {
    "tokenizer.json": _tokenizer,
    "tokenizer_config.json": _tokenizer_config,
    "chat_template.json": _chat_template,
}
