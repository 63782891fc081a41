"""Which words are credentials, wherever they stand, and which only look like some."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.config import load_job
from harness.redaction import keep_secret, known_struck, struck, without_secrets, words_replaced

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
        "HF_TOKEN: not set; set it", "the passwords:\n  are none", "password_file: a b c",
        "image repo:tag@sha256:0123456789abcdef", "org/name@main", "10:30@home", "scikit-learn sk-learn-extra",
        "hf_transformers hf_hub_download", "a password: wrong", "the bearer of bad news",
        "task-based-evaluation-2026-11", "export OPENAI_API_KEY=$MY_KEY", "model.template.api_key=${oc.env:MY_KEY}",
        "P(True) beats 0.5: supported",
    ],
)  # fmt: skip
def test_a_text_that_only_looks_like_one_stays(text: str) -> None:
    assert struck(text) == text
    assert without_secrets({"a": [text]}) == {"a": [text]}


SPELLINGS = [
    "+x.env=[{name: HF_TOKEN, value: pl4nted}, {name: A, value: b}]",
    '{"env": [{"key": "HF_TOKEN", "value": "pl4nted"}]}',
    "EnvVar(name='HF_TOKEN', value='pl4nted')",
    "curl -H 'X-Api-Key: pl4nted-1' http://h",
    'curl -H "X-Auth-Token: pl4nted-1" http://h',
    "curl -H'api-key: pl4nted-1'",
    'curl -u me:pl4nted-1 http://h',
    'curl --user me:pl4nted-1 http://h',
    '"{\\"api_key\\": \\"pl4nted-1\\", \\"n\\": 1}"',
    'body="{\\"password\\":\\"pl4nted-1\\"}"',
    '{\\\\\\"api_key\\\\\\": \\\\\\"pl4nted-1\\\\\\"}',
    "headers=[('X-Api-Key', 'pl4nted-1')]",
    "[(b'x-api-key', b'pl4nted-1'), (b'accept', b'*/*')]",
    "b'X-Api-Key: pl4nted-1\\r\\nAccept: */*'",
    'Server(api_key="pl4n\'pl4nted-1", n=1)',
    'password : pl4nted-1',
    'set -x OPENAI_API_KEY pl4nted-1',
    'setenv HF_TOKEN pl4nted-1',
    "$env:HF_TOKEN = 'pl4nted-1'",
    '<apiKey>pl4nted-1</apiKey>',
    'https://h/cb#access_token=pl4nted-1&x=1',
    'https://pl4nted-token@github.com/a/b.git',
    'redis://:pl4nted-1@h:6379/0',
    'SharedAccessSignature=pl4nted-1',
    'https://b.s3.amazonaws.com/k?X-Amz-Credential=a%2Fx&X-Amz-Signature=pl4nted01&X-Amz-Security-Token=pl4nted-2',
    'https://s/x?X-Goog-Signature=pl4nted0123',
    'https://hooks.slack.com/services/T0AAAA/B0BBBB/pl4ntedXXXXXXXX',
    'https://discord.com/api/webhooks/123456/pl4nted-XXXXXXXX',
    'authorization bearer pl4nted-1-long-enough',
    'Authorization: ApiKey pl4nted-1',
    'Authorization: AWS4-HMAC-SHA256 Credential=pl4nted/1, SignedHeaders=h, Signature=pl4nted20123456789',
    'Authorization: Negotiate pl4nted=',
    'sent header Basic cGw0bnRlZDpwbDRudGVk',
    'Cookie: session=pl4nted-1; theme=dark',
    'Set-Cookie: sid=pl4nted-1; Path=/',
    "{'Cookie': 'a=pl4nted-1; b=pl4nted-2'}",
    "cookies={'session': 'pl4nted-1'}",
    'SG.pl4ntedAAAAAAAAAAAAAA1.pl4ntedBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB1',
    'wandb_v1_pl4ntedAAAABBBBCCCCDDDDEEEEFFFF0000',
    'dapi0123456789abcdef0123456789abcdef',
    'hvs.CAESIpl4ntedAAAABBBBCCCCDDDD0',
    'dckr_pat_pl4ntedAAAABBBBCCCC0',
    'rpa_PL4NTEDAAAABBBBCCCCDDDD0000',
    'GOCSPX-pl4ntedAAAABBBBCCCC0',
    'csk-pl4ntedaaaabbbbcccc0',
    'fw_pl4ntedAAAABBBBCCCC0000',
    'tvly-dev-pl4ntedAAAABBBBCCCC00',
    'shpat_0123456789abcdef0123456789abcdef',
    'lin_api_pl4ntedAAAABBBBCCCC0',
    'bot4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac60qcM',
    '-----BEGIN PGP PRIVATE KEY BLOCK-----\npl4nted\n-----END PGP PRIVATE KEY BLOCK-----',
    '"private_key": "-----BEGIN PRIVATE KEY-----\\npl4nted\\n-----END PRIVATE KEY-----\\n"',
    'AGE-SECRET-KEY-1PL4NTEDQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ',
    'eyJhbGciOiJSU0EtT0FFUCJ9.pl4ntedAAAA.pl4ntedBBBB.pl4ntedCCCC.pl4ntedDDDD',
    'machine huggingface.co login me password pl4nted-1',
    'aws configure set aws_secret_access_key pl4nted-1',
    'api_key: |\n  pl4nted-1\nn: 1',
    'api_key: pl4nted-1 # mine',
    'api_key: &k pl4nted-1',
    'password: pl4nted horse battery',
    "engine.x={ 'api_key' : 'pl4nted-1' }",
    'engine.x={a: {b: {api_key: pl4nted-1}}, c: [ {token: pl4nted-2} ]}',
    'engine.api_keys=[pl4nted-1,pl4nted-2]',
    '{"api key": "pl4nted-1"}',
    'Incorrect API key provided: pl4nted-0123456789',
    ":api_key => 'pl4nted-1'",
    '{APIKey:pl4nted-1 Host:x}',
    'https://h/?a=1&amp;token=pl4nted-1&amp;b=2',
    '> POST /v1\n> X-Api-Key: pl4nted-1\n> Accept: */*',
    'DEBUG:httpx:headers X-Api-Key: pl4nted-1',
    'password: correct horse pl4nted staple',
    '- passphrase: one two pl4nted',
    'db_password = one pl4nted two',
    'db:\n  password: my pl4nted phrase # mine\n  n: 1',
    'password: &p one pl4nted two',
    'password: the first line\n  pl4nted second\nn: 1',
    'private_key: |2-\n    a\n    pl4nted\nn: 1',
    'api_key: !!str pl4nted-1',
    "os.environ['HF_TOKEN'] = 'pl4nted'",
    '<add key="ApiKey" value="pl4nted1" />',
    'Authorization: Digest username="u", response="pl4nted1"',
    'X-Amz-Security-Token=pl4nted1%2F&x=1',
]  # fmt: skip
"""Credentials in commands, messages, logs and files of many kinds; each has a piece of `PLANTED` in it."""

PLANTED = re.compile("pl4n|pl4nted|PL4NT|AAFD39|dapi0123|cGw0bnRl|shpat_0123")


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_credential_is_struck_however_it_is_spelt(text: str) -> None:
    assert PLANTED.search(text)
    assert not PLANTED.search(struck(text))
    assert not PLANTED.search(json.dumps(without_secrets({"line": [text]})))
    assert struck(struck(text)) == struck(text)


@pytest.mark.parametrize(
    "value",
    [
        {"headers": [["X-Api-Key", "pl4nted-1"]]}, {"env": [{"name": "HF_TOKEN", "value": "pl4nted-1"}]},
        {"env": [{"key": "HF_TOKEN", "value": "pl4nted"}]}, {"api_keys": {"pl4nted-1"}},
        {"tokens": frozenset({"pl4nted-1"})}, {"headers": ["X-Api-Key: pl4nted-1"]}, {"password": [["pl4nted"]]},
        {"extra": '{"X-Api-Key": "pl4nted"}'}, {"api_key=pl4nted-1": 1},
    ],
)  # fmt: skip
def test_a_value_whose_name_stands_beside_it_is_struck(value: Any) -> None:
    assert "pl4nted" not in repr(without_secrets(value))


def test_a_pair_of_words_is_no_name_and_value() -> None:
    given = {"columns": ["password", "question"], "pair": ["token", "layer-12"], "row": {"name": "key", "value": "x1"}}
    assert without_secrets(given) == given


def test_numbers_count_tokens_but_may_be_passwords() -> None:
    given = {"tokens": 512, "token": 3, "tokens_seen": [1, 2], "password": 4815162342, "api_key": 7, "per_token": True}
    assert without_secrets(given) == {**given, "password": "***", "api_key": "***"}


def test_the_environments_credentials_are_struck_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "MY_SERVICE_PASSWORD": "horse-battery", "A_TOKEN": "EMPTY", "B_KEY": "prompt", "PWD": "/home/ann",
        "SSH_KEY": str(ROOT), "C_SECRET": "4815 1623 42", "D_TOKEN": "first-line-99\nsecond-line-99",
        "API_KEY_OF_LAB": "lab-horse", "SECRET_THING": "thing-horse", "TOKEN_PATH": "/no/such-horse",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    text = f"EMPTY prompt /home/ann {ROOT}: horse-battery, 4815 1623 42! second-line-99; horse-batteryless"
    left = f"EMPTY prompt /home/ann {ROOT}: ***, ***! ***; horse-batteryless"
    assert known_struck("lab-horse thing-horse at /no/such-horse") == "*** *** at /no/such-horse"
    assert struck(text) == known_struck(text) == left
    assert without_secrets({"x": "a horse-battery"}) == {"x": "a ***"}


def test_they_are_struck_as_json_and_addresses_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVICE_PASSWORD", 'horse/"battery"\\é 1')
    assert struck(r'{"x": "horse/\"battery\"\\\u00e9 1"} at /v1/horse%2F%22battery%22%5C%C3%A9%201/x') == (
        '{"x": "***"} at /v1/***/x'
    )


def test_one_that_the_process_was_told_is_struck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.redaction._told", set())
    assert struck("it said horse-battery") == "it said horse-battery"
    keep_secret("horse-battery")
    assert struck("it said horse-battery") == known_struck("it said horse-battery") == "it said ***"


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
