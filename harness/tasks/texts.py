"""Words of an answer: where a model's own answer ends, its first sentence, and normalisation for comparing.

Time is bounded for any text: quantifiers in the patterns are bounded, of a long text `ENDS` characters at either end
are read, and rules about sentences see `LINE` characters.
"""

from __future__ import annotations

import html
import re
import unicodedata

from harness.tasks.run_on import ends, opens_turn
from harness.tasks.web_text import shown

LINE = 2000
"""Characters of the answering line that are read; a short answer is not longer."""

ENDS = 50_000
"""Characters read at the beginning and at the end of a text; the middle of a longer one is not read."""

_THOUGHT_NAME = r"(?:seed:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|analysis|scratch_?pad|reflection)"
_OPENED = re.compile(
    rf"""\s* (?:
        <\ ?{_THOUGHT_NAME}\ ?> | \[{_THOUGHT_NAME}\] | \u25c1think\u25b7
      | <\|(?:begin_of_thought|START_THINKING)\|>
      | (?:<\|start\|>assistant)? <\|channel\|> (?:analysis|commentary) [^<]{{0,80}} <\|message\|>
      | <\|channel>thought | (?:assistant)?(?-i:analysis(?=[A-Z]))  # the last with its marks dropped by the tokenizer
    )""",
    re.VERBOSE | re.IGNORECASE,
)
# A mark that is quoted is a word of the answer.
_CLOSED = re.compile(
    rf"""(?<!["'`]) (?:
        <\ ?/\ ?{_THOUGHT_NAME}\ ?> | \[/{_THOUGHT_NAME}\] | \u25c1/think\u25b7 | <\|(?:end_of_thought|END_THINKING)\|>
      | <\|end\|> | <\|channel\|>final | <channel\|> | assistantfinal
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_MIDDLE_OPENED = re.compile(rf"(?<![\"'`])[<\[] ?{_THOUGHT_NAME} ?[>\]]", re.IGNORECASE)
_LONE_CLOSED = re.compile(
    rf"(?<![\"'`])(?:< ?/ ?{_THOUGHT_NAME} ?>|\[/{_THOUGHT_NAME}\]|\u25c1/think\u25b7)", re.IGNORECASE
)
_OPENS_SENTENCE = re.compile(r"(?:^|\n|[.!?])[ \t]{0,8}\Z")
# Marks of chat templates, written out: <|im_end|>, <|eot_id|>, <end_of_turn>, </s>, [INST], DeepSeek's full-width ones.
_CHAT_MARK = re.compile(
    r"<\|[a-z_ ]{1,30}\|>|<\uff5c[^<>\n]{1,30}\uff5c>|</?(?:start|end)_of_turn>|</?s>|\[/?INST\]|<(?:eos|bos|pad)>",
    re.IGNORECASE,
)
_BLANK_LINES = re.compile(r"\n{4,}")
_ROLE_FIRST = re.compile(r"\A\s{0,8}(?:assistant|model)[ \t]{0,3}\n", re.IGNORECASE)
_ROLE = re.compile(r"\s{0,3}(?:assistant|model|final)\b(?=\s*(?:\n|<))[:\s]{0,3}", re.IGNORECASE)
_LABEL = re.compile(
    r"^(?:the )?(?:final |short |correct )?(?:answer|ans|a|ai|bot|assistant|response|output|result|reply)"
    r"(?: ?[0-9]{1,2})? {0,4}[:=]|^ans\. ",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"</?[a-z]{1,10}>|[*`#>]")
_MARKERS = 20
"""Marks at the beginning of a text that are passed over."""

# "Canberra? I think so."
_AFFIRMS = re.compile(
    r"\s*(?:i (?:think|believe|guess|suppose|hope)(?: so)?|yes|probably|perhaps)[\s.!]*", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?]+[\"')]?(?=\s)")
# Quotation marks, apostrophes and dashes as typed on a keyboard.
_TYPED = (
    dict.fromkeys((0x2018, 0x2019, 0x02BB, 0x02BC, 0x2032), "'")
    | dict.fromkeys((0x201C, 0x201D, 0x2033), '"')
    | dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212, 0xFE63, 0xFF0D), "-")
    | {0x2014: " - ", 0x0000: " "}
    # Characters without a glyph: soft hyphen, zero-width space and joiners, direction marks, byte-order mark.
    | dict.fromkeys((0x00AD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF), "")
    # The marks that make an emoji of a digit: "1\ufe0f\u20e3".
    | dict.fromkeys((0xFE0F, 0x20E3), "")
)
# Letters that Unicode does not decompose into a base letter and an accent.
_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th"}
    | {"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE"}
    | {"\u0131": "i", "&": " and ", "'": "", "`": ""}
)
_INNER_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9]{3})|(?<![0-9]{4})(?<=[0-9]) (?=[0-9]{3}(?![0-9]))")
# Scripts without spaces between words, beside Latin letters and digits.
_SPACELESS = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_SCRIPT_CHANGES = re.compile(rf"(?<=[{_SPACELESS}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[{_SPACELESS}])")
_NO_DECIMAL_POINT = re.compile(r"\.(?![0-9])|(?<![0-9])\.")
_NO_WORD = re.compile(r"[^\w.]|_")


def word_set(text: str) -> frozenset[str]:
    """The words of a text separated by spaces."""
    return frozenset(text.split())


def word_list(text: str) -> list[str]:
    """The words of a text separated by spaces, in their order."""
    return text.split()


_ARTICLES = word_set("a an the")
_ABBREVIATIONS = word_set(
    "mrs gen sen rep gov capt lt col prof rev hon est approx inc ltd jr sr fort jan feb mar apr jun "
    "jul aug sep sept oct nov dec"
)
_INTERJECTIONS = word_set(
    "sure yes yeah no ok okay certainly absolutely definitely of course great good question well hmm hm right "
    "correct thanks thank you probably maybe perhaps so actually thus therefore hence thing easy"
)


def typed(text: str) -> str:
    """The text with quotation marks and dashes as typed on a keyboard."""
    return text.translate(_TYPED)


def own_text(text: str) -> str:
    """The model's answer, without the thought before it and without questions that it goes on to ask itself.

    The answer ends at a mark of a chat template ("<|im_end|>") and at a line that opens another turn or exercise
    ("Question:", "Problem 2", "User:", "Instruction:"). A question that the text opens with is an echo of the one
    asked, not the next one, and is kept. So it ends where an answer is followed by a question with an answer of its own
    (`run_on`). HTML, links and struck words are read as shown (`web_text`). Typographic quotation marks and dashes come
    back as typed ones, null bytes as spaces, invisible characters not at all.
    """
    text = after_thought(html.unescape(text) if "&lt;" in text else text)
    if len(text) > 2 * ENDS:
        text = f"{text[:ENDS]}\n{text[-ENDS:]}"
    text = shown(_from_first_turn(_ROLE_FIRST.sub("", text, count=1))).translate(_TYPED)
    text = _BLANK_LINES.sub("\n\n\n", text)
    blank = len(text) - len(text.lstrip())
    return text[: min((end for end in ends(text) if end > blank), default=None)]


def after_thought(text: str) -> str:
    """The text after the thoughts that it opens with; nothing of one that does not end.

    A template may have written the opening mark, so that the text begins inside the thought and only closes it; so
    does one thought inside another. A second thought after the answer is left out. A mark in the middle of a sentence
    that nothing closes, or in quotation marks, is a word of the answer.
    """
    text = _after_lone_mark(text)
    for _ in range(_MARKERS):
        opened = _OPENED.match(text)
        if not opened:
            return _without_later(text)
        closed = _CLOSED.search(text, opened.end())
        if not closed:
            return ""
        rest = text[closed.end() :]
        inner = _after_lone_mark(rest)
        text = inner if words(inner) else rest
    return ""


def _after_lone_mark(text: str) -> str:
    """The text after a closing mark that nothing opened."""
    for _ in range(_MARKERS):
        lone = None if _OPENED.match(text) else _LONE_CLOSED.search(text)
        if not lone or _MIDDLE_OPENED.search(text, 0, lone.start()):
            return text
        text = text[lone.end() :]
    return text


def _without_later(text: str) -> str:
    """The text without the thoughts that stand after its beginning."""
    for _ in range(_MARKERS):
        opened = _MIDDLE_OPENED.search(text)
        if not opened:
            return text
        closed = _LONE_CLOSED.search(text, opened.end())
        if closed:
            text = f"{text[: opened.start()]} {text[closed.end() :]}"
        elif _OPENS_SENTENCE.search(text, 0, opened.start()):
            return text[: opened.start()]
        else:
            return text
    return text


def _from_first_turn(text: str) -> str:
    """The first turn that says something: without the marks of a chat template before it, up to the next one."""
    for _ in range(_MARKERS):
        mark = _CHAT_MARK.search(text)
        if not mark:
            return text
        if text[: mark.start()].strip():
            return text[: mark.start()]
        text = text[mark.end() :]
        role = _ROLE.match(text)
        text = text[role.end() :] if role else text
    return text


def answer_line(text: str) -> str:
    """The line that answers: the first that is not blank, without echo of the question, label and markup.

    A line that ends in a colon ("Here is the answer:") announces the next one and is joined with it.
    """
    lead = ""
    for raw in own_text(text).splitlines():
        line = _MARKUP.sub("", raw[:LINE]).strip()
        if not line or (opens_turn(raw) and not lead):
            continue
        line = f"{lead} {line}".strip()[:LINE]
        if line.endswith(":") and len(line) < LINE:
            lead = line
            continue
        return _LABEL.sub("", line).strip()
    return _LABEL.sub("", lead).strip()


def first_sentence(line: str) -> str:
    """The first sentence that answers.

    A question ("The capital? Paris.") and an interjection ("Sure! It is Paris.") are passed over when more follows.
    A period does not end a sentence after an abbreviation or a word of one or two letters ("St. John's", "D.C."),
    nor before a small letter.
    """
    start = 0
    for match in _SENTENCE_END.finditer(line):
        following = line[match.end() :].lstrip()[:1]
        if not following or following.islower():
            continue
        before = line[start : match.start()].rsplit(None, 1)
        word = before[-1].lower() if before else ""
        if match[0].startswith(".") and (len(word) <= 2 or "." in word or word in _ABBREVIATIONS):
            continue
        sentence = line[start : match.end()]
        if "?" in match[0] and _AFFIRMS.fullmatch(line, match.end()):
            return sentence.strip()
        if "?" in match[0] or is_interjection(words(sentence)):
            start = match.end()
            continue
        return sentence.strip()
    return line[start:].strip()


def is_interjection(tokens: list[str]) -> bool:
    """Whether the words say nothing but yes, sure, well, ..."""
    return all(token in _INTERJECTIONS for token in tokens)


def words(text: str) -> list[str]:
    """Normalised words: small letters, no accents, punctuation or articles (SQuAD's rule, with Unicode NFKD).

    Hyphens and slashes separate words, apostrophes and periods vanish (N'Djamena, D.C.), decimal points stay,
    thousands commas go. Articles stay when there is nothing else (the answer "A").
    """
    text = unicodedata.normalize("NFKD", text.translate(_TYPED).translate(_LETTERS)).casefold()
    if not text.isascii():
        text = "".join(c for c in text if not unicodedata.combining(c))
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
        text = _SCRIPT_CHANGES.sub(" ", text)
    text = _NO_DECIMAL_POINT.sub("", _INNER_COMMA.sub("", text))
    tokens = _NO_WORD.sub(" ", text).split()
    return [token for token in tokens if token not in _ARTICLES] or tokens


def normalise(text: str) -> str:
    """The normalised words, joined by spaces."""
    return " ".join(words(text))
