"""Strikes credentials out of whatever is written down or printed: by the name that they stand under, and by their form.

A name says "credential" by its last words (`api_key`, `hfToken`, `Authorization`), wherever a name and a value stand
together: keys of a config, overrides, flags, shell lines, headers, query parameters. A form is one that providers give
their keys (`hf_...`, `sk-...`, JWTs). The present values of the environment's credentials and those of the command
line are known, and are struck anywhere.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

STRUCK = "***"

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORDS = re.compile(
    r"password|passwd|passphrase|passcode|pwd|secret|secrets|credential|credentials|creds|authorization|"
    r"authentication|auth|oauth|bearer|pat|pats|jwt|cookie|cookies|apikey|apikeys"
)
_JOINED = re.compile(r".+(password|passwd|passphrase|secret|apikey|accesskey|secretkey|privatekey|token)s?")
"""Last words of names that are written without a separator: dbpassword, hftoken."""
_SECRET_KEYS = re.compile(
    r"api|access|secret|private|auth|account|client|service|encryption|signing|ssh|subscription|deploy|master|"
    r"app|security|hf|openai|anthropic|wandb|azure"
)
"""Words before "key" that name a credential whatever its value; for other keys the value decides."""
_OWNERS = re.compile(
    rf"{_SECRET_KEYS.pattern}|hub|github|gitlab|slack|bot|bearer|session|refresh|write|read|personal|id"
)
"""Words before "token" or "key" that name a credential, also in a sentence."""
_TOKENS = re.compile(
    r"pad|eos|bos|unk|sep|cls|mask|stop|special|added|additional|max|min|num|new|n|per|think|thinking|thought|"
    r"prompt|completion|input|output|generated|start|end|begin|first|last|next|prev|total|image|video|audio|"
    r"ignore|forced|decoder|text|cut|extra|answer|option|choice|number|of"
)
"""Words before "token" that name a part of a text, or a count."""
_COLUMNS = re.compile(
    r"answer|question|primary|foreign|sort|cache|store|group|partition|row|item|column|dict|data|metric|json|"
    r"field|index|public|call|label|context|gold|id|choices"
)
"""Words before "key" that name a column or an entry."""

_NO_CREDENTIAL = ("null", "none", "true", "false", "bearer", "basic", "digest")
"""Values that mean no value, and words before one in a header."""

_QUOTE = r"\\*[\"']"
"""A quote; with backslashes before it where JSON stands within JSON."""

_QUOTED = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\\+\"[^\"\\]*\\+\""
_VALUE = rf"b?(?:{_QUOTED})|\{{[^}}]*\}}|\[[^\]]*\]|[^\s,;&|)\]}}]+"
_NAME = r"[A-Za-z_][\w.\-/@]*"

_OPAQUE = re.compile(r"(?=\D*\d)[\w+/=~-]{6,}")
"""Forms of credentials that no word, number of tokens or piece of code has."""

_KEYS_OF_PROVIDERS = (
    r"hf_(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{10,}"
    r"|(?:c?sk|rk)[-_](?=[\w-]*[0-9A-Z])[\w-]{12,}"
    r"|(?:gh[pousr]|github_pat|glpat|gsk|npm|r8|nvapi|dop_v1|tgp_v1|pypi|xai|pplx|tvly|dckr_pat|GOCSPX)"
    r"[-_](?=[\w-]*[0-9A-Z])[\w-]{14,}"
    r"|(?:wandb_v\d|fw|rpa|shp[a-z]{2}|lin_api|whsec)_(?=[A-Za-z]*\d)[A-Za-z0-9]{16,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{12,}"
    r"|AIza[\w-]{30,}|ya29\.[\w-]{20,}|xox[a-z]-[A-Za-z0-9-]{8,}|dapi[0-9a-f]{32}|hv[sb]\.[\w-]{20,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|AGE-SECRET-KEY-1[0-9A-Z]{20,}|(?:bot)?\d{8,10}:AA[\w-]{30,}"
    r"|eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*){0,3}"
    r"|(?<=wandb login )[0-9a-f]{40}\b"
    r"|(?<=hooks\.slack\.com/)[\w/-]{20,}|(?<=discord\.com/api/webhooks/)[\w/-]{16,}"
)
_PRIVATE_KEY = r"PRIVATE KEY(?: BLOCK)?-----"
_FORMS = re.compile(
    rf"-----BEGIN [A-Z ]*{_PRIVATE_KEY}.*?(?:-----END [A-Z ]*{_PRIVATE_KEY}|\Z)"
    rf"|(?<![A-Za-z0-9])(?:{_KEYS_OF_PROVIDERS})",
    re.DOTALL,
)
_BEARER = re.compile(
    r"(\b[Bb]earer\s+)((?=[^\s'\"]*\d|[^\s'\"]{20})[\w.~+/=-]{4,})"
    r"|(\b[Bb]asic\s+)((?=[A-Za-z+/]*\d)(?=[a-z0-9+/]*[A-Z])[\w+/]{12,}={0,2})"
)
_WORD_OF_HEADER = r"[^\s,;'\"\\)\]}]+"
_HEADER = re.compile(
    rf"((?<![\w-])(?:(?:proxy-)?authorization|(?:set-)?(cookie)){_QUOTE}?\s*[:=,]\s*(?:[bf]?{_QUOTE})?"
    r"(?:(?:bearer|basic|token|negotiate|apikey)\s+)?)"
    rf"((?(2)[^\n'\"\\,}}\]]+|(?:Digest [^\n]+|{_WORD_OF_HEADER}(?:[ \t]+{_WORD_OF_HEADER})?)))",
    re.IGNORECASE,
)
_USER = re.compile(
    r"(://)([^/\s]+)(?=@)|(?<![\w/@.])([A-Za-z_][\w.+~-]*:[^\s:/@'\"]+)(?=@(?!sha256:)[\w\[])"
    r"|((?<=-u )|(?<=--user[ =]))([^\s:'\"]+:[^\s'\"]+)"
)
_QUERY = re.compile(rf"([?&;#]({_NAME})=)([^&;\s#'\"]+)")

_PAIRS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        # Of all credentials, only a password may have several words. A key before a colon may begin a message.
        r"^([ \t>*-]*([\w-]*(?i:passw\w*|passphrase|pwd))[\"']?[ \t]*[:=][ \t]+(?:[&!][\w!]+[ \t]+)*)"
        r"(\w\S*(?:[ \t].*?)?(?:\n[ \t]+[^\s:=-]+(?: [^\s:=]+)*$)*)(?=(?:[ \t]+#.*)?\r?$)",
        rf"(?<!\S)(--?([A-Za-z][\w-]*)[ =])({_VALUE})",
        rf"(?<![\w.])(({_NAME})(?:{_QUOTE}\])?\s?=>?(?!=)\s?)({_VALUE})",
        rf"(<({_NAME})>)([^<]+)(?=</)",
        rf"(\b(?:name|key){_QUOTE}?\s*[:=]\s*{_QUOTE}?({_NAME}){_QUOTE}?[\s,]\s*{_QUOTE}?value{_QUOTE}?\s*[:=]\s*)({_VALUE})",
        # A colon is ordinary in a sentence. Between a name and a value it stands within braces, after a quoted name,
        # within the quotes of a header, or alone in its line.
        rf"([{{,]\s*({_NAME})\s*:\s*)({_VALUE})",
        rf"({_QUOTE}({_NAME}(?: {_NAME})?){_QUOTE}\s*(?::|=>)\s*)({_VALUE})",
        rf"({_QUOTE}({_NAME})[ \t]*:[ \t]*)([^\"'\\\n]+)(?={_QUOTE}|\\[rn])",
        rf"^([ \t>*-]*({_NAME})[ \t]*:[ \t]+(?:[&!][\w!]+[ \t]+)*)"
        rf"({_QUOTED}|[|>][+\d-]*(?:\n[ \t]+\S.*)+|\S+)(?=[ \t]*(?:#.*)?\r?$)",
    )
)
"""A name and its value: what stands before the value, the name, the value."""

_BESIDE = re.compile(
    rf"(?i:(?<![\w.\-/@])("
    rf"((?:api|access|secret|auth) (?:key|token)|(?=[\w.-]*(?:key|token|secret|passw|auth|credential)){_NAME})"
    rf"(?: provided)?{_QUOTE}?(?:[ \t]*[:,][ \t]*|[ \t]+)))"
    rf"(b?(?:{_QUOTED})|[\w+/=~-]+)"
)
"""A name and its value in a sentence, a command or a pair, where only a value that is no word counts."""

_OVERRIDE = re.compile(rf"([+~]{{0,2}}({_NAME})=)((?!.*\s[\w.]+=).+)", re.DOTALL)

_told: set[str] = set()


def keep_secret(value: str) -> None:
    """Has a credential struck from everything, whatever its form is and wherever this process has it from."""
    _told.add(value)


def without_secrets(value: Any) -> Any:
    """Plain values (mappings, lists, texts, numbers) with every credential struck out.

    A switch is none, whatever it is called (`per_token: true`): a run has to be made again from its config.
    """
    if isinstance(value, Mapping):
        value = _with_named_value(value)
        return {struck(key) if isinstance(key, str) else key: _under(str(key), one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [
            STRUCK if _announces(flag, one, len(value)) else without_secrets(one)
            for flag, one in zip(["", *value], value, strict=False)
        ]
    return words_replaced(value, lambda _: STRUCK) if isinstance(value, str) else value


def _with_named_value(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Struck where a list of variables or headers has a mapping for each: {name: HF_TOKEN, value: ...}."""
    given = value.get("value")
    name = value.get("name", value.get("key"))
    if isinstance(given, str) and isinstance(name, str) and _is_secret(name, given) and _certain(name):
        return {**value, "value": STRUCK}
    return value


def _announces(flag: Any, value: Any, length: int) -> bool:
    """Whether a word of a list says that the next one is a credential: a flag, or the name in a pair."""
    if not isinstance(flag, str) or not isinstance(value, str):
        return False
    return _is_secret(flag, value) if _is_flag(flag) else length == 2 and _in_sentence(flag, value)


def struck(text: str) -> str:
    """A text, as a message or a log, with every credential struck out."""
    return _found_replaced(known_struck(text), lambda _: STRUCK)


def known_struck(text: str) -> str:
    """A text without the credentials of the environment and the command line, and otherwise as it was.

    For texts that must stay exact, as a prompt on a terminal.
    """
    known = _known_values()
    return _any_of(known).sub(STRUCK, text) if known else text


def words_replaced(word: str, by: Callable[[str], str]) -> str:
    """One word of a command line with something else in the place of every credential.

    Args:
        word: an override, whose value may hold spaces, or any other.
        by: takes a credential and gives what stands for it.
    """
    known = _known_values()
    if known:
        word = _any_of(known).sub(lambda m: by(m[0]), word)
    return _word_replaced(word, by)


def _word_replaced(word: str, by: Callable[[str], str]) -> str:
    if (whole := _OVERRIDE.fullmatch(word)) and _is_secret(whole[2], whole[3]):
        return whole[1] + _in_place(whole[3], by)
    return _found_replaced(word, by)


def _found_replaced(text: str, by: Callable[[str], str]) -> str:
    text = _FORMS.sub(lambda m: by(m[0]), text)
    text = _USER.sub(lambda m: (m[1] or m[4] or "") + _in_place(m[2] or m[3] or m[5], by), text)
    text = _HEADER.sub(lambda m: m[1] + _in_place(m[3], by), text)
    text = _BEARER.sub(lambda m: (m[1] or m[3]) + _in_place(m[2] or m[4], by), text)
    text = _QUERY.sub(lambda m: m[1] + (_in_place(m[3], by) if _in_address(m[2], m[3]) else m[3]), text)
    for pattern in _PAIRS:
        text = _values_replaced(pattern, text, by, _in_pair)
    return _values_replaced(_BESIDE, text, by, _in_sentence)


def _values_replaced(
    pattern: re.Pattern[str], text: str, by: Callable[[str], str], hides: Callable[[str, str], bool]
) -> str:
    """Replaces the values of secret names. A harmless name's value is looked into: it may hold other names."""
    done, at = "", 0
    while match := pattern.search(text, at):
        if hides(match[2], match[3]):
            done += text[at : match.start(3)] + _in_place(match[3], by)
            at = match.end(3)
        else:
            done += text[at : match.start(3)]
            at = match.start(3)
    return done + text[at:]


def _in_pair(name: str, value: str) -> bool:
    return _is_secret(name, value) and (_certain(name) or _is_opaque(value))


def _in_sentence(name: str, value: str) -> bool:
    """Whether a value is a credential although no sign binds it to the name before it."""
    compound = len(_words(name)) > 1 or name.lower().startswith("passw")
    return compound and _is_opaque(value) and _certain(name) and _is_secret(name, value)


def _is_opaque(value: str) -> bool:
    return _OPAQUE.fullmatch(_unquoted(value)) is not None


def _unquoted(value: str) -> str:
    return value.strip().removeprefix("b'" if value.endswith("'") else 'b"').strip("\\\"'")


def _known_values() -> tuple[str, ...]:
    """The values of the environment's credentials and of those on the command line, the longest first."""
    return _known_of(tuple(os.environ.items()), tuple(sys.argv[1:]), frozenset(_told))


@lru_cache(maxsize=4)  # asked for every text of a run, and the same each time
def _known_of(
    environment: tuple[tuple[str, str], ...], words: tuple[str, ...], told: frozenset[str]
) -> tuple[str, ...]:
    found: set[str] = set()
    for name, value in environment:
        # PWD is the working folder, and a path (SSH_KEY=/home/me/.ssh/id) only says where a credential is.
        if _of_environment(name, value) and not name.endswith("PWD") and not os.path.exists(value):
            found |= {value, *value.splitlines()}
    for flag, word in zip(["", *words], words, strict=False):
        found |= {word} if _is_flag(flag) and _is_secret(flag, word) else set(_secrets_of(word))
    # A short word of letters stands in too many texts that have nothing to do with it.
    known = {v.strip() for v in found | told}
    known = {v for v in known if len(v) >= (10 if v.isalpha() else 6)}
    # As JSON and an address write it.
    known |= {json.dumps(v)[1:-1] for v in known} | {quote(v, safe="") for v in known}
    return tuple(sorted(known, key=lambda v: (-len(v), v)))


@lru_cache(maxsize=1024)  # asked of all variables before each text is written
def _of_environment(name: str, value: str) -> bool:
    """Whether a variable holds a credential. Its name may go on behind the word that says so: API_KEY_OF_LAB."""
    parts = name.split("_")
    if parts[-1].lower() in ("file", "path", "dir", "url", "host", "name", "user", "type", "mode"):
        return False
    return any(_is_secret("_".join(parts[: i + 1]), value) for i in range(len(parts)))


@lru_cache(maxsize=256)
def _secrets_of(word: str) -> tuple[str, ...]:
    found: list[str] = []

    def keep(secret: str) -> str:
        found.append(secret)
        return STRUCK

    _word_replaced(word, keep)
    return tuple(found)


@lru_cache(maxsize=16)
def _any_of(values: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, values))})(?![A-Za-z0-9])")


def _under(key: str, value: Any) -> Any:
    """A value under its key."""
    if isinstance(value, str):
        return STRUCK if _is_secret(key, value) else struck(value)
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        if value and _words(key)[-1:] and _kind(key) == "secret" and not _counts(value):
            return STRUCK
        if isinstance(value, Mapping) or not _kind(key):
            return without_secrets(value)
        return [_under(key, one) for one in value]
    # A number may be a password; under "tokens" it counts them.
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return STRUCK if number and _kind(key) == "secret" and not _ends_in_token(key) else value


def _counts(values: Any) -> bool:
    """Whether a list or mapping under a name holds numbers and switches only."""
    inside: Iterator[Any] = iter(values.values() if isinstance(values, Mapping) else values)
    return all(one is None or isinstance(one, (bool, int, float)) for one in inside)


def _is_secret(name: str, value: str) -> bool:
    """Whether a text under a name is a credential; `$NAME` and `${oc.env:NAME}` only refer to one."""
    plain = _unquoted(value)
    if not plain or plain == STRUCK or plain.startswith("$") or plain.lower() in _NO_CREDENTIAL:
        return False
    kind = _kind(name)
    if kind == "secret":
        harmless = re.fullmatch(r"-?[\d.]{1,7}|[<\[].*[>\]]", plain)  # a number of tokens, or one as <pad>
        return not (harmless and _ends_in_token(name))
    if kind == "key":
        column_or_number = re.fullmatch(r"[A-Za-z_. ]{1,30}|[\d.,]{1,15}|\W*", plain)
        # A field called just `key` may be any name of a row.
        long = len(plain) >= 16 and re.search(r"\d", plain) and " " not in plain
        return not column_or_number and (len(_words(name)) > 1 or bool(long))
    return False


def _in_address(name: str, value: str) -> bool:
    return _words(name)[-1:] in (["key"], ["token"], ["sig"], ["signature"]) or _is_secret(name, value)


@lru_cache(maxsize=4096)
def _kind(name: str) -> str:
    """Of a name: "secret", "key" for one whose value decides, "" for a harmless one."""
    if any(_words(part)[-1:] in (["credentials"], ["secrets"]) for part in name.split(".")):
        return "secret"
    words = _naming(name)
    last, before = "".join(words[-1:]), "".join(words[-2:-1])
    if _SECRET_WORDS.fullmatch(last):
        return "secret"
    if last in ("token", "tokens"):
        return "" if _TOKENS.fullmatch(before) else "secret"
    if last in ("signature", "sig"):
        return "key"
    if last in ("key", "keys"):
        return "secret" if _SECRET_KEYS.fullmatch(before) else "" if _COLUMNS.fullmatch(before) else "key"
    return "secret" if _JOINED.fullmatch(last) else ""


def _words(name: str) -> list[str]:
    """The words of the last part of a dotted name, in lower case."""
    return [word.lower() for word in _WORD.findall(name.rpartition(".")[2])]


def _naming(name: str) -> list[str]:
    """The words of a name without those that only say "its value": access_key_id is an access key."""
    words = _words(name)
    while words[-1:] in (["id"], ["value"]) and words[-2:-1] in (["key"], ["token"], ["secret"]):
        words = words[:-1]
    return words


def _ends_in_token(name: str) -> bool:
    return _words(name)[-1:] in (["token"], ["tokens"])


def _certain(name: str) -> bool:
    """Whether a name says "credential" in a sentence or in code, too, where most tokens and keys are others."""
    *before, last = _naming(name) or [""]
    if last not in ("token", "tokens", "key", "keys") or name.isupper():
        return True
    return last != "tokens" and bool(before) and _OWNERS.fullmatch(before[-1]) is not None


def _is_flag(word: Any) -> bool:
    return isinstance(word, str) and word.startswith("-") and "=" not in word and " " not in word


def _in_place(value: str, by: Callable[[str], str]) -> str:
    """The placeholder for a value, within the same quotes."""
    if STRUCK in value or "${" in value or value.startswith("$"):
        return value
    # A message may go on behind the value.
    ends = re.search(r"[:.'\"\\]*$", value) if not re.match(rf"b?{_QUOTE}|[{{\[]", value) else None
    end = value[ends.start() :] if ends else ""
    value = value[: len(value) - len(end)]
    if quoted := re.fullmatch(rf"(b?{_QUOTE})(.*?)({_QUOTE})", value, re.DOTALL):
        return quoted[1] + by(quoted[2]) + quoted[3]
    return (by(value) if value else "") + end
