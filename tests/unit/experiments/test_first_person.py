"""Stories in all persons, and the experiment on models that know minds, pronouns, or neither."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from experiments.theory_of_mind.first_person.arithmetic import NUMBERS
from experiments.theory_of_mind.first_person.first_person import FirstPerson
from experiments.theory_of_mind.first_person.rules import RULES
from experiments.theory_of_mind.first_person.stories import CONDITIONS
from experiments.theory_of_mind.first_person.task import FirstPersonStories
from harness.config import load_job
from harness.errors import HarnessError
from harness.items import Item
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate
from harness.testing import Simulated, simulate

FAMILIES = 12
Answer = Callable[[Mapping[str, Any], str], str]
CLAIMS = load_job(["experiment=firstPerson", "engine=fake", "tracker=none"]).claims
FIRST_ORDER, SECOND_ORDER, LARGER, BEYOND_SUMS, CONVERSION, BEYOND_ORDER, SKILL, STORY = CLAIMS


def families(n: int = FAMILIES) -> list[Item]:
    return FirstPersonStories(families=n).load()


def probes(item: Item, **wanted: Any) -> list[tuple[Mapping[str, Any], str]]:
    pairs = zip(item.fields["probes"], item.gold, strict=True)
    return [(fields, gold) for fields, gold in pairs if all(fields[name] == value for name, value in wanted.items())]


def answering(items: list[Item], answer: Answer, elsewhere: str = "") -> Callable[[str], Mapping[str, float]]:
    """A model that answers a probe in every order of its options; without its own story, the option listed first."""
    known = {
        f"{fields['story']}\n\n{fields['question']}": answer(fields, gold)
        for item in items
        for fields, gold in probes(item)
    }

    def reply(prompt: str) -> Mapping[str, float]:
        asked, listed = prompt.removeprefix("<user> ").split("\nAnswer with one of these: ")
        return {f" {known.get(asked) or elsewhere or listed.split(',')[0]}": 1.0}

    return reply


def wrong(fields: Mapping[str, Any], gold: str) -> str:
    return str(next(option for option in fields["options"] if option != gold))


def run(answer: Answer, items: list[Item] | None = None, **settings: Any) -> Simulated:
    asked = items or families()
    return simulate(FirstPerson(**settings), asked, answering(asked, answer))


def values(table: Table, name: str) -> dict[tuple[str, ...], float | None]:
    (metric,) = (m for m in FirstPerson.metrics if m.name == name)
    return {tuple(e.level[c] for c in metric.by): e.value for e in estimate(metric, table, replicates=2)}


def verdicts(table: Table) -> dict[str, str]:
    estimates = [one for metric in FirstPerson.metrics for one in estimate(metric, table, replicates=200)]
    judged = (judge_claim(claim, estimates, FirstPerson.metrics, table, replicates=200) for claim in CLAIMS)
    return {verdict.text: verdict.kind for verdict in judged}


@pytest.mark.parametrize("person", ["first", "bystander", "converted"])
def test_tellings_differ_in_nothing_but_the_pronoun(person: str) -> None:
    for item in families():
        for condition in CONDITIONS:
            told = {fields["story"] for fields, _ in probes(item, person=person, condition=condition)}
            third = {fields["story"] for fields, _ in probes(item, person="third", condition=condition)}
            (story,), (named) = told, third
            words, before = story.lower().split(), named.pop().lower().split()
            differing = {(a.strip(".,"), b.strip(".,")) for a, b in zip(words, before, strict=True) if a != b}
            assert len(differing) == 1
            assert differing.pop()[0] == "you"


def test_each_order_is_answered_with_either_place_in_half_of_the_conditions() -> None:
    old_of = {1: {"FB", "DIST"}, 2: {"FB", "PEEK"}}
    for item in families():
        for person in ("third", "first", "bystander"):
            for order, conditions in old_of.items():
                asked = probes(item, domain="belief", person=person, order=order)
                assert [fields["condition"] for fields, _ in asked] == list(CONDITIONS)
                assert {fields["condition"] for fields, gold in asked if gold == fields["places"][-2]} == conditions
                assert {gold for fields, gold in asked if fields["condition"] not in conditions} == {
                    asked[0][0]["places"][-1]
                }


def test_the_conversion_keeps_the_answer_and_lowers_the_order() -> None:
    for item in families():
        second = probes(item, person="third", order=2)
        converted = probes(item, person="converted")
        assert [gold for _, gold in converted] == [gold for _, gold in second]
        for (fields, _), (before, _) in zip(converted, second, strict=True):
            assert (fields["order"], fields["from_order"]) == (1, 2)
            assert re.fullmatch(r"Where do you think \w+ will look for the \w+\?", fields["question"])
            assert re.fullmatch(r"Where does \w+ think \w+ will look for the \w+\?", before["question"])


def test_sums_are_right_and_equal_in_both_persons() -> None:
    for item in families(40):
        third, first = (probes(item, domain="arithmetic", person=person) for person in ("third", "first"))
        for (fields, gold), (told, same) in zip(third, first, strict=True):
            assert (gold, fields["options"]) == (same, told["options"])
            assert len(set(fields["options"])) == 3
            assert "you" not in f"{fields['story']} {fields['question']}".lower().split()
            total = 0
            for sign, number in re.findall(r"\b(had|found|bought|lost|and bought|and lost) (\w+)", fields["story"]):
                total += NUMBERS.index(number) * (-1 if "lost" in sign else 1)
            assert gold == NUMBERS[total]


def test_facts_are_about_the_first_or_the_last_place_of_one_person() -> None:
    for item in families():
        third, first = (probes(item, domain="facts", person=person) for person in ("third", "first"))
        for (fields, gold), (told, same) in zip(third, first, strict=True):
            named = re.findall(r"(?:in|into) the (\w+)\.", fields["story"])
            assert named == fields["places"]
            assert gold == same == named[0 if "first" in fields["question"] else -1]
            assert fields["story"].lower().replace(fields["agent"].lower(), "you") == told["story"].lower()
            assert fields["options"] == told["options"] == third[0][0]["options"]


def test_families_are_different_and_functions_of_seed_and_number() -> None:
    items = families(200)
    assert len({item.id for item in items}) == 200
    assert items[:3] == families(3)
    assert FirstPersonStories(seed=1).family(0) != items[0]
    stories = [fields["story"] for item in items for fields, _ in probes(item, person="third", order=1)]
    assert max(Counter(stories).values()) == 1
    with pytest.raises(HarnessError, match="families=0"):
        FirstPersonStories(families=0)
    with pytest.raises(TypeError, match="no single answer"):
        items[0].grade("box")


@pytest.mark.parametrize("metric", FirstPerson.metrics, ids=lambda m: m.name)
def test_metrics_fit_the_columns(metric: Metric) -> None:
    metric.check(FirstPerson.columns())


def test_a_reader_of_minds_is_right_in_every_person_and_has_no_person_effect() -> None:
    table = run(lambda _fields, gold: gold).table
    assert set(table.columns["error"]) == {None}
    accuracy = values(table, "accuracy")
    told = ("third", "first", "bystander you", "paper's conversion", "facts third", "facts you")
    assert {accuracy[arm,] for arm in ("arithmetic third", "arithmetic you")} == {1.0}
    assert {accuracy[arm,] for arm in told} == {1.0}
    effects = values(table, "person_effect")
    assert {level for level in effects if level[0] != "no story first"} == {
        ("first", "1"),
        ("first", "2"),
        ("bystander you", "1"),
        ("bystander you", "2"),
        ("arithmetic you", "0"),
        ("facts you", "0"),
    }
    assert set(effects.values()) == {0.0}
    assert values(table, "conversion_gain") == {("paper's conversion", "1"): 0.0}
    assert verdicts(table)[SKILL.text] == verdicts(table)[STORY.text] == "supported"


def test_rules_reach_their_known_shares_on_both_orders() -> None:
    accuracy = values(run(lambda _fields, gold: gold).table, "accuracy_by_order")
    for order in ("1", "2"):
        # Half of the families are long: there the first place is never right, and elsewhere it is the place before.
        assert accuracy["rule: first place", order] == pytest.approx(0.25)
        for rule in ("last place", "place before", "near agent"):
            assert accuracy[f"rule: {rule}", order] == pytest.approx(0.5)
    # Who seems to see the move is who stays in the room: all of the second order, and half of the first.
    assert (accuracy["rule: who left", "1"], accuracy["rule: who left", "2"]) == (0.5, 1.0)
    for name in ("first option", "longest option"):
        assert {RULES[name](fields) in fields["options"] for item in families() for fields, _ in probes(item)} == {True}


def test_who_reads_only_the_own_mind_has_a_person_effect_beyond_any_pronoun() -> None:
    def only_own(fields: Mapping[str, Any], gold: str) -> str:
        own = fields["domain"] != "belief" or fields["person"] == "first"
        return gold if own else wrong(fields, gold)

    table = run(only_own).table
    effects = values(table, "person_effect")
    assert effects["first", "1"] == effects["first", "2"] == 1.0
    assert effects["bystander you", "1"] == effects["arithmetic you", "0"] == effects["facts you", "0"] == 0.0
    judged = verdicts(table)
    assert [judged[claim.text] for claim in (FIRST_ORDER, SECOND_ORDER, LARGER, BEYOND_SUMS)] == ["supported"] * 4


def test_who_is_woken_up_by_the_word_you_has_no_person_effect_of_its_own() -> None:
    def woken(fields: Mapping[str, Any], gold: str) -> str:
        return wrong(fields, gold) if fields["person"] == "third" else gold

    table = run(woken).table
    assert set(values(table, "person_effect").values()) - {0.0} == {1.0}
    judged = verdicts(table)
    assert judged[FIRST_ORDER.text] == "supported"
    assert judged[LARGER.text] == judged[BEYOND_SUMS.text] == "undecided"


def test_who_only_fails_at_second_order_gains_by_the_conversion_and_not_by_the_person() -> None:
    table = run(lambda fields, gold: wrong(fields, gold) if fields["order"] == 2 else gold).table
    assert values(table, "conversion_gain") == {("paper's conversion", "1"): 1.0}
    assert set(values(table, "person_effect").values()) == {0.0}
    judged = verdicts(table)
    assert judged[CONVERSION.text] == "supported"
    assert judged[BEYOND_ORDER.text] == judged[FIRST_ORDER.text] == "undecided"


def test_who_goes_by_the_place_in_the_list_is_found_out() -> None:
    def first_listed(prompt: str) -> Mapping[str, float]:
        return {f" {prompt.rpartition('one of these: ')[2].partition(',')[0]}": 1.0}

    table = simulate(FirstPerson(), families(), first_listed).table
    assert set(values(table, "listed_first").values()) == {1.0}
    p_gold = values(table, "p_gold_by_order")
    assert p_gold == dict.fromkeys(p_gold, pytest.approx(1 / 3))
    assert verdicts(table)[SKILL.text] != "supported"


def test_controls_show_no_story_or_that_of_another_family() -> None:
    items = families(1)
    experiment = FirstPerson(arms=["no story", "no story first", "shuffled story"])
    done = simulate(experiment, items, answering(items, lambda _fields, gold: gold))
    prompts = {exchange.prompt for exchange in done.finished[0].transcript}
    # Without its story a question is the same in all conditions: two orders, two persons, three rotations.
    bare = [prompt for prompt in prompts if "\n\n" not in prompt]
    assert len(bare) == 2 * 2 * 3
    assert len(prompts) == len(bare) + 2 * 3
    other = items[0].fields["other_story"]
    assert all(prompt.startswith(f"<user> {other}\n\n") for prompt in prompts if prompt not in bare)
    assert other != probes(items[0], person="third")[0][0]["story"]


def test_an_arm_alone_asks_what_it_is_set_against() -> None:
    table = run(lambda _fields, gold: gold, arms=["paper's conversion"]).table
    assert set(table.columns["arm"]) == {"paper's conversion"}
    assert values(table, "conversion_gain") == {("paper's conversion", "1"): 0.0}
    assert FirstPerson(arms=["rule: last place"]).capabilities() == frozenset()
