"""Finds the option that a text names, among lettered options."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from harness.tasks.option_marks import WORDS, likeliest, marked
from harness.tasks.option_texts import OptionTexts
from harness.tasks.statements import READ, statements
from harness.tasks.texts import answer_line, own_text, word_set

_SEGMENT = 300

# Capitals of Cyrillic and of Greek that look like Latin ones.
_TWINS = str.maketrans(
    "\u0410\u0412\u0421\u0415\u041d\u0406\u0408\u041a\u041c\u041e\u0420\u0422\u0425"
    "\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7",
    "ABCEHIJKMOPTXABEHIKMNOPTX",
)
_TWIN = re.compile(rf"(?<!\w)[{''.join(map(chr, _TWINS))}](?! ?\w)")
# Words that introduce a choice, beside the statements of an answer.
_CHOSEN = re.compile(
    r"""
    (?:\b|(?<=_))(?: (?:i|we)(?:'d|'ll|'m|\ would|\ will|\ am|\ have\ to)?\ (?:rather\ )?
            (?:say|choose|chose|pick|select|go(?:ing)?\ with|opt\ for|vote\ for|prefer|guess|take|settle\ on
              |(?:think|believe)(?=\ \(?(?:[A-Z]\)?(?![A-Za-z'])|option|it|the\ answer)))
        | leaning(?:\ towards?)? | chang\w{1,3}\ (?:it|my\ (?:answer|choice))\ (?:from\ \(?[A-Z]\)?\ )?to
        | final\ (?:answer|choice) | (?:wait|hmm|actually|no),?\ (?:no,\ )?(?:that|this|it)(?:'s|\ is|\ was)
            \ (?:wrong|incorrect|not\ (?:right|correct))[.,;:!]\s
        | (?:let's|let\ us|would|will)\ (?:go\ with|choose|pick|select)
        | (?:my|best|final)\ (?:choice|pick|guess|selection|bet|vote|option)\ ?(?:is|:|would\ be)
        | (?:choice|option|letter|verdict)\b[*_"']{0,3}(?:\ {0,3}[:=]|\ (?:is|was|(?:would|should|must)\ be))
        | it(?:'s|\ is|\ (?:must|should|would)\ be|\ has\ to\ be) | leav(?:es|ing)(?:\ us\ with|\ only)? | left\ with
        | (?:only|last|best)\ (?:option|choice|one)(?:\ (?:left|remaining))?\ is | but\ (?:more|most)\ likely
        | let\ me\ (?:reconsider|rethink|recheck)[.,:;!]\s | \bi\ (?:find|consider)
        | es(?:\ la)? | c'est(?:\ la)? | sondern | sino | mais
      )(?:(?<=[:=\s])|\b)[ :]?
    | (?:^|[.!?;,]\ |\n)(?:so|thus|therefore|hence)\b,?
    | \ is\ (?:therefore|thus|hence)\b,?
    | ^(?:probably|(?:most\ )?likely|definitely|clearly|certainly)\b,?
    | \u9009(?:\u62e9)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FILLERS = re.compile(
    r"""(?: [\s*_$"'`:{\[] | \\[(\[] | \\(?:boxed|fbox|text[a-z]{0,4}|math[a-z]{0,3})(?![a-z])
        | \b(?:most|very|quite|clearly|definitely|certainly|probably|likely|undoubtedly|obviously|actually|therefore|la
            |thus|then|simply|just|that|the|is|be|it's|option|choice|letter|answer|with
            |opci\u00f3n|correct|indeed|of|course)\b,?
    )*+""",
    re.VERBOSE | re.IGNORECASE,
)
_NAMED = re.compile(
    r"""(?: \( [ *]{0,3} (?P<bracketed>[A-Za-z]) [ *]{0,3} \)
          | (?P<capital>[A-Z]) (?! [A-Za-z0-9'\u00c0-\u024f] )
          | (?P<small>[a-z]) (?= [ ]{0,3}[.)\]*}:,;$"'<]| [ \t]{0,8}(?:\n|$) ) (?!\.[a-z])
        )""",
    re.VERBOSE,
)
_LEADING = re.compile(
    r"[\s*\"'`$\[]{0,8}(?:\(\s?([A-Za-z])\s?(?:\)|$)|([A-Za-z])\s?[).:\]]"
    r"|([A-Z])(?=[,*]|[\"'](?![a-z])|\s-|[ \t$]{0,8}(?:\n|$)))"
)
_AROUND = " *_$\"'`(){}[].:"
_CLAUSE_END = re.compile(r"[;(]|[.,](?![0-9])|\b(?:because|since|but)\b")
_LINE_OPENS = re.compile(r"^[ \t*>-]{0,8}\(?([A-Z])[).:]", re.MULTILINE)
_BRACKETED = re.compile(r"\(([A-Z])\)")
_ALONE = re.compile(r"(?<![A-Za-z0-9'(.\u00c0-\u024f])(?<![A-Z]-)([A-Z])(?!-[A-Z]\b)(?!\.?[A-Za-z0-9'\u00c0-\u024f])")
_CHOSEN_BY_PREDICATE = re.compile(
    r"(?<![A-Za-z0-9'.])\(?([A-Z])\)? (?:is|was|must be|has to be|would be|seems|looks) "
    r"(?:(?:clearly|definitely|therefore|probably|the|most|more|only|indeed|also) ){0,3}"
    r"(?:correct|right|best|better|answer|true|likely|one|option|choice"
    r"|more (?:plausible|convincing|accurate|appropriate|suitable|reasonable|sensible|logical))\b"
)
_CHOSEN_AS_BETTER = re.compile(
    r"(?<![A-Za-z0-9'.])\(?([A-Z])\)? (?:fits|works|matches|suits|sounds|answers)"
    r"(?: [a-z]{1,12}){0,3} (?:better|best)\b"
)
# "All except B are wrong."
_LEFT_OVER = re.compile(
    r"\b(?i:all|every\w{0,5}|each)(?: [a-z]{1,12}){0,3} (?:except|but)(?: for)? (?:option |choice )?\(?([A-Z])\)?"
    r"[^.\n]{0,10} (?:wrong|incorrect|false|eliminated|excluded|ruled out)\b"
)
_STATES = re.compile(r"[)\]]? (?:is|was|seems|looks|would|has|can|could|may|might)\b")
_NOT = re.compile(
    r"\b(?:not|isn't|never|neither|nor|no|over|than|instead of|anything but|unlike|pas|nicht"
    r"|exclude|eliminate|rule out|reject)"
    r" {1,3}(?:(?:the|be|option|choice|either|both) ){0,2}[(*_]{0,3}$|(?:\u4e0d\u662f|\u4e0d\u9009|\u6392\u9664)$",
    re.IGNORECASE,
)
_NOT_NAMED = re.compile(r"\bnot (?:the |an? )?[a-z]{1,15} $")  # "not the fish (D)"
_DOUBTED = re.compile(
    r"(?:\b(?:(?:do|does|did|would|could)(?:n't| not)|can(?:'t|not| not)) (?:think|believe|say|know)"
    r"|\b(?<!no )(?<!a )doubt)(?: that| whether| if)?"
    r"(?: it(?:'s| is))?(?: option)? ?\(?$|\b(?:nor|not) (?:option )?$",
    re.IGNORECASE,
)
_POLAR = word_set("yes no true false maybe unknown unsure")
_OPENS = re.compile(r"\W{0,6}(\w{2,7})[*\"')]{0,3}(?=[.!,;:(\n]| -| \(| because\b|\s*$)")
_NO_DOUBT = re.compile(r"\bno (?:doubt|question)\b|\bthere is no\b", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*")
_LABELLED = re.compile(r"\s?\(?(?:[Oo]ption )?([A-Z])(?:[).:]|\s?$)")
# An answer on a line of its own, before options that are gone through.
_HEADED = re.compile(r"\s*[*_]{0,3}\(?[A-Z][).:][^\n]{0,200}\n[ \t]*\n(?![ \t*>-]{0,8}\(?[A-Z][).:])")
_DENIED_AFTER = re.compile(
    r"""[)\]*"']{0,3} (?:
        \ (?:(?:is|are|was|were|would\ be|seems?|looks?|must\ be)\ )?
        (?:(?:both|all|also|clearly|definitely|simply|just|probably|obviously)\ )?
        (?:not|wrong|incorrect|false|impossible|unlikely|out
          |eliminated|ruled\ out|excluded|cannot|can't|isn't|aren't|wasn't
          |doesn't|don't|does\ not|do\ not|won't|too)\b
      | \ (?:не|no\ es|n'est\ pas|ist\ (?:nicht|falsch)|est\ fausse?|es\ incorrect[ao])\b
      | \u662f?[\u4e0d\u9519\u932f]
    )""",
    re.VERBOSE,
)
_JOIN = re.compile(
    r"[)\]*]{0,3}\s{0,2}(?:,? ?(?:or|and|nor|y|o|und|oder|et|ou)\b|[/,&]|\u548c|\u6216)\s{0,2}"
    r"(?:option |choice )?[(\[*]{0,3}",
    re.IGNORECASE,
)
_ANOTHER = re.compile(_JOIN.pattern + r"([A-Z])(?![A-Za-z'])")
# A capital A or I before another word is the article or the pronoun, unless one of these words follows.
_WORD_AFTER = re.compile(
    r"\s{1,3}(?!(?:because|since|as|is|was|are|over|rather|instead|but|not|cannot|can|for|would|seems|from|by|with"
    r"|(?:or|and|nor) \(?[A-Z])\b)[A-Za-z]"
)


def read_letter(text: str, choices: Sequence[str]) -> str:
    """The capital letter of the option that a text names; "" when it names none, several, or one not shown.

    In this order: the very text of an option; the last letter or option stated as the answer ("The answer is (B)",
    "Answer: b", "\\boxed{B}", "I choose B", "so B", "B is correct"); yes or no where they open the text; the only
    option that is marked as right, in bold, or the likeliest in a list (`option_marks`); a letter that opens the text
    ("B", "(B)", "b)", "B. Paris"); the only letter in brackets; the only option whose text the answering line holds as
    whole words; the only capital letter that stands alone.

    A denied letter or option ("not A", "A is wrong") is none. A letter that is followed by the very text of another
    option ("A. Paris", where Paris is B) gives way to the text. "A" before a word is the article, "I" the pronoun.
    Stating two letters ("A or B") names none.
    """
    text = _plain(own_text(text))
    options = _Options(OptionTexts(tuple(choices)))
    at = options.texts.equal(text.strip()) if "\n" not in text.strip() else None
    if at is not None:
        return chr(ord("A") + at)
    stated = options.stated(text)
    if stated is None:
        stated = options.opening(_NO_DOUBT.sub(" ", text)) or options.marked(text)
    if stated is not None:
        return stated
    return _unstated(text, options)


def _unstated(text: str, options: _Options) -> str:
    """The letter of a text that calls none its answer."""
    listed = [m[1] for m in _LINE_OPENS.finditer(text) if m[1] in options.shown]
    if len(set(listed)) > 1 and listed == sorted(listed) and not _HEADED.match(text):
        return ""  # the options are only listed
    leading = _LEADING.match(text)
    if leading:
        opening = options.given(text, leading[1] or leading[2] or leading[3], leading.end())
        if opening is not None:
            return opening
    if re.fullmatch(r"\s{0,20}[a-z]\s{0,20}", text):
        return options.given(text, text.strip(), len(text)) or ""
    line = _NO_DOUBT.sub(" ", answer_line(text))
    by_text = options.texts.named(line)
    if by_text is None:
        by_text = options.texts.named_alone(line)
    named = "" if by_text is None else chr(ord("A") + by_text)
    if named and options.denies(text, named):
        return ""
    return options.only(_BRACKETED, text) or named or options.only(_ALONE, text)


def _plain(text: str) -> str:
    """The text with letters of full width, in circles or in bold as plain ones, and with Latin capitals for twins."""
    return _TWIN.sub(lambda m: m[0].translate(_TWINS), unicodedata.normalize("NFKC", text))


@dataclass(frozen=True)
class _Options:
    texts: OptionTexts

    @property
    def shown(self) -> set[str]:
        return {chr(ord("A") + at) for at in range(len(self.texts.choices))}

    def stated(self, text: str) -> str | None:
        """The last option that is stated or chosen; "" of several at once; None without a statement that names one."""
        places: list[tuple[int, str]] = []
        for pattern in (_CHOSEN_BY_PREDICATE, _CHOSEN_AS_BETTER, _LEFT_OVER):
            places += [(m.end(), m[1]) for m in deque(pattern.finditer(text), maxlen=READ) if not _doubted(text, m)]
        places += [(m.end(), "") for m in deque(_CHOSEN.finditer(text), maxlen=READ) if not _doubted(text, m)]
        places += [(statement.end, "") for statement in statements(text)]
        for end, letter in sorted(places, reverse=True):
            if letter:
                if letter in self.shown:
                    return letter
                continue
            named = self._named(text, end)
            if named is not None:
                return named
        return None

    def marked(self, text: str) -> str | None:
        """The option that stands out of those that a text lists: by a mark, in bold, or by its probability."""
        if any(form.strip() in WORDS for form in self.texts.forms):
            return None
        return marked(text, self.shown) or self._bold(text) or likeliest(text, self.shown)

    def _bold(self, text: str) -> str | None:
        """The only option in bold print."""
        found: set[str] = set()
        for bold in _BOLD.finditer(text):
            label = _LABELLED.match(bold[1])
            at = self.texts.equal(bold[1].strip(_AROUND))
            if not _NOT.search(text[max(0, bold.start() - 30) : bold.start()]):
                found |= {label[1]} & self.shown if label else set() if at is None else {chr(ord("A") + at)}
        return found.pop() if len(found) == 1 else None

    def denies(self, text: str, letter: str) -> bool:
        """Whether a text denies an option by its letter ("B is wrong because ...")."""
        return any(
            _NOT.search(text[max(0, m.start() - 30) : m.start()]) or _DENIED_AFTER.match(text, m.end())
            for m in re.finditer(rf"(?<![A-Za-z0-9'])\(?{letter}\)?(?![A-Za-z0-9'])", text)
        )

    def opening(self, text: str) -> str | None:
        """The polar option ("Yes", "False") that a text opens with, before a stop or a reason."""
        if not all(form.strip() in _POLAR for form in self.texts.forms):
            return None
        opens = _OPENS.match(text)
        at = self.texts.equal(opens[1]) if opens else None
        return None if at is None else chr(ord("A") + at)

    def _named(self, text: str, start: int) -> str | None:
        """The letter or option right after a statement."""
        lead = _FILLERS.match(text, start, start + _SEGMENT)
        at = lead.end() if lead else start
        found = _NAMED.match(text, at)
        if found:
            letter = found["bracketed"] or found["capital"] or found["small"]
            if not (found["capital"] and _is_word(text, letter, found.end())):
                return self.given(text, letter, found.end())
        line = text[at : at + _SEGMENT].split("\n", 1)[0]
        clause = _CLAUSE_END.split(line, maxsplit=1)[0]
        option = self.texts.equal(line.strip(_AROUND))
        if option is None and self.texts.listed(line):
            return ""
        if option is None:
            option = self.texts.named(clause.strip(_AROUND))
        return None if option is None else chr(ord("A") + option)

    def given(self, text: str, letter: str, end: int) -> str | None:
        """The option of a letter that ends at `end`; "" for one not shown or joined to another; None when denied."""
        if _DENIED_AFTER.match(text, end):
            return None
        letter = letter.upper()
        rest = re.match(r"[\s).:\]*=(,$-]{0,6}([^\n]{0,300})", text[end:][:_SEGMENT])
        for clause in [rest[1], *re.split(r"[,;()]|\.(?![0-9])", rest[1], maxsplit=1)[:1]] if rest else ():
            option = self.texts.equal(clause.strip(_AROUND))
            if option is not None:
                return chr(ord("A") + option)
        another = _ANOTHER.match(text, end)
        several = (
            another is not None
            and another[1] in self.shown - {letter}
            and not _is_word(text, another[1], another.end())
            and not _DENIED_AFTER.match(text, another.end())
            and not (
                another[0].lstrip(")]* ")[0] == ","
                and len(another[0].strip()) <= 3
                and _STATES.match(text, another.end())
            )
        )
        return letter if letter in self.shown and not several else ""

    def only(self, pattern: re.Pattern[str], text: str) -> str:
        """The only letter found, denied ones and words apart; "" when there are several or one that was not shown."""
        groups: list[list[re.Match[str]]] = []
        for match in pattern.finditer(text):
            pronoun = match[1] == "I" and "I" not in self.shown and re.match(r" [a-z]", text[match.end() :])
            if pattern is _ALONE and (pronoun or _is_word(text, match[1], match.end())):
                continue
            if groups and _JOIN.fullmatch(text[groups[-1][-1].end() : match.start()][:40]):
                groups[-1].append(match)
            else:
                groups.append([match])
        found: set[str] = set()
        for group in groups:
            start, end = group[0].start(), group[-1].end()
            before = text[max(0, start - 30) : start]
            if (
                not _NOT.search(before)
                and not (pattern is _BRACKETED and _NOT_NAMED.search(before))
                and not (_DENIED_AFTER.match(text, end) or _doubted(text, group[0]))
            ):
                found |= {match[1] for match in group}
        return found.pop() if len(found) == 1 and found <= self.shown else ""


def _doubted(text: str, found: re.Match[str]) -> bool:
    """Whether the words before a choice deny or doubt it ("I don't think it's A", "neither A nor B is right")."""
    return _DOUBTED.search(text, max(0, found.start() - 40), found.start()) is not None


def _is_word(text: str, letter: str, end: int) -> bool:
    return letter in "AI" and _WORD_AFTER.match(text, end) is not None
