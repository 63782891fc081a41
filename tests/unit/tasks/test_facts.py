"""Facts: the data behind them and the rules that keep them unambiguous."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import split
from harness.tasks.facts import Facts
from harness.tasks.facts import _countries as countries
from harness.tasks.graders import aliases, gold_text


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return Facts(name="facts").load()


def of(items: list[Item], question: str) -> Item:
    return next(item for item in items if item.fields["question"] == question)


def test_the_countries_are_the_193_members_of_the_united_nations() -> None:
    assert len(countries()) == 193


def test_there_are_hundreds_of_distinct_items(items: list[Item]) -> None:
    kinds = Counter(item.fields["kind"] for item in items)
    assert kinds == {"capital": 168, "country": 164, "symbol": 118, "number": 118, "element": 118}
    assert len({item.id for item in items}) == len(items)
    assert all(set(item.fields) == {"question", "kind", "difficulty", "stratum"} for item in items)


def test_every_accepted_answer_is_right_and_that_of_no_other_item_is(items: list[Item]) -> None:
    by_kind: dict[str, list[Item]] = {}
    for item in items:
        by_kind.setdefault(item.fields["kind"], []).append(item)
        for gold in aliases(item.gold):
            assert item.grade(f"It is {gold}.").correct is True, (item.fields["question"], gold)
    wrong = [
        (item.fields["question"], gold_text(other))
        for kind in ("capital", "country", "element")
        for item in by_kind[kind]
        for other in by_kind[kind][::7]
        if other is not item and item.grade(gold_text(other)).correct
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("What is the capital of the United States?", ["Washington", "Washington, D.C.", "Washington DC"]),
        ("What is the capital of Ukraine?", ["Kyiv", "Kiev"]),
        ("What is the capital of Antigua and Barbuda?", ["St. John's", "Saint John\u2019s"]),
        ("What is the capital of Myanmar?", ["Naypyidaw", "Nay Pyi Taw"]),
        ("What is the capital of Brazil?", ["Bras\u00edlia"]),
        ("Which country has the capital Prague?", ["Czechia", "The Czech Republic"]),
        ("Which country has the capital Yamoussoukro?", ["Ivory Coast", "C\u00f4te d'Ivoire"]),
        ("Which country has the capital Amsterdam?", ["Netherlands", "the Netherlands"]),
        ("What is the chemical symbol of cobalt?", ["Co"]),
        ("What is the atomic number of iron?", ["26", "It is 26."]),
        ("Which chemical element has the symbol Al?", ["aluminum", "Aluminium"]),
    ],
)
def test_names_in_use_are_accepted(items: list[Item], question: str, answers: list[str]) -> None:
    item = of(items, question)
    assert [item.grade(answer).correct for answer in answers] == [True] * len(answers)


@pytest.mark.parametrize(
    "left_out",
    [
        "the capital of Israel",  # disputed
        "the capital of Bolivia",  # two
        "the capital of Kazakhstan",  # the package is out of date
        "the capital of Singapore",  # the question gives it away
        "the capital of Guinea-Bissau",
        "the capital of Antarctica",  # no country
        "the capital of Greenland",  # a dependent territory
        "the capital Conakry",  # "Guinea" lies in "Equatorial Guinea"
        "the capital London",  # England's too
    ],
)
def test_ambiguous_items_are_left_out(items: list[Item], left_out: str) -> None:
    assert not [item for item in items if left_out in item.fields["question"]]


def test_difficulty_and_strata(items: list[Item]) -> None:
    china, tuvalu = of(items, "What is the capital of China?"), of(items, "What is the capital of Tuvalu?")
    assert (china.fields["difficulty"], china.fields["stratum"]) == (0.85, "easy")  # 10 - log10(1,411,778,724)
    assert (tuvalu.fields["difficulty"], tuvalu.fields["stratum"]) == (5.939, "hard")  # 11,508 people
    strata = [of(items, f"What is the chemical symbol of {e}?") for e in ("calcium", "scandium", "barium", "lanthanum")]
    assert [(e.fields["difficulty"], e.fields["stratum"]) for e in strata] == [
        (20.0, "easy"),
        (21.0, "medium"),
        (56.0, "medium"),
        (57.0, "hard"),
    ]


def test_settings_select_items(items: list[Item]) -> None:
    hard = Facts(name="facts", kinds=["symbol"], stratum="hard").load()
    wanted = [i for i in items if i.fields["kind"] == "symbol" and i.fields["stratum"] == "hard"]
    assert [i.id for i in hard] == [i.id for i in wanted]
    assert len(hard) == 62


def test_questions_on_one_thing_share_a_cluster() -> None:
    task = Facts(name="facts")
    clusters = Counter(item.group for item in task.load())
    assert (clusters["element:Fe"], clusters["country:FR"]) == (3, 2)
    parts = split(task, 100, 100)
    assert not {i.group for i in parts.test} & {i.group for i in parts.train}


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(HarnessError, match=r"kinds=\['capitol'\]; give some of capital, country"):
        Facts(name="facts", kinds=["capitol"]).load()
    with pytest.raises(HarnessError, match="stratum='simple'"):
        Facts(name="facts", stratum="simple").load()
