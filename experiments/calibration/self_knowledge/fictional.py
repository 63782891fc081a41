"""Templates whose unanswerable half asks about invented countries, books and animals."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from experiments.calibration.self_familiarity.invented import invent
from experiments.calibration.self_knowledge.questions import MOST, Both, Question, made_up
from harness import Grader
from harness.tasks.facts import Facts
from harness.tasks.graders import number, short_answer

_PLACES = ("ia", "land", "istan", "a")


def _table(lines: str) -> dict[str, str | list[str]]:
    """Lines "answer: one, another", of which every name is asked for; "|" stands between answers that are accepted."""
    known: dict[str, str | list[str]] = {}
    for line in lines.strip().splitlines():
        answer, _, names = line.partition(": ")
        gold = answer.split("|") if "|" in answer else answer
        known |= {name.strip(): gold for name in names.split(",")}
    return known


def _facts(kind: str, ask: str, endings: Sequence[str], *, capital: bool) -> Callable[[random.Random], Both]:
    """Questions of the facts task, and the same about names that are made up."""

    def make(rng: random.Random) -> Both:
        items = Facts(name="facts", kinds=[kind]).load()
        known = [Question(str(item.fields["question"]), item.gold, item.grader) for item in items]
        taken = {word for q in known for word in q.text.strip("?").split()} | {g for q in known for g in q.gold}
        names = invent(rng, MOST, endings, taken=taken, capital=capital)
        return known, [Question(ask.format(name)) for name in names]

    return make


def _of(
    ask: str, lines: str, *endings: str, capital: bool = True, grader: Grader = short_answer
) -> Callable[[random.Random], Both]:
    return lambda rng: made_up(rng, ask, _table(lines), endings, capital=capital, grader=grader)


_CURRENCIES = """
yen: Japan
rupee: India, Nepal
peso: Mexico, Chile, Colombia
zloty: Poland
krona: Sweden
krone: Norway, Denmark
baht: Thailand
ruble|rouble: Russia
lira: Turkey
naira: Nigeria
won: South Korea
yuan|renminbi: China
franc: Switzerland
forint: Hungary
pound: Egypt
shilling: Kenya, Uganda
rial: Iran
dirham: Morocco
"""
_CONTINENTS = """
Africa: Kenya, Ghana, Angola, Chad, Mali, Zambia, Niger, Morocco
Europe: Austria, Belgium, Poland, Norway, Portugal, Hungary, Estonia
Asia: Mongolia, Vietnam, Thailand, Nepal, Laos, Bhutan, Cambodia
South America: Peru, Chile, Bolivia, Uruguay, Ecuador, Paraguay
"""
_NOVELS = """
Stoker: Dracula
Shelley: Frankenstein
Austen: Emma, Persuasion
Joyce: Ulysses
Eliot|Evans: Middlemarch
Scott: Ivanhoe, Waverley
du Maurier: Rebecca
Nabokov: Lolita
Herbert: Dune
Morrison: Beloved
McEwan: Atonement
Cervantes: Don Quixote
Melville: Moby-Dick
Voltaire: Candide
Kipling: Kim
"""
_RIVERS = """
Mediterranean: Nile, Ebro, Rhône
Black Sea: Danube, Dnieper, Dniester
Caspian: Volga, Ural
North Sea: Rhine, Elbe, Thames, Weser
Atlantic: Amazon, Congo, Loire, Tagus, Orinoco
Adriatic|Mediterranean: Po
Baltic: Vistula, Oder
"""
_LANGUAGES = """
Portuguese: Brazil, Angola
German: Austria
Arabic: Egypt, Jordan, Syria
Spanish: Argentina, Cuba, Chile, Uruguay
Hungarian: Hungary
Polish: Poland
Greek: Greece
Japanese: Japan
Danish: Denmark
Icelandic: Iceland
Vietnamese: Vietnam
Albanian: Albania
"""
_PAINTINGS = """
Picasso: Guernica
Leonardo|da Vinci: Mona Lisa
van Gogh: Starry Night, Potato Eaters
Munch: Scream
Rembrandt: Night Watch
Velázquez: Las Meninas
Botticelli: Birth of Venus, Primavera
Hopper: Nighthawks
Vermeer: Milkmaid
Whistler: Nocturne in Black and Gold
"""
_MOUNTAINS = """
Tanzania: Kilimanjaro
Japan: Fuji
Italy: Etna, Vesuvius
Greece: Olympus
Turkey: Ararat
Russia: Elbrus
Argentina: Aconcagua
Germany: Zugspitze
Slovenia: Triglav
Ecuador: Chimborazo, Cotopaxi
Iceland: Hekla
Mexico: Popocatépetl
Spain: Mulhacén
Bulgaria: Musala
"""
_OPERAS = """
Bizet: Carmen
Verdi: Aida, Rigoletto, Nabucco, Falstaff
Puccini: Tosca
Beethoven: Fidelio
Wagner: Lohengrin, Parsifal, Tannhäuser
Bellini: Norma
Gounod: Faust
Berg: Wozzeck, Lulu
Strauss: Salome, Elektra
"""
_LEGS = """
0: snake, worm, slug
2: hen, goose, duck, swan
4: dog, cow, horse, lizard, frog, sheep
6: beetle, bee, butterfly, wasp, moth, fly
8: spider, scorpion
10: crab, lobster
"""
_MOONS = """
Jupiter: Europa, Io, Ganymede, Callisto, Amalthea
Saturn: Titan, Enceladus, Mimas, Rhea, Dione, Tethys, Iapetus
Uranus: Titania, Oberon, Miranda, Ariel, Umbriel
Neptune: Triton, Nereid
Mars: Phobos, Deimos
"""
_FRUITS = """
yellow: banana, lemon
red: strawberry, tomato, raspberry, cranberry
orange: pumpkin, tangerine, clementine
blue|purple: blueberry
"""
_LENGTHS = """
10: centimetre
100: decimetre
1000: metre
10000: decametre
100000: hectometre
1000000: kilometre
"""

TEMPLATES: Mapping[str, Callable[[random.Random], Both]] = {
    "capital": _facts("capital", "What is the capital of {}?", _PLACES, capital=True),
    "country": _facts("country", "Which country has the capital {}?", ("o", "burg", "a", "ton"), capital=True),
    "symbol": _facts("symbol", "What is the chemical symbol of {}?", ("ium", "on", "ium"), capital=False),
    "currency": _of("In which currency are prices given in {}?", _CURRENCIES, *_PLACES),
    "continent": _of("On which continent does {} lie?", _CONTINENTS, *_PLACES),
    "novel": _of('Who is the author of the novel "{}"?', _NOVELS, "a", "or", "eth", "on"),
    "river": _of("Into which sea or ocean does the river {} flow?", _RIVERS, "e", "a", "ube", "ine"),
    "language": _of("Which language do most people of {} speak?", _LANGUAGES, *_PLACES),
    "painting": _of('Who painted the picture "{}"?', _PAINTINGS, "a", "ica", "os", "en"),
    "mountain": _of("In the territory of which country stands Mount {}?", _MOUNTAINS, "o", "a", "aro", "us"),
    "opera": _of('Who composed the opera "{}"?', _OPERAS, "a", "io", "etto", "o"),
    "legs": _of("How many legs does a healthy {} have?", _LEGS, "er", "el", "ot", "it", capital=False, grader=number),
    "moon": _of("Around which planet does the moon {} turn?", _MOONS, "a", "on", "us", "e"),
    "fruit": _of("What colour is a ripe {}?", _FRUITS, "berry", "on", "ine", "ana", capital=False),
    "length": _of("How many millimetres make one {}?", _LENGTHS, "metre", "ard", "ot", capital=False, grader=number),
}
