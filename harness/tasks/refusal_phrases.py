"""Phrases of refusals: no answer exists, the model has none, or the thing asked about does not exist.

A phrase is written in normalised words (small letters, no articles, no contractions, no adverbs). "a|b" is either word,
a name in capitals one of the words listed under it, ".." up to two words of any kind, "^" the beginning of a sentence,
"$" its end; a phrase does not count where the word after "!" follows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from harness.tasks.texts import word_set

ANY: frozenset[str] = frozenset()
"""Stands in a phrase for up to two words of any kind."""

_LISTS: dict[str, frozenset[str]] = {
    "IS": word_set("is are be been remain remains stays answer"),
    "UNKNOWN": word_set(
        "unknown unknowable unanswerable uncertain unclear undetermined indeterminate undecidable unsolved unresolved"
    ),
    "FOUND_OUT": word_set(
        "known answered determined said told predicted verified established foreseen ascertained resolved calculated "
        "computed inferred confirmed identified deduced decided estimated specified proven proved concluded pinpointed"
    ),
    "KNOW": word_set(
        "know tell say answer determine predict give provide verify state establish identify decide infer ascertain "
        "find guess calculate compute pinpoint conclude confirm name estimate specify foresee deduce judge speculate "
        "discern gauge prove"
    ),
    "GIVE": word_set(
        "know answer say tell provide predict help assist determine give verify confirm establish speculate comment "
        "identify respond access recall comply share disclose reveal guess locate find ascertain fulfill estimate "
        "calculate infer deduce decide conclude judge specify solve choose pick select"
    ),
    "KNOWLEDGE": word_set(
        "information knowledge data details evidence records record context facts sources memory recollection clue idea"
    ),
    "NOUN": word_set(
        "answer answers solution way such known country countries city capital element person people place river "
        "mountain king queen president team event record records information evidence data knowledge consensus proof "
        "agreement world planet animal word language book film song state island number numbers integer integers "
        "letter month day date february"
    ),
    "KNOWS": word_set("knows know can could"),
    "PREMISE": word_set("premise assumption presupposition question"),
    "WRONG": word_set(
        "false wrong incorrect flawed faulty mistaken nonsensical meaningless invalid unanswerable nonsense"
    ),
    "MORE": word_set("longer larger bigger higher taller greater older smaller shorter better more other but except"),
    "TEXT": word_set("text passage story question context article document source sources paragraph problem"),
    "TELL": word_set("say mention specify state indicate tell provide reveal disclose give clarify"),
    "TOLD": word_set("specified stated mentioned provided given indicated disclosed"),
    "HARD": word_set("hard difficult tough tricky impossible early"),
}
_LISTS["THING"] = _LISTS["NOUN"] | {"one"}

# A model says this of itself, and may go on to answer.
_DOUBTS = """
not sure|certain|confident|positive, unsure, do|did|would|will|may|might|could not know, i|we could not GIVE,
can not KNOW !enough|more, am|feel|remain uncertain|unaware|clueless|stumped, HARD to KNOW|be, guess is as good,
would .. be guessing, have not got .. KNOWLEDGE, i wish i knew, is beyond me
"""
_REFUSALS = """
IS UNKNOWN, not known|knowable|answerable !for|as, can|could not be FOUND_OUT, not possible|impossible to KNOW,
not|answer possible $, not possible to $, impossible to $, is impossible $,
no way to|of KNOW|knowing|telling|determining|finding, there is no way $, nobody|one knows|knew,
nobody|one can|could KNOW|be, anyones|anybodys guess, remains|is|are|still .. mystery !novel|story|book|play,
open question, much debate, there|has|have|had|is|are|exists no .. answer,
no .. answer exists|available|known|to|that|can, ^ no .. answer, has|have|had not .. happened|occurred|existed,
has|have|had not taken place,
has|have|had not .. been FOUND_OUT|announced|discovered|held|released|invented|observed|published|played|born,
yet to be, yet to happen|occur|take, there is|are|exists no .. THING !MORE, there has|have been no,
no .. NOUN has|have|exists|exist !MORE,
^ no NOUN is|are|with|by|named|called, can not GIVE !but|apart|enough|more,
can not be sure|certain|said, can not do that|this|so, rather not say|answer, unable to GIVE,
am|are unable to, am|are not able to, not able to GIVE,
refuse|decline|unwilling to KNOW|comment|discuss|respond|help,
will|would not answer|say|tell|respond|comment|speculate|help|provide|assist|discuss,
have|has|with|possess no .. KNOWLEDGE, have not KNOWLEDGE,
have not faintest|slightest|foggiest .. KNOWLEDGE, got no .. KNOWLEDGE, ^ not KNOW $,
there is|are not .. answer|answers|solution|consensus, have|has yet to KNOW, nobody|one has .. out,
nobody|one has FOUND_OUT,
remains to be, time will tell, i|we .. need|require more|further|additional .. KNOWLEDGE,
do|does not appear|seem to exist, do|does not appear|seem to be .. real|recognized|recognised|actual|existing|valid,
is|are not valid time|hour|date|day|month|number|letter|word|question|country|square, clock can not show,
is|are not perfect square|cube, KNOWLEDGE is|are insufficient|inadequate|incomplete|lacking,
drawing blank, have to pass $, i will pass $, not think|believe anyone|anybody KNOWS, not something i KNOW,
do not remember|recall, there is no telling, god|heaven|goodness knows $, am|are loss,
data|knowledge do|does not .. include|cover|contain|extend, KNOWLEDGE is|are not available, KNOWLEDGE not available,
^ no KNOWLEDGE, no .. KNOWLEDGE available|about|exists|exist|regarding|whether,
do|does|did not have|possess|provide|give .. KNOWLEDGE|answer|access|means|ability|enough|sufficient,
not|no|insufficient|lack|without enough|sufficient|adequate .. KNOWLEDGE, insufficient .. KNOWLEDGE,
lack|lacks .. KNOWLEDGE, no information,
do not have personal|favorite|favourite|feelings|opinions|preferences|emotions|beliefs, not have access,
beyond|outside|outwith my knowledge|expertise|capabilities|scope, not aware of, unaware of, not familiar with,
unfamiliar with, not heard of, do|does|did not exist|exists, do|does not make .. sense, makes no sense,
make no sense, not existed|happened|occurred, ^ no such, there is|are|was|were|exists no such,
know|aware|heard|find|think|believe|of no such, is|are not .. real,
is|are fictional|fictitious|imaginary|nonexistent,
false|wrong|incorrect|flawed|faulty|mistaken premise|assumption|presupposition,
PREMISE .. is|seems|appears .. WRONG,
no such .. has|have, not clear !to|that|enough, TEXT .. do|does not TELL,
be .. fictional|fictitious|imaginary, are debating, is|are debated|disputed|contested, nobody|one has been able to,
number|date|year|origin|cause|name|author|reason unknown $, ^ idk, ^ not TOLD, KNOWLEDGE not TOLD, is|are not TOLD,
i have no .. feelings|opinions|preferences|emotions|beliefs, not something .. can,
more|further KNOWLEDGE is needed|required, i would need to know,
i can not have .. favorite|favourite|feelings|opinions|preferences,
not in position to, outside|beyond my area|field|realm, not understand question,
can neither confirm|verify, must pass, no .. KNOWLEDGE is|are available|known, prefer|choose not to,
is|are not recognized|recognised|actual|existing country|place|person|city|state|planet|animal|word
"""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sequence of words, each one of several.

    Attributes:
        words: the alternatives of each word; `ANY` for up to two words of any kind.
        first, last: whether it must begin or end its sentence.
        before: words that must not follow.
    """

    words: tuple[frozenset[str], ...]
    first: bool
    last: bool
    before: frozenset[str]

    @classmethod
    def read(cls, text: str) -> Phrase:
        """Reads the notation of this module."""
        shown, _, before = text.partition("!")
        parts = [part for part in shown.split() if part not in ("^", "$")]
        return cls(
            words=tuple(ANY if part == ".." else frozenset().union(*map(_named, part.split("|"))) for part in parts),
            first=shown.strip().startswith("^"),
            last=shown.strip().endswith("$"),
            before=frozenset().union(*map(_named, before.strip().split("|"))),
        )

    def possible(self, present: Set[str]) -> bool:
        """Whether every word of it but the last stands among those present; a cheap first look."""
        return all(not choice or not choice.isdisjoint(present) for choice in self.words[:-1])


def _named(part: str) -> frozenset[str]:
    return _LISTS.get(part, frozenset((part,)))


DOUBTS = frozenset(Phrase.read(" ".join(text.split())) for text in _DOUBTS.split(","))
"""Phrases that doubt rather than refuse: who says one and goes on to answer has answered."""

PHRASES = tuple(Phrase.read(" ".join(text.split())) for text in (_DOUBTS + "," + _REFUSALS).split(","))
"""All phrases. English only."""

_ALONE = """
unknown, not available, not applicable, unanswerable, undetermined, unclear, uncertain, no answer, no idea, idk,
dunno, unsure, not known, indeterminate, not sure, can not say, no clue, not enough information, beats me, who knows,
no one knows, nobody knows, no comment, i forget, i forgot, answer unknown, none known, not specified, not stated,
not mentioned, pass, i pass
"""
ALONE = frozenset(tuple(text.split()) for text in _ALONE.split(","))
"""Sentences that refuse, and say nothing else."""

ADVERBS = word_set(
    "yet still quite even just ever at all also too so very rather somewhat now well 100 fully simply perhaps"
)
"""Words that may stand within a phrase, beside those in -ly."""

NO_ADVERBS = word_set("reply apply imply supply rely family only fly italy july early comply")
"""Words in -ly that are no adverbs."""

CONTRACTIONS: Mapping[str, tuple[str, ...]] = {
    **{
        f"{verb}nt": (verb, "not")
        for verb in word_set("do does did is are was were has have had could would should must might need")
    },
    "cant": ("can", "not"),
    "cannot": ("can", "not"),
    "wont": ("will", "not"),
    "aint": ("is", "not"),
    "never": ("not",),
    "im": ("i", "am"),
    "ive": ("i", "have"),
    "id": ("i", "would"),
    "theres": ("there", "is"),
    "its": ("it", "is"),
    "thats": ("that", "is"),
}
"""Words that `harness.tasks.texts.words` makes of contractions, written out."""
