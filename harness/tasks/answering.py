"""Finds the sentence that answers the question, past labels, corrections, echoes of the question and background."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from harness.tasks.short_tokens import COPULAS, PREPOSITIONS, word_forms
from harness.tasks.statements import ANSWER
from harness.tasks.texts import answer_line, first_sentence, is_interjection, own_text, word_set, words

LINES = 40
"""Lines of an answer that are read, at most."""

SENTENCES = 8
"""Sentences of an answer that are looked at, at most."""

HEDGES = word_set("maybe perhaps possibly could might")
"""Words that begin a guess."""

NEGATIONS = word_set(
    "not never cannot neither nor without except unlike wrong incorrect false mistaken whether unlikely wish isnt "
    "wasnt arent werent doesnt didnt dont cant couldnt wouldnt hasnt"
)
LEADS = word_set("here heres it its this that thats answer correct final my name i think believe im he she they would")

_FENCE = re.compile(r"^[ \t]{0,8}(?:```|~~~)[\w+-]{0,20}[ \t]*$", re.MULTILINE)
_LATEX = re.compile(r"\\(?:boxed|text\w{0,12}|math\w{0,12}|emph|underline|ce)\b ?|[${}]")
_LABEL = re.compile(
    rf"""(?:^|(?<=[.!?:]\ ))[^\w\n]{{0,8}} (?: (?:(?:the|my|so,?\ the)\ )?
          (?P<final>(?:final|revised|corrected)\ )? (?:short\ |correct\ |direct\ )?
          (?:{ANSWER}|output|result|response) (?:\ ?[0-9]{{1,2}})? [*_"'\ ]{{0,4}} (?:is[*_\ ]{{0,4}})? [:=\uff1a]
          [*_]{{0,4}}
        | (?P<concluded>(?:so|thus|therefore|hence|consequently),?\ (?:the|my)\ (?:final\ |correct\ )?answer\ is
            |the\ (?:correct|right|actual|final)\ answer\ is)\b:?
        | (?:author|writer|name|composer|artist|director|painter|inventor)\ ?:
        | (?P<option>(?:option|choice)\ [A-Z0-9]|tl;?dr)\ ?: | \(?[0-9A-Za-z]\)(?=\ [^\W\d]{{2}}) )
      | \b(?P<changed>(?:change|correct|revise)\ my\ answer\ (?:from\ [^.\n]{{1,40}}\ )?to)\b:?""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_TAGGED = re.compile(r"<(?:final_)?answer\b[^<>\n]{0,60}>([^<]{1,2000})(?:</|<answer)", re.IGNORECASE)
_JSON = re.compile(
    r"""["'](?:final_)?(?:answer|response|result)["']\s?:\s?(?:["]([^"\n]{1,500})["]|([\w.-]{1,40}))\s?[,}]""",
    re.IGNORECASE,
)
_OTHERS = word_set("some many most others people everyone everybody few")
_CONFIDENCE = re.compile(
    r"[\s,;|(-]{1,4}(?:my )?confidence(?: level| score)?[*_]{0,3} ?(?:[:=]|is\b)[^\n,;]{0,12}"
    r"(?:[0-9][0-9.,%/]{0,8}|\b(?:high|low|medium|moderate))[^\n]{0,20}$",
    re.IGNORECASE | re.MULTILINE,
)
_EASY = re.compile(
    r"(?:^|\n)\W{0,3}(?:i know this(?: one)?|(?:oh,? )?that's easy|let me (?:think|see)|hmm+"
    r"|that's an? (?:easy|good|great|tricky|tough) (?:one|question))[.!,:\u2026]{1,3}\s",
    re.I,
)
_WRAPPED = re.compile(r"\\(?:text|mathrm|mathbf|ce)\{([A-Za-z0-9]{1,30})\}")
_SUBSCRIPT = re.compile(r"(?<=[A-Za-z)])\$?_\{?([0-9]{1,3})\}?(?:\$(?=[A-Z(]))?")

# "City: Canberra"
_KIND = re.compile(
    r"^(?:city|country|river|planet|language|colou?r|element|currency|year|date|person): ", re.IGNORECASE
)
_LONG = 15
_PERIOD = 13
"""Words that a sentence repeats without end, at most."""

_CONNECTS = word_set("however therefore thus so hence but actual real correct now")
_BREAKS_OFF = word_set("is are was were")
_HEADING = word_set("final short answer response")
_NO_WAY = re.compile(r"\bno way (?:that )?(?=it|the)", re.IGNORECASE)
_SAY = word_set("say says think thinks believe believes guess claim claims assume assumes answer")
_SHARP = re.compile(r"(?<=[A-Za-z])#(?!\w)")  # of "C#", which is no markup
_BOXED = re.compile(r"\\boxed ?(?=\{)")
_CORRECTION = re.compile(
    r"""(?:(?<=[.,;!?\-:])|(?<=\n)) \s{0,3} (?:(?:oh|ah|hmm?)[,.]?\ )? (?:
        (?:no[,.\ ]{1,2})? (?:wait(?!,?\ (?:let|i\b|is\b))|hold\ on|scratch\ that|correction|my\ mistake
            |on\ second\ thoughts?|let\ me\ (?:correct\ (?:that|myself)|rethink|reconsider))
            (?:[,.:;!\-\ ]{1,4} (?:no|sorry|actually)\b)? [,.:;!\-\ ]+
      | no[,.:;!]\s+ (?:sorry[,.]?\ )?
      | (?:sorry,?\ |but\ |oops[,.!]?\ )? (?:i\ mean[t]?|or\ rather|or\ better) [,:]?[ ]
      | (?:actually|sorry|oops|whoops)[,.!]?\ (?:it(?:'s|\ is|\ was)\ )? (?:the\ )?
          (?=(?-i:(?!I\b)[A-Z0-9])[\w'\ -]{0,40}[.!]?(?:\n|$))
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_TAG_QUESTION = re.compile(
    r",? (?:is|was|are|were|do|does|did|has|had|wo|would|could|can|ca)(?:n't| not)? (?:it|he|she|they|that|there|i|you)"
    r"(?: not)?\s?\?",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"\b(?:without (?:any |a )?(?:doubt|question)|(?<=, )(?-i:no doubt)(?=[.,!]|$)"
    r"|not only|not until|not to mention|not surprisingly|none other than|nothing but"
    r"|if i(?:'m| am) not (?:mistaken|wrong)|unless i(?:'m| am) (?:mistaken|wrong)"
    r"|(?:can|could)(?:not|n't| not) be (?:anything|anyone|anywhere) (?:but|other than))\b",
    re.IGNORECASE,
)
_PRONOUNS = word_set("it he she they this its his her their")
_WH = re.compile(r"\b(?:which|what|whose|who)\b\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)


def answering(text: str, question: str) -> str:
    """The sentence of a text that answers; "" when there is none.

    A labelled answer ("Answer: ...", "\\boxed{...}") comes first, a correction ("Wait, no: ...") replaces what stands
    before it. Passed over while more follows: the question repeated, what only denies ("It is not Lyon."), and
    background ("Baghdad is in Iraq. It lies on the Tigris.", "Sydney is larger. The capital is Canberra."). A guess
    that goes on ("Maybe A. Maybe B.") is kept whole.
    """
    sentences = list(_sentences(_labelled(own_text(text))))
    asked = word_forms(question)
    subjects = [_restated(word_forms(sentence), asked, _asked_for(question)) for sentence in sentences]
    for at, sentence in enumerate(sentences[:-1]):
        following = sentences[at + 1]
        said = word_forms(sentence)
        told = ":" in sentence and set(said[1:]) <= set(asked)  # "Country: Australia"
        if told or says_others(said) or echoes(said, asked) or _only_denies(said, asked):
            continue
        if _is_background(said, word_forms(following), question):
            continue
        if not subjects[at] and any(_is_premise(said, asked, subject) for subject in subjects[at + 1 :]):
            continue
        if not HEDGES.isdisjoint(said) and word_forms(following)[:1] and word_forms(following)[0] in HEDGES:
            return f"{sentence.rstrip('.')}; {following}"
        return _KIND.sub("", sentence)
    return _KIND.sub("", sentences[-1]) if sentences else ""


def answering_line(text: str) -> str:
    """The line of a text that answers: the first, or the labelled one, without what it corrects; "" without words."""
    return next((_corrected(line) for line in _lines(_labelled(own_text(text)))), "")


def echoes(said: tuple[str, ...], asked: tuple[str, ...]) -> bool:
    """Whether words only repeat the question, or its beginning."""
    return len(said) >= min(4, len(asked)) > 0 and len(said) >= 2 and asked[: len(said)] == said


def _labelled(text: str) -> str:
    """The text after its last "final answer:", or else after its first "answer:"; all of it without a label."""
    text = _SHARP.sub("\u266f", _EASY.sub("\n", _CONFIDENCE.sub("", _FENCE.sub("", text))))
    text = _SUBSCRIPT.sub(r"\1", _WRAPPED.sub(r"\1", text))
    for pattern in (_TAGGED, _JSON):
        if inside := [said for m in pattern.finditer(text) if words(said := "".join(filter(None, m.groups())))]:
            return _LATEX.sub(" ", inside[-1])
    text = _NO_WAY.sub("not ", _corrected(text))
    boxed = list(_BOXED.finditer(text))
    labels = list(_LABEL.finditer(text))
    chosen = boxed[-1:] or [m for m in labels if m["final"] or m["changed"] or m["concluded"]][-1:] or labels[:1]
    rest = text[chosen[0].end() :] if chosen else ""
    if boxed:
        rest = rest.split("}\n", 1)[0]
    return _LATEX.sub(" ", rest if words(rest) else text)


def _sentences(text: str) -> Iterator[str]:
    """Sentences of the first lines, without corrections' first tries, questions and interjections before them."""
    count = 0
    for line in _lines(text):
        rest = _corrected(_HARMLESS.sub(" ", _TAG_QUESTION.sub(".", line)))
        while rest and count < SENTENCES:
            sentence = first_sentence(rest)
            rest = rest[rest.find(sentence) + len(sentence) :].strip() if sentence else ""
            if words(sentence):
                count += 1
                yield _without_loop(sentence)


def _without_loop(sentence: str) -> str:
    """A sentence up to where it begins to repeat itself without end ("in Asia, in Asia, in Asia, ...")."""
    pieces = sentence.split()
    said = [piece.strip(",;.") for piece in pieces]
    for start in range(len(said) if len(said) > _LONG else 0):
        for period in range(1, _PERIOD):
            once, twice, thrice = (said[start + n * period : start + (n + 1) * period] for n in range(3))
            if once == twice == thrice and len(thrice) == period and set(said[start:-1]) <= set(once):
                return " ".join(pieces[: start + period]).rstrip(",;")
    return sentence


def _lines(text: str) -> Iterator[str]:
    """The lines that have words, each with the announcement before it ("Here is the answer:")."""
    lead = ""
    for raw in text.splitlines()[: 2 * LINES]:
        line = answer_line(raw)
        if not words(line):
            continue
        line = f"{lead} {line}".strip()
        if line.endswith(":") or words(line)[-1] in _BREAKS_OFF or set(words(line)) <= _HEADING:
            lead = line
            continue
        lead = ""
        yield line
    if lead:
        yield lead


def _corrected(line: str) -> str:
    """The rest of a line after it corrected itself ("Euphrates. Wait, no: Tigris.")."""
    for match in reversed(list(_CORRECTION.finditer(line))):
        before, after = words(line[: match.start()]), words(line[match.end() :])
        if before and not is_interjection(before) and after and not set(after) <= LEADS:
            return line[match.end() :]
    return line


def says_others(said: tuple[str, ...]) -> bool:
    """Whether a sentence tells what others say ("Many people think that it is Lyon")."""
    return said[:1] != () and said[0] in _OTHERS and not _SAY.isdisjoint(said[:4]) and "but" not in said


def _only_denies(said: tuple[str, ...], asked: tuple[str, ...]) -> bool:
    """Whether a sentence only says what the answer is not ("It is not Lyon", "Not Lyon")."""
    denial = next((at for at, word in enumerate(said) if word in ("not", "isnt", "wasnt", "neither")), None)
    if denial is None or "but" in said or {"sure", "certain"} & set(said):
        return False
    return all(word in LEADS | COPULAS or word in asked or word.endswith("ly") for word in said[:denial])


def _asked_for(question: str) -> str:
    """The noun that a question asks for ("capital" of "What is the capital of Peru?"); "" where there is none."""
    found = _WH.search(question)
    if not found or found[0].lower().startswith("who"):
        return ""
    return next((word for word in word_forms(found["rest"]) if word not in COPULAS), "")


def _is_premise(said: tuple[str, ...], asked: tuple[str, ...], subject: frozenset[str]) -> bool:
    """Whether a sentence states something else than the subject of a later one that restates the question."""
    verb = next((at for at, word in enumerate(said) if word in COPULAS), 0)
    if not subject or not verb or set(said[:verb]) <= LEADS:
        return False
    denied = any(("not", word) in itertools.pairwise(said) for word in subject)
    return denied or not (subject <= set(said) or set(said[verb + 1 :]) <= set(asked))


def _restated(said: tuple[str, ...], asked: tuple[str, ...], head: str) -> frozenset[str]:
    """The subject of a sentence that restates the question and goes on ("The capital is X"); empty for any other."""
    verb = next((at for at, word in enumerate(said) if word in COPULAS), 0)
    subject, told = frozenset(said[:verb]) - _CONNECTS, said[verb + 1 :]
    goes_on = bool(told) and told[0] != "not" and not told[0].endswith("ed") and not set(told) <= set(asked)
    return subject if head in subject and subject <= {*asked, *PREPOSITIONS} and goes_on else frozenset()


def _is_background(said: tuple[str, ...], following: tuple[str, ...], question: str) -> bool:
    """Whether a sentence tells of what the question mentions, not of what it asks for, and the next one goes on."""
    found = _WH.search(question)
    if not found or not following or following[0] not in _PRONOUNS:
        return False
    asked, rest = set(word_forms(question)), word_forms(found["rest"])
    head = {word for word in rest[:2] if word not in COPULAS and not found[0].lower().startswith("who")}
    verb = next((at for at, word in enumerate(said) if word in COPULAS), 0)
    told = said[verb + 1 :]
    return bool(verb and told) and set(said[:verb]) <= asked - head and told[0] not in asked
