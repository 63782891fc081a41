"""Broken files of a model folder are one line that names the file; broken templates hurt only those who use them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from harness import Prompt
from harness.errors import HarnessError, ItemError
from harness.models.model import Model
from harness.prompting import trial
from tests.support.tiny_models import save_tiny

BROKEN = [
    "[]",
    "1",
    "null",
    "",
    "{",
    '"x"',
    "[" * 5000 + "]" * 5000,
    "\x00",
    "version https://git-lfs.github.com/spec/v1",
]
NAMES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny") / "llama", "llama")


def copied(folder: Path, to: Path, name: str, text: str) -> Model:
    to.mkdir()
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    (to / name).write_text(text)
    return Model(source=str(to))


def configured(folder: Path, to: Path, **settings: Any) -> Model:
    config = json.loads((folder / "tokenizer_config.json").read_text())
    return copied(folder, to, "tokenizer_config.json", json.dumps({**config, **settings}))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_holds_no_object_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    for i, text in enumerate(BROKEN):
        model = copied(folder, tmp_path / str(i), name, text)
        for load in (model.resolve, model.tokenizer):
            with pytest.raises(HarnessError, match=rf"{i}/{name} is (damaged|a Git LFS pointer)") as raised:
                load()
            assert "\n" not in str(raised.value)


def test_a_tokenizer_without_a_vocabulary_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"tokenizer\.json: it lacks the key 'model'"):
        copied(folder, tmp_path / "m", "tokenizer.json", "{}").tokenizer()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tokenizer_class": 1}, "tokenizer_class is '1'"),
        ({"chat_template": 5}, "chat_template is '5', neither a text"),
        ({"chat_template": [1]}, "chat_template is .*, neither a text nor a list of named ones"),
        ({"chat_template": [{"name": "default"}]}, ".*neither a text nor a list of named ones"),
        ({"bos_token": 1}, "bos_token is '1'"),
        ({"model_max_length": "x"}, "model_max_length is 'x'"),
        ({"added_tokens_decoder": []}, "added_tokens_decoder is"),
    ],
)
def test_a_setting_of_another_type_is_named(
    folder: Path, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(HarnessError, match=rf"tokenizer_config\.json: {message}"):
        configured(folder, tmp_path / "m", **settings).tokenizer()


@pytest.mark.parametrize(
    "settings", [{"auto_map": 5}, {"added_tokens_decoder": {"x": {}}}, {"extra_special_tokens": 5}]
)
def test_what_only_the_library_refuses_names_the_folder(folder: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(HarnessError, match=r"the tokenizer in .*/m cannot be loaded: ") as raised:
        configured(folder, tmp_path / "m", **settings).tokenizer()
    assert "\n" not in str(raised.value)


def test_what_is_legal_passes(folder: Path, tmp_path: Path) -> None:
    settings = {"add_bos_token": False, "model_max_length": 1e30, "pad_token": None, "tokenizer_class": None}
    assert configured(folder, tmp_path / "m", **settings).tokenizer().encode("a")
    infinite = copied(folder, tmp_path / "n", "generation_config.json", '{"x": [0.0, Infinity]}')
    infinite.resolve()


@pytest.mark.parametrize(
    "template", ["{% for m in messages %}{{m.role}", "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}"]
)
def test_a_broken_template_hurts_chat_and_not_plain_text(folder: Path, tmp_path: Path, template: str) -> None:
    model = configured(folder, tmp_path / "m", chat_template=template)
    with pytest.raises(HarnessError, match=r"chat template of .*/m is no valid template: .*set model\.style=plain"):
        model.renderer(model.tokenizer(), 512)
    plain = Model(source=model.source, style="plain")
    assert plain.renderer(plain.tokenizer(), 512).render(Prompt.user("hi")).ids


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 4000000000 }}",
        "{% set ns = namespace(t='x') %}{% for i in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t }}",
        "{{ 'x' * 20000000 }}",
    ],
    ids=["endless", "memory", "doubling", "long"],
)
def test_a_template_that_never_ends_is_refused(
    folder: Path, tmp_path: Path, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(trial.MOST, "seconds", 2)
    model = configured(folder, tmp_path / "m", chat_template=template)
    begin = time.perf_counter()
    with pytest.raises(HarnessError, match=r"chat template does not end within .*set model\.style=plain"):
        model.renderer(model.tokenizer(), 512)
    assert time.perf_counter() - begin < 60


def test_a_text_that_the_tokenizer_cannot_write_fails_its_item(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ItemError, match=r"the tokenizer cannot write .* in tokens"):
        Model(source=str(folder)).tokenizer().encode("\ud800")
    content = json.loads((folder / "tokenizer.json").read_text())
    content["model"]["unk_token"] = "<none>"
    model = copied(folder, tmp_path / "m", "tokenizer.json", json.dumps(content))
    with pytest.raises(ItemError, match="UNK"):
        model.tokenizer().encode("\u4e2d")
