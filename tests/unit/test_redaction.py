"""Which words are credentials, wherever they stand, and which only look like some."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.config import load_job
from harness.redaction import known_struck, struck, without_secrets, words_replaced

ROOT = Path(__file__).parents[2]

NAMES = [
    "api_key", "apiKey", "API_KEY", "x-api-key", "apikey", "access_key_id", "aws_secret_access_key", "SecretKey",
    "private_key", "hfToken", "hf_token", "HF_TOKEN", "auth_token", "authtoken", "access_token", "refreshToken",
    "github_pat", "pat", "Authorization", "Proxy-Authorization", "bearer", "auth", "oauth", "password",
    "db_password", "dbpassword", "passwd", "PWD_DB_PWD", "passphrase", "secret", "client_secret", "clientSecret",
    "secrets", "credential", "credentials", "api_key2", "Cookie", "jwt", "engine.headers.Authorization",
    "credentials.user", "model.template.api_key",
]  # fmt: skip
HARMLESS = [
    "max_tokens", "think_tokens", "tokens_a_reply", "new_tokens", "pad_token", "eos_token", "bos_token",
    "stop_token", "special_tokens", "tokenizer", "tokenizer_class", "key_env", "api_key_env", "token_file",
    "answer_key", "question_key", "sort_key", "password_file", "secretary", "keyboard", "author", "path",
    "pattern", "authors", "compatible", "monkey",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_value_under_a_name_that_says_so_is_struck(name: str) -> None:
    for value in ("hush", "Hush-4815 and more", ["hush", "more"], {"any": "hush"}):
        assert "ush" not in json.dumps(without_secrets({"a": [{name: value}]})), value
    assert without_secrets([f"+{name}=hush", f"{name}='hush hush'"]) == [f"+{name}=***", f"{name}='***'"]
    assert without_secrets([f"--{name}", "hush"]) == [f"--{name}", "***"]
    assert without_secrets(f"x={{a: 1, {name}: hush, b: 2}}") == f"x={{a: 1, {name}: ***, b: 2}}"


@pytest.mark.parametrize("name", HARMLESS)
def test_a_value_under_another_name_stays(name: str) -> None:
    for value in ("hush", "column_2", 512, True, None, "<pad>", ["a", "b"]):
        assert without_secrets({name: value}) == {name: value}
    assert without_secrets([f"{name}=hush", f"--{name}", "hush"]) == [f"{name}=hush", f"--{name}", "hush"]


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("hub hf_QwErTyUiOpAsDfGh1 end", "hub *** end"),
        ("sk-proj-0Zx9Cv8Bn7Mm, sk-ant-api03-QwErTy", "***, ***"),
        ("ghp_AAbbCCddEEffGG1122", "***"),
        ("(github_pat_11ABCDEFG0_abcdefghij)", "(***)"),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
        ("xoxb-4815162342-abcdef", "***"),
        ("it said Bearer abc123def", "it said Bearer ***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "***"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nend", "***\nend"),
        ("https://me:pa@ss@host/v1?key=abc&n=1", "https://***@host/v1?key=***&n=1"),
        ("engine.url=me:word@host:80 is no address", "engine.url=***@host:80 is no address"),
        ("https://h/v1?a=1&access_token=abc", "https://h/v1?a=1&access_token=***"),
        ("https://h/v1?sig=abc%2F&se=1", "https://h/v1?sig=***&se=1"),
        ("export HF_TOKEN=abc; module load x", "export HF_TOKEN=***; module load x"),
        ('["export A_KEY=\'a b\'","x"]', '["export A_KEY=\'a b\'","x"]'),
        ('["export MY_API_KEY=\'a b\'","x"]', '["export MY_API_KEY=\'***\'","x"]'),
        ("curl --api-key sk-2 --max-tokens 512", "curl --api-key *** --max-tokens 512"),
        ("curl -H 'Authorization: Basic abc='", "curl -H 'Authorization: Basic ***'"),
        ('{"api_key": "a b", "n": 1}', '{"api_key": "***", "n": 1}'),
        ("  api_key: abc\n  n: 1", "  api_key: ***\n  n: 1"),
        ("model.template.api_key=hush: a text is needed", "model.template.api_key=***: a text is needed"),
        ("a={x: {password: it's}}: mismatched input", "a={x: {password: ***}}: mismatched input"),
    ],
)
def test_a_text_is_struck_where_a_credential_stands(given: str, left: str) -> None:
    assert struck(given) == left
    assert struck(left) == left


@pytest.mark.parametrize(
    "text",
    [
        "tokens=512 max_tokens=4, think_tokens: 5", "tokens = self.tokens(text)", "cached_tokens: int = 0",
        "pad_token=<pad> eos_token='</s>'", "key=question", "keys = np.arange(3)", "sort_key=row_2",
        "sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "9f86d081884c7d659a2feaa0c55ad015",
        "image repo:tag@sha256:0123456789abcdef", "org/name@main", "10:30@home", "scikit-learn sk-learn-extra",
        "hf_transformers hf_hub_download", "a password: wrong", "the bearer of bad news",
        "task-based-evaluation-2026-11", "export OPENAI_API_KEY=$MY_KEY", "model.template.api_key=${oc.env:MY_KEY}",
        "P(True) beats 0.5: supported",
    ],
)  # fmt: skip
def test_a_text_that_only_looks_like_one_stays(text: str) -> None:
    assert struck(text) == text
    assert without_secrets({"a": [text]}) == {"a": [text]}


def test_numbers_count_tokens_but_may_be_passwords() -> None:
    given = {"tokens": 512, "token": 3, "tokens_seen": [1, 2], "password": 4815162342, "api_key": 7, "per_token": True}
    assert without_secrets(given) == {**given, "password": "***", "api_key": "***"}


def test_the_environments_credentials_are_struck_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "MY_SERVICE_PASSWORD": "horse-battery", "A_TOKEN": "EMPTY", "B_KEY": "prompt", "PWD": "/home/ann",
        "SSH_KEY": str(ROOT), "C_SECRET": "4815 1623 42", "D_TOKEN": "first-line-99\nsecond-line-99",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    text = f"EMPTY prompt /home/ann {ROOT}: horse-battery, 4815 1623 42! second-line-99; horse-batteryless"
    left = f"EMPTY prompt /home/ann {ROOT}: ***, ***! ***; horse-batteryless"
    assert struck(text) == known_struck(text) == left
    assert without_secrets({"x": "a horse-battery"}) == {"x": "a ***"}


def test_those_of_the_command_line_are_struck_anywhere_and_nothing_else_of_an_exact_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["run", "++model.template={api_key: pl4nted-a}", "engine.token=pl4nted-b", "--api-key", "pl4nted-c"]
    monkeypatch.setattr(sys, "argv", ["harness", *words])
    assert known_struck("pl4nted-a pl4nted-b, 'pl4nted-c' api_key=other") == "*** ***, '***' api_key=other"


def test_something_else_may_stand_for_a_credential() -> None:
    found: list[str] = []

    def named(secret: str) -> str:
        found.append(secret)
        return f"${{oc.env:N{len(found)}}}"

    word = words_replaced("a.x={api_key: 'pl 1', headers: {Authorization: Bearer pl-2}, n: 1}", named)
    assert word == "a.x={api_key: '${oc.env:N2}', headers: {Authorization: Bearer ${oc.env:N1}}, n: 1}"
    assert found == ["pl-2", "pl 1"]
    assert words_replaced(word, named) == word


@pytest.mark.parametrize("experiment", sorted(path.stem for path in (ROOT / "conf/experiment").glob("*.yaml")))
def test_a_config_without_credentials_is_written_as_it_is(experiment: str) -> None:
    """Or the run could not be made again from its manifest."""
    words = ["engine=fake", *(["task.run=runs/x"] if experiment == "secondOpinion" else [])]
    config: Any = load_job([f"experiment={experiment}", *words]).config
    assert json.dumps(without_secrets(config)) == json.dumps(config)


def test_the_pages_and_settings_of_the_repository_hold_none() -> None:
    files = [*ROOT.glob("docs/*.md"), *ROOT.glob("conf/**/*.yaml"), *ROOT.glob("experiments/**/*.py")]
    # SkyPilot's flag takes the name of a variable; a value would be struck there.
    lines = [
        (path.name, line.replace(" --secret HF_TOKEN", "")) for path in files for line in path.read_text().splitlines()
    ]
    changed = [f"{name}: {line}" for name, line in lines if struck(line) != line]
    assert [line for line in changed if "=..." not in line] == []
