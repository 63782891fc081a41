"""The texts: minimal differences inside a family, no shortcut to the gold answers, and grading."""

from __future__ import annotations

import itertools
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from experiments.theory_of_mind.false_belief import shortcuts
from experiments.theory_of_mind.false_belief.cast import CONTAINERS, OTHERS, THINGS, Cast
from experiments.theory_of_mind.false_belief.plan import ALL, CLASSIC, CROSSED, SPARING
from experiments.theory_of_mind.false_belief.questions import Question, about
from experiments.theory_of_mind.false_belief.questions import probe as made
from experiments.theory_of_mind.false_belief.shortcuts import RULES, by_rule
from experiments.theory_of_mind.false_belief.stories import Condition, tell_story
from experiments.theory_of_mind.false_belief.task import FalseBeliefStories
from experiments.theory_of_mind.false_belief.yes_no import said_yes_or_no
from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import split

THIRD_PERSON: tuple[Condition, ...] = (
    *("FB", "TB", "NM", "DIST", "BACK_CLOSED", "BACK_OPEN", "TRANS", "LIED", "TOLD", "DOUBLE", "SELF", "PEEK"),
)
"""The twelve stories about where a thing is."""
Probe = dict[str, Any]


def stories(**settings: Any) -> FalseBeliefStories:
    return FalseBeliefStories(name="false_belief", **settings)


@pytest.fixture(scope="module")
def items() -> list[Item]:
    """Families in which every question is asked about the twelve stories about where a thing is."""
    return stories(families=400, conditions=THIRD_PERSON, whole=True).load()


def asked(items: list[Item], kind: str | None = None, order: int | None = None) -> Iterator[tuple[Probe, str]]:
    for item in items:
        for probe, gold in zip(item.fields["probes"], item.gold, strict=True):
            if kind in (None, probe["kind"]) and order in (None, probe["order"]):
                yield probe, gold


def test_the_families_of_the_default_settings() -> None:
    items = stories().load()
    assert len(items) == len({item.id for item in items}) == 200
    for item in items:
        probes = item.fields["probes"]
        # Beliefs; actions; beliefs about beliefs; facts; awareness; who knows, about each person.
        assert len(probes) == len(item.gold) == 16 + 2 + 3 * 4 + 2 + 6 + 2 * 3
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


def share(items: list[Item], kind: str, order: int, answer: Callable[[Probe], Sequence[str]]) -> float:
    """Expected accuracy of a shortcut that picks one of the answers it cannot tell apart at random."""
    hits = [said.count(gold) / len(said) for probe, gold in asked(items, kind, order) for said in [answer(probe)]]
    return sum(hits) / len(hits)


def facts(items: list[Item], answer: Callable[[Probe], Sequence[str]]) -> float:
    """The mean of the shares of reality and memory."""
    return sum(share(items, kind, 0, answer) for kind in ("reality", "memory")) / 2


def of_rule(name: str) -> Callable[[Probe], Sequence[str]]:
    """The answers of a rule of the experiment, all that it may draw, as often as it draws them."""

    def answers(p: Probe) -> Sequence[str]:
        drawn = {"last two places": p["places"][-2:], "any place held": sorted(set(p["places"]))}.get(name)
        if drawn is None or p["kind"] in ("reality", "memory"):
            return [by_rule(name, p, random.Random(0))]
        return drawn if not p["claimed"] else ["yes" if place == p["claimed"] else "no" for place in drawn]

    return answers


def named(probe: Probe) -> list[str]:
    return re.findall("|".join(rf"\b{c}\b" for c in probe["containers"]), probe["story"])


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
        # Short families: half, but LIED none, NM all and DOUBLE a third. Long ones: a third, but NM half.
        ("any place held", (1.0, (9 / 2 + 1 + 1 / 3 + 11 / 3 + 1 / 2) / 24, (9 / 2 + 1 + 1 / 3 + 11 / 3 + 1 / 2) / 24)),
        # FB, TB, BACK_CLOSED, DOUBLE and short NM; of the second order also DIST and PEEK.
        ("who left", (1.0, 4.5 / 12, 6.5 / 12)),
        # All but DIST, BACK_CLOSED and PEEK; of the second order all but BACK_CLOSED.
        ("near who left", (1.0, 9 / 12, 11 / 12)),
    ],
)
def test_every_rule_is_right_as_often_as_the_set_lets_it(
    items: list[Item], rule: str, orders: tuple[float, float, float]
) -> None:
    answer = of_rule(rule)
    assert [facts(items, answer), *(share(items, "belief", n, answer) for n in (1, 2))] == pytest.approx(orders)
    assert share(items, "action", 1, answer) == share(items, "belief", 1, answer)


def casts() -> Iterator[Cast]:
    """A family with every length, every bystander and every chain of minds, as often as it is drawn."""
    cast = Cast.draw(random.Random(3), long=False)
    a, b, c = cast.people
    for long, early in itertools.product((False, True), repeat=2):
        for chain in ((b, a, b, a), (c, a, b, a), (a, c, b, a), (b, c, b, a)):
            yield replace(cast, long=long, early=early, chain=chain)


ASKED: Sequence[tuple[Question, Sequence[Condition]]] = (
    *(("belief", ALL), ("second", CROSSED), ("third", CROSSED), ("fourth", CROSSED)),
    ("awareness", (*CLASSIC, *CROSSED)),
)


def test_the_rates_that_the_rules_document_are_counted_out() -> None:
    lines = [line for line in (shortcuts.__doc__ or "").splitlines() if re.search(r"\d\d\.\d$", line)]
    documented = {line[4:20].strip(): [float(share) for share in line[20:].split()] for line in lines}
    assert set(RULES) - set(documented) == {"most frequent place", "longest option"}
    assert all(tuple(SPARING[question]["options"]) == tuple(conditions) for question, conditions in ASKED)
    for rule, shares in documented.items():
        for (question, conditions), expected in zip(ASKED, shares, strict=True):
            told = [
                (one.right, of_rule(rule)(made(one, (), "", "0")))
                for cast in casts()
                for condition in conditions
                for one in about(question, tell_story(cast, condition))
            ]
            found = sum(said.count(right) / len(said) for right, said in told) / len(told)
            assert round(100 * found, 3) == pytest.approx(expected, abs=0.051), (rule, question)


def test_yes_to_everything_is_right_on_half_of_awareness_and_balanced_by_default() -> None:
    golds = [gold for _, gold in asked(stories(families=50).load(), "awareness")]
    assert golds.count("yes") == golds.count("no") == 50 * 3
    whole = [gold for _, gold in asked(stories(families=50, conditions=THIRD_PERSON, whole=True).load(), "awareness")]
    assert whole.count("yes") == whole.count("no") == 50 * 6


def test_who_left_is_right_on_the_classic_pair_and_the_crossed_stories_show_it_up(items: list[Item]) -> None:
    """A rule that reads one word passes every question about FB and TB, but for chains through who left early."""
    for p, gold in asked(items):
        if p["condition"] in CLASSIC and (p["kind"] != "belief" or p["order"] < 3):
            assert by_rule("who left", p, random.Random(0)) == gold, p["question"]


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_no_shortcut_beats_the_best_rule_of_the_experiment(items: list[Item], shortcut: str) -> None:
    some = items[:100]
    for order in (1, 2):
        best = share(some, "belief", order, of_rule("near agent"))
        assert share(some, "belief", order, SHORTCUTS[shortcut]) <= best == pytest.approx(0.75)


@pytest.mark.parametrize("rule", ["most frequent place", "longest option"])
def test_rules_that_hang_on_the_words_of_a_family_get_about_a_third(items: list[Item], rule: str) -> None:
    assert share(items, "belief", 1, of_rule(rule)) == pytest.approx(1 / 3, abs=0.08)


def test_the_rules_at_random_keep_to_what_they_know(items: list[Item]) -> None:
    rng, drawn = random.Random(1), Counter[tuple[str, int, bool]]()
    for probe, gold in asked(items[:50]):
        answer = by_rule("last two places", probe, rng)
        assert answer in of_rule("last two places")(probe)
        drawn[probe["kind"], probe["order"], answer == gold] += 1
    assert drawn["reality", 0, False] == drawn["memory", 0, False] == 0
    assert (drawn["belief", 1, True] + drawn["belief", 2, True]) / (50 * 24) == pytest.approx(5.75 / 12, abs=0.06)


def test_gold_is_the_first_the_last_and_another_place(items: list[Item]) -> None:
    neither = sum(gold not in (p["places"][0], p["places"][-1]) for p, gold in asked(items, "belief", 1)) / (400 * 12)
    # Short families: LIED and DOUBLE. Long ones: FB, DIST, BACK_CLOSED and DOUBLE.
    assert neither == pytest.approx(3 / 12)


def test_gold_stands_at_every_position_of_the_options_equally_often(items: list[Item]) -> None:
    """Options have one order in all stories of a family, so families are what is independent."""
    for kind, options in (("belief", 3), ("action", 3), ("reality", 3), ("awareness", 2)):
        for condition in ("FB", "TB"):
            told = [(p, gold) for p, gold in asked(items, kind) if p["condition"] == condition and p["order"] < 2]
            positions = Counter(p["options"].index(gold) for p, gold in told)
            n, even = sum(positions.values()), 1 / options
            assert n == 400
            # Four standard deviations of a binomial share.
            assert all(abs(positions[i] / n - even) < 4 * (even * (1 - even) / n) ** 0.5 for i in range(options))


def test_a_question_is_the_same_in_all_stories_of_a_family(items: list[Item]) -> None:
    """So that without a story it is one question, and is asked once."""
    for item in items[:20]:
        seen: dict[str, list[str]] = {}
        for probe in item.fields["probes"]:
            assert seen.setdefault(probe["question"], probe["options"]) == probe["options"]


def test_another_story_shares_nobody_and_nothing_that_could_be_answered_with(items: list[Item]) -> None:
    for probe, _ in asked(items[:40]):
        assert probe["other_story"] != probe["story"]
        words = set(re.findall(r"\w+", probe["other_story"]))
        assert not words & {*probe["containers"], *re.findall(r"\b[A-Z]\w+", probe["question"])[1:]}
        # One may tell that the bystander leaves, and the other not.
        assert abs(probe["other_story"].count(".") - probe["story"].count(".")) <= 1


def test_sparing_families_hold_the_questions_of_whole_ones(items: list[Item]) -> None:
    def shown(probe: Probe) -> Probe:
        return {name: value for name, value in probe.items() if name not in ("readings", "other_story")}

    for sparing, whole in zip(stories(families=5).load(), stories(families=5, whole=True).load(), strict=True):
        all_asked = [(shown(p), gold) for p, gold in asked([whole])]
        assert len(all_asked) == 16 * (8 + 3) - 2  # nobody looks for contents: no action about the two labels
        assert all((shown(p), gold) in all_asked for p, gold in asked([sparing]))
        assert all(p["readings"] == ["options", "no story", "shuffled story", "free"] for p, _ in asked([whole]))
        assert all("options" in p["readings"] for p, _ in asked([sparing]))


def test_asked_agent_and_mover_stand_at_every_place_of_the_introduction() -> None:
    casts = [Cast.draw(random.Random(n), long=False) for n in range(300)]
    for role in ("asked", "mover", "bystander"):
        assert set(Counter(c.introduced.index(getattr(c, role)) for c in casts)) == {0, 1, 2}
    assert {c.hands[0] == c.asked for c in casts} == {True, False}


def test_no_word_plays_two_parts() -> None:
    words = [*CONTAINERS, *THINGS, *OTHERS]
    assert len(words) == len(set(words))
    assert not any(re.search(rf"\b{a}", b) for a in words for b in words if a != b)


@pytest.mark.parametrize("number", range(24))
def test_stories_of_a_family_differ_in_what_their_condition_says(number: int) -> None:
    cast = Cast.draw(random.Random(number), long=number % 2 == 1)
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
    assert differ("LABEL", "LABEL_SEEN") == differ("FB_YOU", "TB_YOU") == (1, 1)
    third, second = (tell_story(cast, condition) for condition in ("FB", "FB_YOU"))
    assert second.text.lower() == third.text.lower().replace(cast.asked.lower(), "you")


def sentences(text: str) -> Counter[str]:
    return Counter(re.split(r"(?<=\.)\s", text))


def test_false_and_true_belief_differ_by_leaving_and_staying() -> None:
    cast = Cast.draw(random.Random(3), long=False)
    (left,) = sentences(tell_story(cast, "FB").text) - sentences(tell_story(cast, "TB").text)
    (stayed,) = sentences(tell_story(cast, "TB").text) - sentences(tell_story(cast, "FB").text)
    assert left.split()[0] == stayed.split()[0] == cast.asked
    assert "room" in left
    assert "stay" in stayed or "remained" in stayed


def test_the_text_states_what_the_gold_answers_rest_on() -> None:
    cast = Cast.draw(random.Random(5), long=True)
    for condition in ALL:
        text = tell_story(cast, condition).text
        assert "people outside the room noticed none of it" in text
        assert ("closed and opaque" in text) == (condition not in ("BACK_OPEN", "TRANS"))
        assert ("read and believed it" in text) == condition.startswith("LABEL")
        assert ("were open" in text) == (condition == "BACK_OPEN")
        assert ("clear glass" in text) == (condition == "TRANS")
        assert ("everybody else believed" in text) == (condition == "DIST")
        assert text.count(f"as {cast.mover} knew") == (condition in ("TOLD", "LIED"))


def test_everything_asked_about_is_named_in_the_story() -> None:
    for probe, gold in asked(stories(families=60, whole=True).load()):
        assert gold in probe["options"]
        assert sorted(set(named(probe))) == sorted(probe["containers"])
        assert not re.search(r"[{}]|  |\b(he|she|they|his|her|their)\b", probe["story"] + probe["question"])
        for name in re.findall(r"\b[A-Z]\w+", probe["question"])[1:]:
            assert name in probe["story"]
        if probe["claimed"]:
            assert (sorted(probe["options"]), probe["stem"]) == (["no", "yes"], "")
        else:
            assert sorted(probe["options"]) == sorted(probe["containers"])
            assert re.search(r" (in|is) the$", probe["stem"])
        assert gold == {"reality": probe["places"][-1], "memory": probe["places"][0]}.get(probe["kind"], gold)


def test_the_forms_of_the_questions() -> None:
    (item,) = stories(families=1, conditions=("TB",), whole=True).load()
    shown = [(p["kind"], p["order"], p["question"], p["stem"]) for p in item.fields["probes"]]
    b, a = re.findall(r"\b[A-Z]\w+", shown[2][2])[1:]
    o, c = shown[5][2].split()[3], item.gold[0]
    x, y, *_ = re.findall(r"\b[A-Z]\w+", shown[4][2])[1:]
    bystander = item.fields["probes"][-1]["agent"]
    assert shown == [
        ("belief", 1, f"Where does {a} think the {o} is?", f"{a} thinks that the {o} is in the"),
        ("action", 1, f"Where will {a} look for the {o} first?", f"{a} will first look for the {o} in the"),
        *(
            ("belief", n, f"Where does {asks} think {told}the {o} is?", f"{asks} thinks {told}that the {o} is in the")
            for n, asks, told in (
                (2, b, f"that {a} thinks "),
                (3, y, f"that {b} thinks that {a} thinks "),
                (4, x, f"that {y} thinks that {b} thinks that {a} thinks "),
            )
        ),
        ("reality", 0, f"Where is the {o} really?", f"The {o} is really in the"),
        ("memory", 0, f"Where was the {o} in the beginning?", f"In the beginning the {o} was in the"),
        ("awareness", 1, f"Does {a} know that the {o} was moved into the {c}?", ""),
        *(("knows", 1, f"Does {name} know where the {o} is?", "") for name in (a, b, bystander)),
    ]
    assert [p["part"] for p in item.fields["probes"][-3:]] == ["asked", "mover", "bystander"]


def test_the_forms_of_the_questions_about_a_label() -> None:
    (item,) = stories(families=1, conditions=("LABEL", "LABEL_SEEN"), whole=True).load()
    probes = item.fields["probes"][:10]
    a, o = probes[0]["agent"], probes[0]["thing"]
    label, inside = probes[0]["places"]
    shown = {
        (p["kind"], p["order"]): (p["question"], p["stem"], gold) for p, gold in zip(probes, item.gold, strict=False)
    }
    belief = (f"What does {a} think is in the {o}?", f"{a} thinks that the thing in the {o} is the", label)
    assert shown["belief", 1] == belief
    assert shown["reality", 0] == (f"What is really in the {o}?", f"The thing that is really in the {o} is the", inside)
    said = f"According to the label, the thing in the {o} is the"
    assert shown["memory", 0] == (f"What does the label on the {o} say?", said, label)
    assert shown["awareness", 1] == (f"Does {a} know that there is a {inside} in the {o}?", "", "no")
    assert re.fullmatch(rf"What does (\w+) think that {a} thinks is in the {o}\?", shown["belief", 2][0])
    assert f'The label on the {o} said "{label}"' in probes[0]["story"]
    assert "action" not in {p["kind"] for p in item.fields["probes"]}
    assert item.gold[10] == inside


def test_first_person_speaks_to_you() -> None:
    items = stories(families=60, conditions=("FB", "TB", "FB_YOU", "TB_YOU"), whole=True).load()
    golds: dict[str, list[str]] = {}
    for p, gold in asked(items):
        golds.setdefault(p["condition"], []).append(gold)
    assert golds["FB_YOU"] == golds["FB"]
    assert golds["TB_YOU"] == golds["TB"]
    second = [p for p, _ in asked(items) if p["condition"].endswith("_YOU")]
    text = " ".join(f"{p['story']} {p['question']} {p['stem']}" for p in second)
    assert "Where do you think the " in text
    assert " think that you think the " in text
    assert " Do you know where the " in text
    assert "You left the room." in text
    assert not re.search(r"[Yy]ou (was|is|has|does|thinks|believes|knows)\b|[.?] you\b|Does you", text)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"conditions": ("FB", "NM")}, "FB is not told without TB"),
        ({"conditions": ("LABEL", "TB")}, "LABEL is not told without LABEL_SEEN"),
        ({"conditions": ("FB_YOU", "TB")}, "FB_YOU is not told without TB_YOU"),
        ({"conditions": ("NM",), "questions": ("action",)}, "set task.whole=true"),
        ({"conditions": ("LABEL_SEEN",), "questions": ("action",), "whole": True}, "no question"),
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Yes", "yes"),
        (" No.", "no"),
        ("**No**, Kendall does not know that.", "no"),
        ("Yes, Kendall saw it. Reese did not.", "yes"),
        ("Kendall left the room, so no", "no"),
        ("Kendall does not know that the letter was moved.", "no"),
        ("Kendall doesn't know, because Kendall saw nothing.", "no"),
        ("Kendall knows where it is.", "yes"),
        ("Kendall is unaware of it.", "no"),
        ("No one told Kendall, but Kendall knows.", "yes"),
        ("Yes or no? The answer is no.", "no"),
        ("No, wait. The answer is yes.", "yes"),
        ("It is yes for Reese and no for Kendall.", None),
        ("Yes or no", None),
        ("The chest.", None),
        ("nothing of note", None),
        ("I do not know.", None),
        ("As Kendall was away, Kendall is not aware of that.", "no"),
        ("", None),
    ],
)
def test_a_free_answer_is_read_for_its_yes_or_no(text: str, said: str | None) -> None:
    assert said_yes_or_no(text) == said
    family = stories(families=1).load()[0]
    grade = Item({"options": ["yes", "no"]}, "no", family.grader).grade(text)
    assert (grade.answer, grade.correct) == (said or "", None if said is None else said == "no")


def test_a_whole_family_has_no_single_answer() -> None:
    with pytest.raises(TypeError, match="many questions"):
        stories(families=1).load()[0].grade("box")
