"""The texts: minimal differences inside a family, no shortcut to the gold answers, and grading."""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from experiments.theory_of_mind.false_belief.shortcuts import RULES
from experiments.theory_of_mind.false_belief.stories import CONTAINERS, OTHERS, THINGS, Cast, Condition, tell_story
from experiments.theory_of_mind.false_belief.task import FalseBeliefStories
from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import split

ALL: tuple[Condition, ...] = (
    *("FB", "TB", "NM", "DIST", "BACK_CLOSED", "BACK_OPEN", "TRANS", "LIED", "TOLD", "DOUBLE", "SELF", "PEEK"),
)
Probe = dict[str, Any]


def stories(**settings: Any) -> FalseBeliefStories:
    return FalseBeliefStories(name="false_belief", **settings)


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return stories(families=400).load()


def asked(items: list[Item], order: int | None = None) -> Iterator[tuple[Probe, str]]:
    for item in items:
        for probe, gold in zip(item.fields["probes"], item.gold, strict=True):
            if order in (None, probe["order"]):
                yield probe, gold


def test_the_families_of_the_default_settings() -> None:
    items = stories().load()
    assert len(items) == len({item.id for item in items}) == 200
    for item in items:
        probes = item.fields["probes"]
        assert len(probes) == len(item.gold) == 12 * 5
        assert tuple(dict.fromkeys(p["condition"] for p in probes)) == ALL
        assert json.loads(json.dumps(item.fields)) == item.fields
        assert item.cluster == item.id


def test_families_depend_on_seed_and_number_only() -> None:
    assert [i.id for i in stories(families=5).load()] == [i.id for i in stories(families=9).load()[:5]]
    assert not {i.id for i in stories(families=20).load()} & {i.id for i in stories(families=20, seed=1).load()}
    few, many = split(stories(families=50), 20, 0).test, split(stories(families=50), 40, 0).test
    assert few == many[:20]


def test_a_thousand_families_take_no_time() -> None:
    start = time.process_time()
    stories(families=1000).load()
    assert time.process_time() - start < 5


def share(items: list[Item], order: int, answer: Callable[[Probe], Sequence[str]]) -> float:
    """Expected accuracy of a shortcut that picks one of the places it cannot tell apart at random."""
    hits = [places.count(gold) / len(places) for probe, gold in asked(items, order) for places in [answer(probe)]]
    return sum(hits) / len(hits)


def of_rule(name: str) -> Callable[[Probe], Sequence[str]]:
    """The answers of a rule of the experiment, all that it may draw."""
    if name == "last two places":
        known: dict[str, slice] = {"reality": slice(-1, None), "memory": slice(0, 1)}
        return lambda p: p["places"][known.get(p["kind"], slice(-2, None))]
    return lambda p: [RULES[name](p, random.Random(0))]


def named(probe: Probe) -> list[str]:
    return re.findall("|".join(rf"\b{c}\b" for c in probe["options"]), probe["story"])


def most_frequent(probe: Probe) -> list[str]:
    counts = Counter(named(probe))
    return [c for c in counts if counts[c] == max(counts.values())]


def beside(probe: Probe, word: str, *, before: bool) -> list[str]:
    """The container that is named last before (first after) the last sentence about somebody; else any."""
    told = re.split(r"(?<=\.)\s", probe["story"])
    at = max((i for i, sentence in enumerate(told) if word in sentence), default=0)
    found = named({**probe, "story": " ".join(told[:at] if before else told[at:])})
    return [found[-1 if before else 0]] if found else probe["options"]


SHORTCUTS: dict[str, Callable[[Probe], Sequence[str]]] = {
    "most frequent place": most_frequent,
    "most frequent place, the earlier of equals": lambda p: most_frequent(p)[:1],
    "most frequent place, the later of equals": lambda p: [[c for c in named(p) if c in most_frequent(p)][-1]],
    "a place where the thing has been": lambda p: sorted(set(p["places"])),
    "last named": lambda p: named(p)[-1:],
    "last but one": lambda p: named(p)[-2:-1],
    "first option": lambda p: p["options"][:1],
    "first container of the room": lambda p: named(p)[:1],
    "first in the alphabet": lambda p: sorted(p["options"])[:1],
    "before the agent": lambda p: beside(p, p["agent"], before=True),
    "after the agent": lambda p: beside(p, p["agent"], before=False),
    "before the thing": lambda p: beside(p, p["thing"], before=True),
    "after the thing": lambda p: beside(p, p["thing"], before=False),
}


@pytest.mark.parametrize(
    ("rule", "orders"),
    [
        # Short families: FB, NM, DIST, BACK_CLOSED; long ones: LIED. It always knows the beginning, and reality in
        # short NM and long DOUBLE.
        ("first place", ((1 + 1 / 12) / 2, 2.5 / 12, 2.5 / 12)),
        # TB, NM, BACK_OPEN, TRANS, TOLD, SELF and PEEK; of the second order DIST and not PEEK.
        ("last place", ((1 + 1 / 12) / 2, 7 / 12, 7 / 12)),
        # FB, DIST, BACK_CLOSED, DOUBLE and short NM; of the second order PEEK and not DIST. Reality: short NM. The
        # beginning: in short families all but DOUBLE, in long ones NM.
        ("place before", ((0.5 / 12 + 12 / 24) / 2, 4.5 / 12, 4.5 / 12)),
        # As the last place, and LIED. Reality: all but LIED. The beginning: short NM, long DOUBLE and LIED.
        ("last mention", ((11 / 12 + 1.5 / 12) / 2, 8 / 12, 8 / 12)),
        # All but TB, BACK_CLOSED and PEEK; of the second order PEEK and not DIST. Reality: NM, SELF, TOLD and whoever
        # comes back. The beginning: FB, TB, NM, DIST and PEEK if short, LIED if long.
        ("near agent", ((6 / 12 + 3 / 12) / 2, 9 / 12, 9 / 12)),
        # Half of all but LIED, where it is neither place, and all of short NM.
        ("last two places", (1.0, 5.75 / 12, 5.75 / 12)),
    ],
)
def test_every_rule_is_right_as_often_as_the_set_lets_it(
    items: list[Item], rule: str, orders: tuple[float, float, float]
) -> None:
    assert [share(items, order, of_rule(rule)) for order in range(3)] == pytest.approx(orders)


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_no_shortcut_beats_the_best_rule_of_the_experiment(items: list[Item], shortcut: str) -> None:
    some = items[:100]
    for order in (1, 2):
        assert (
            share(some, order, SHORTCUTS[shortcut]) <= share(some, order, of_rule("near agent")) == pytest.approx(0.75)
        )


def test_the_rules_at_random_keep_to_what_they_know(items: list[Item]) -> None:
    rng, drawn = random.Random(1), Counter[tuple[str, bool]]()
    for probe, gold in asked(items[:50]):
        answer = RULES["last two places"](probe, rng)
        assert answer in of_rule("last two places")(probe)
        drawn[probe["kind"], answer == gold] += 1
    assert drawn["reality", False] == drawn["memory", False] == 0
    assert drawn["belief", True] / (50 * 24) == pytest.approx(5.75 / 12, abs=0.06)


def test_gold_is_the_first_the_last_and_another_place(items: list[Item]) -> None:
    neither = sum(gold not in (p["places"][0], p["places"][-1]) for p, gold in asked(items, 1)) / (400 * 24)
    # Short families: LIED and DOUBLE. Long ones: FB, DIST, BACK_CLOSED and DOUBLE.
    assert neither == pytest.approx(3 / 12)


def test_gold_stands_at_every_position_of_the_options_equally_often(items: list[Item]) -> None:
    positions = Counter(probe["options"].index(gold) for probe, gold in asked(items))
    n = sum(positions.values())
    assert n == 400 * 60
    # Four standard deviations of a binomial share.
    assert all(abs(positions[i] / n - 1 / 3) < 4 * (2 / 9 / n) ** 0.5 for i in range(3))


def test_asked_agent_and_mover_stand_at_every_place_of_the_introduction() -> None:
    casts = [Cast.draw(random.Random(n), long=False, first_person=False) for n in range(300)]
    for role in ("asked", "mover", "bystander"):
        assert set(Counter(c.introduced.index(getattr(c, role)) for c in casts)) == {0, 1, 2}
    assert {c.hands[0] == c.asked for c in casts} == {True, False}


def test_no_word_plays_two_parts() -> None:
    words = [*CONTAINERS, *THINGS, *OTHERS]
    assert len(words) == len(set(words))
    assert not any(re.search(rf"\b{a}", b) for a in words for b in words if a != b)


@pytest.mark.parametrize("number", range(24))
def test_stories_of_a_family_differ_in_what_their_condition_says(number: int) -> None:
    cast = Cast.draw(random.Random(number), long=number % 2 == 1, first_person=number % 3 == 0)
    texts = {condition: sentences(tell_story(cast, condition).text) for condition in ALL}

    def differ(a: Condition, b: Condition) -> tuple[int, int]:
        return len(texts[a] - texts[b]), len(texts[b] - texts[a])

    assert differ("FB", "TB") == (1, 1)
    assert differ("FB", "NM") == (1, 1)
    assert differ("TB", "DIST") == (1, 1)
    assert differ("FB", "PEEK") == differ("FB", "TOLD") == differ("FB", "LIED") == (0, 1)
    assert differ("FB", "BACK_CLOSED") == (0, 1)
    assert differ("BACK_CLOSED", "BACK_OPEN") == differ("BACK_OPEN", "TRANS") == (1, 1)
    assert differ("TOLD", "LIED") == (1, 1)
    assert differ("FB", "SELF") == (1, 1)


def sentences(text: str) -> Counter[str]:
    return Counter(re.split(r"(?<=\.)\s", text))


def test_false_and_true_belief_differ_by_leaving_and_staying() -> None:
    cast = Cast.draw(random.Random(3), long=False, first_person=False)
    (left,) = sentences(tell_story(cast, "FB").text) - sentences(tell_story(cast, "TB").text)
    (stayed,) = sentences(tell_story(cast, "TB").text) - sentences(tell_story(cast, "FB").text)
    assert left.split()[0] == stayed.split()[0] == cast.asked
    assert "room" in left
    assert "stay" in stayed or "remained" in stayed


def test_the_text_states_what_the_gold_answers_rest_on() -> None:
    cast = Cast.draw(random.Random(5), long=True, first_person=False)
    for condition in ALL:
        text = tell_story(cast, condition).text
        assert "people outside the room noticed none of it" in text
        assert ("closed and opaque" in text) == (condition not in ("BACK_OPEN", "TRANS"))
        assert ("were open" in text) == (condition == "BACK_OPEN")
        assert ("clear glass" in text) == (condition == "TRANS")
        assert ("everybody else believed" in text) == (condition == "DIST")
        assert text.count(f"as {cast.mover} knew") == (condition in ("TOLD", "LIED"))


def test_everything_asked_about_is_named_in_the_story(items: list[Item]) -> None:
    for probe, gold in asked(items):
        assert gold in probe["options"]
        assert sorted(set(named(probe))) == sorted(probe["options"])
        assert not re.search(r"[{}]|  |\b(he|she|they|his|her|their)\b", probe["story"] + probe["question"])
        for name in re.findall(r"\b[A-Z]\w+", probe["question"])[1:]:
            assert name in probe["story"]
        assert probe["stem"].endswith(" in the")
        assert gold == {"reality": probe["places"][-1], "memory": probe["places"][0]}.get(probe["kind"], gold)


def test_the_forms_of_the_questions() -> None:
    item = stories(families=1, conditions=("TB",)).load()[0]
    shown = [(p["kind"], p["order"], p["question"], p["stem"]) for p in item.fields["probes"]]
    b, a = re.findall(r"\b[A-Z]\w+", shown[2][2])[1:]
    o = shown[3][2].split()[3]
    assert shown == [
        ("belief", 1, f"Where does {a} think the {o} is?", f"{a} thinks that the {o} is in the"),
        ("action", 1, f"Where will {a} look for the {o} first?", f"{a} will first look for the {o} in the"),
        (
            "belief",
            2,
            f"Where does {b} think that {a} thinks the {o} is?",
            f"{b} thinks that {a} thinks that the {o} is in the",
        ),
        ("reality", 0, f"Where is the {o} really?", f"The {o} is really in the"),
        ("memory", 0, f"Where was the {o} in the beginning?", f"In the beginning the {o} was in the"),
    ]


def test_first_person_speaks_to_you() -> None:
    items = stories(families=60, first_person=True).load()
    text = " ".join(f"{p['story']} {p['question']} {p['stem']}" for p, _ in asked(items))
    assert "Where do you think the " in text
    assert " think that you think the " in text
    assert "You left the room." in text
    assert not re.search(r"[Yy]ou (was|is|has|does|thinks|believes)\b|[.?] you\b", text)
    plain = stories(families=60).load()
    assert [item.gold for item in items] == [item.gold for item in plain]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"conditions": ("FB", "NM")}, "not told without TB"),
        ({"conditions": ("FB", "TB", "FB")}, "named twice"),
        ({"questions": ("belief", "belief")}, "named twice"),
        ({"families": 0}, "must not be empty"),
        ({"conditions": ()}, "must not be empty"),
        ({"questions": ()}, "must not be empty"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        stories(**settings)


@pytest.mark.parametrize(
    ("text", "answer", "correct"),
    [
        ("basket", "basket", True),
        (" In the Basket.", "basket", True),
        ("Not in the box but in the **basket**", "basket", True),
        ("The basket, since nobody looked into the box.", "basket", True),
        ("The boxes are full.", "", None),
        ("I do not know.", "", None),
        ("", "", None),
    ],
)
def test_a_free_answer_is_judged_by_the_container_it_gives(text: str, answer: str, correct: bool | None) -> None:
    family = stories(families=1).load()[0]
    probe = Item({"options": ["bag", "box", "basket"]}, "basket", family.grader)
    grade = probe.grade(text)
    assert (grade.answer, grade.correct) == (answer, correct)


def test_a_whole_family_has_no_single_answer() -> None:
    with pytest.raises(TypeError, match="many questions"):
        stories(families=1).load()[0].grade("box")
