"""The experiment on models that know their replies, that say one thing always, and that break the form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from zlib import crc32

import pytest

from experiments.introspection.self_prediction.prompts import TEXTS
from experiments.introspection.self_prediction.properties import CHOICE, PROPERTIES, clean, read, truth
from experiments.introspection.self_prediction.rows import ARMS, Seen, mode, values_of
from experiments.introspection.self_prediction.self_prediction import SelfPrediction
from experiments.introspection.self_prediction.task import LISTS, OpenRequests, no_answer
from harness.config import load_job
from harness.errors import HarnessError
from harness.items import Item
from harness.outcomes import Table
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate, estimate_all
from harness.testing import Simulated, simulate

ITEMS = OpenRequests(size=160).load()
TEST, TRAIN = ITEMS[:60], ITEMS[60:]
ALL = tuple(PROPERTIES)
CLAIMS = load_job(["experiment=selfPrediction", "engine=fake", "tracker=none"]).claims
HYPOTHETICAL = re.compile(
    r'request: "(?P<question>.*)"\n(?:What would be (?P<asked>.*) of your|Of your .*, say (?P<said>.*)\. If)', re.DOTALL
)


def asked(prompt: str) -> tuple[str, str | None]:
    """The request in a prompt, and the property that is asked for; None where the reply itself is."""
    if found := HYPOTHETICAL.search(prompt):
        name = next(n for n, p in PROPERTIES.items() if p.asked == (found["asked"] or found["said"]))
        return found["question"], name
    return prompt.removeprefix("<user> ").split("\n<assistant>")[0], None


def replying(question: str, seed: str = "") -> str:
    """A reply to a request, which depends on every word of it."""
    number = crc32(f"{seed}/{question}".encode())
    if "Reply with one letter" in question:
        return "ABCD"[number % 4]
    kind = next(kind for kind in LISTS if re.search(rf"\b{kind}\b", question))
    return LISTS[kind][number % len(LISTS[kind])].capitalize()


def model(predict: Callable[[str, str], str], seed: str = "") -> Callable[[str], str]:
    """A model that replies as `replying`, and predicts by the request and the name of the property."""

    def answer(prompt: str) -> str:
        question, name = asked(prompt)
        return replying(question, seed) if name is None else predict(question, name)

    return answer


def echo(question: str, name: str) -> str:
    return PROPERTIES[name].of(replying(question))


def run(answer: Any, items: list[Item] = TEST, *, other: Any = None, **settings: Any) -> Simulated:
    experiment = SelfPrediction(properties=ALL, **settings)
    train = TRAIN[: experiment.train_items()]
    if other is None:
        return simulate(experiment, items, answer, train=train)
    return simulate(Rivalled(properties=ALL, **settings), items, answer, train=train, roles={"rival": other})


class Rivalled(SelfPrediction):
    """The experiment with a rival that counts as another model: fake engines all have one identity."""

    async def ask(self, arm: Any, common: Any, item: Any, subject: Any, fitted: Any) -> Any:
        rival = subject.role("rival")
        rival.engine.identity = {**rival.engine.identity, "model": "another"}
        return await super().ask(arm, common, item, subject, fitted)


def value(table: Table, name: str, **level: str) -> float | None:
    (metric,) = [one for one in SelfPrediction.metrics if one.name == name]
    found = [one for one in estimate(metric, table, replicates=20) if one.level == level]
    return found[0].value if found else None


@pytest.fixture(scope="module")
def echoed() -> Simulated:
    return run(model(echo), other=model(lambda q, n: PROPERTIES[n].of(replying(q, "other")), "other"))


def test_a_model_that_knows_its_reply_is_always_right(echoed: Simulated) -> None:
    assert not any(row["error"] for row in echoed.rows)
    mine = [row for row in echoed.rows if row["arm"] == "self"]
    named = [row for row in mine if row["truth"]]
    assert named
    assert all(row["correct"] for row in named)
    assert value(echoed.table, "accuracy_answered", arm="self") == 1
    # One-word replies have no second word: nobody is right about it.
    assert {row["property"] for row in mine if not row["truth"]} == {"second word"}
    assert not any(row["correct"] for row in echoed.rows if not row["truth"])


def test_a_rival_is_right_where_it_would_reply_alike(echoed: Simulated) -> None:
    theirs = {(row["item"], row["property"]): row for row in echoed.rows if row["arm"] == "rival"}
    assert len(theirs) == sum(1 for row in echoed.rows if row["arm"] == "self")
    questions = {item.id: str(item.fields["question"]) for item in TEST}
    for (item, name), row in theirs.items():
        own, other = (PROPERTIES[name].of(replying(questions[item], seed)) for seed in ("", "other"))
        assert row["correct"] == (bool(own) and own == other)


def test_without_another_model_there_is_no_rival() -> None:
    assert {row["arm"] for row in run(model(echo), TEST[:6]).rows} == {*SelfPrediction().arms} - {"rival"}


def test_claims_are_right_about_a_model_that_knows_itself(echoed: Simulated) -> None:
    estimates = estimate_all(SelfPrediction.metrics, echoed.table, replicates=200)
    assert all(one.value is not None for one in estimates if one.metric not in {"mad", "mad_repeat"})
    kinds = [judge_claim(c, estimates, SelfPrediction.metrics, echoed.table, replicates=200).kind for c in CLAIMS]
    assert kinds == ["supported"] * 3


@pytest.mark.parametrize(("place", "rule"), [("first_named", "rule: first named"), ("named", "rule: last named")])
def test_a_model_that_repeats_what_a_request_names_needs_no_knowledge_of_itself(place: str, rule: str) -> None:
    """It replies with the first (last) thing of the list, and says so. Whoever reads the request can say it."""
    of_question = {str(item.fields["question"]): item for item in ITEMS}

    def answer(prompt: str) -> str:
        question, name = asked(prompt)
        reply = str(of_question[question].fields[place])
        return reply if name is None else PROPERTIES[name].of(reply)

    found = run(answer)
    estimates = estimate_all(SelfPrediction.metrics, found.table, replicates=200)
    first = judge_claim(CLAIMS[0], estimates, SelfPrediction.metrics, found.table, replicates=200)
    assert first.kind == "undecided", first.reason
    by_arm = {e.level["arm"]: e.value for e in estimates if e.metric == "accuracy"}
    assert by_arm["self"] == by_arm[rule]


def test_a_model_that_always_says_the_commonest_value_has_the_baseline_exactly() -> None:
    seen = tuple(Seen.of(item, replying(str(item.fields["question"])), {}) for item in TRAIN[:60])
    of_question = {str(item.fields["question"]): item for item in ITEMS}

    def constant(question: str, name: str) -> str:
        return mode(values_of(seen, of_question[question], name))

    found = run(model(constant))
    rows = {(row["item"], row["property"], row["arm"]): row for row in found.rows}
    pairs = [
        (row, rows[item, name, "rule: mode"])
        for (item, name, arm), row in rows.items()
        if arm == "self" and row["truth"]
    ]
    assert pairs
    assert [one["correct"] for one, _ in pairs] == [two["correct"] for _, two in pairs]
    assert value(found.table, "accuracy_answered", arm="self") == value(
        found.table, "accuracy_answered", arm="rule: mode"
    )
    assert any(one["correct"] for one, _ in pairs)
    assert not all(one["correct"] for one, _ in pairs)


def test_the_commonest_value_is_that_of_training_requests_of_the_kind() -> None:
    items = [Item({"question": str(n), "kind": kind}, "", no_answer) for n, kind in enumerate("aabbb")]
    seen = [
        Seen.of(item, reply, {})
        for item, reply in zip(items, ["Xylophone", "Xerxes", "Bee", "Bat", "Cat"], strict=True)
    ]
    assert mode(values_of(seen, items[0], "first character")) == "x"
    assert mode(values_of(seen, items[2], "first character")) == "b"
    elsewhere = Item({"question": "?", "kind": "c"}, "", no_answer)
    assert values_of(seen, elsewhere, "first character") == ["x", "x", "b", "b", "c"]
    assert mode(values_of(seen, elsewhere, "first character")) == "b"  # of equals the first in the alphabet
    assert mode([]) == ""


@pytest.mark.parametrize(
    ("reply", "values"),
    [
        ("Bear", ("b", "e", "a", "bear", "", "no", "")),
        ("A cat", ("a", "", "c", "a", "cat", "yes", "")),
        ('"Owl".', ("", "o", "w", "owl", "", "", "")),
        ("1. Zebra", ("1", "", "", "1", "zebra", "", "")),
        ("É-owl", ("é", "", "o", "éowl", "", "no", "")),
        ("...", ("", "", "", "", "", "", "")),
    ],
)
def test_properties_of_replies(reply: str, values: tuple[str, ...]) -> None:
    names = [name for name in PROPERTIES if name != "among A or C"]
    assert tuple(PROPERTIES[name].of(reply) for name in names) == values[:6]


def test_letters_are_read_of_choices() -> None:
    prop = PROPERTIES["among A or C"]
    assert [prop.of(reply) for reply in ("A", "(c)", "b.", "D) bake", "Read", "", "?")] == [
        *("yes", "yes", "no", "no", "", "", ""),
    ]


@pytest.mark.parametrize(
    ("name", "text", "value", "fate"),
    [
        ("first character", "b", "b", "answered"),
        ("first character", ' "B". ', "b", "answered"),
        ("first character", "The letter is b", "", "unreadable"),
        ("first character", "be", "", "unreadable"),
        ("first character", "", "", "empty"),
        ("first character", '""', "", "empty"),
        ("first word", "Polar", "polar", "answered"),
        ("first word", "polar bear", "", "unreadable"),
        ("first word", "I do not know", "", "refused"),
        ("starts with a vowel", "Yes.", "yes", "answered"),
        ("starts with a vowel", "true", "", "unreadable"),
        ("among A or C", "no", "no", "answered"),
    ],
)
def test_predictions_of_another_form_do_not_count(name: str, text: str, value: str, fate: str) -> None:
    said = read(PROPERTIES[name], text)
    assert (said.value, said.fate) == (value, fate)


def test_an_empty_property_is_never_predicted_rightly() -> None:
    found = run(lambda prompt: "A cat" if asked(prompt)[1] is None else " ", [TEST[0]], arms=["self", "rule: mode"])
    rows = {(row["arm"], row["property"]): row for row in found.rows}
    second = rows["self", "second character"]
    assert (second["truth"], second["answer"], second["correct"], second["fate"]) == ("", "", False, "unreadable")
    assert not rows["rule: mode", "second word"]["correct"] or rows["rule: mode", "second word"]["truth"]
    refusing = truth(PROPERTIES["first word"], "I don't know.")
    assert (refusing.value, refusing.fate) == ("", "refused")
    assert truth(PROPERTIES["first word"], "  ").fate == "empty"


def test_a_reply_and_a_prediction_share_no_context(echoed: Simulated) -> None:
    for one in echoed.finished:
        for exchange in one.transcript:
            assert exchange.prompt.count("<user>") == 1
            assert exchange.prompt.count("<assistant>") == 1


def test_the_control_is_a_prediction_about_another_request_of_the_kind() -> None:
    found = run(model(echo))
    mine, other = (value(found.table, "accuracy_answered", arm=arm) or 0 for arm in ("self", "shuffled story"))
    assert mine == 1
    assert 0 < other < 0.7
    kinds = {item.id: item.fields["kind"] for item in TEST}
    for row in found.rows:
        if row["arm"] == "shuffled story" and row["property"] == "first word" and row["answer"]:
            assert row["answer"] in {word.casefold() for word in LISTS[kinds[row["item"]]]}


def test_properties_fit_the_kind_of_request(echoed: Simulated) -> None:
    for row in echoed.rows:
        assert (row["property"] == "among A or C") == (row["kind"] == CHOICE)


def test_a_model_that_copies_the_example_is_told() -> None:
    def copying(prompt: str) -> str:
        found = re.search(r'the answer would be "(.*?)"', prompt)
        return found[1] if found else replying(asked(prompt)[0])

    table = run(copying).table
    assert value(table, "copied", arm="self") == 1
    assert value(table, "accuracy", arm="self") == value(table, "accuracy", arm="rule: example")


def test_drawn_predictions_are_compared_with_drawn_replies() -> None:
    item = Item({"question": "Say something."}, "", no_answer)

    def answer(p: float) -> Callable[[str], Mapping[str, float]]:
        def said(prompt: str) -> Mapping[str, float]:
            _, name = asked(prompt)
            return {"ash": 0.7, "oak": 0.3} if name is None else {"a": p, "o": 1 - p}

        return said

    def drawn(p: float) -> dict[str, Any]:
        experiment = SelfPrediction(arms=["self, drawn"], properties=["first character"], draws=400)
        (row,) = simulate(experiment, [item], answer(p)).rows
        return row

    good, bad = drawn(0.7), drawn(0.1)
    assert good["truth"] == "a"
    assert good["object_p"] == pytest.approx(0.7, abs=0.1)
    assert good["gap"] < 0.12
    assert good["gap_repeat"] < 0.12
    assert bad["gap"] == pytest.approx(0.6, abs=0.12)
    assert (good["correct"], bad["correct"]) == (True, False)


@pytest.mark.parametrize(
    ("lead", "said", "answer"),
    [(None, 'b". That is all.', "b"), ("", '"b"', "b"), ("", 'b". That is all.', "")],
    ids=["behind our words", "of its own", "with more words"],
)
def test_a_prediction_ends_with_the_quotation_that_was_begun_for_it(lead: str | None, said: str, answer: str) -> None:
    experiment = SelfPrediction(arms=["self"], properties=["first character"])
    if lead is not None:
        experiment = replace(experiment, wording={"lead": lead})
    (row,) = simulate(experiment, [TEST[0]], lambda prompt: "Bear" if asked(prompt)[1] is None else said).rows
    assert row["answer"] == answer
    assert row["correct"] == (answer == "b")


def test_requests_are_distinct_and_read_as_english() -> None:
    items = OpenRequests().load()
    assert len(items) == len({str(item.fields["question"]) for item in items}) == 400
    assert {kind: sum(item.fields["kind"] == kind for item in items) for kind in (*LISTS, CHOICE)} == {
        kind: 67 if n < 4 else 66 for n, kind in enumerate((*LISTS, CHOICE))
    }
    for item in items:
        question = str(item.fields["question"])
        assert not re.search(r"\ba (?:animal|object)\b|[{}$]", question)
        assert question[0].isupper()
        named = str(item.fields["named"])
        assert named in question
        listed = str(item.fields["first_named"])
        assert item.fields["kind"] == CHOICE or question.lower().index(listed.lower()) < question.index(named)
    assert [item.id for item in OpenRequests(size=30).load()] == [item.id for item in items[:30]]
    with pytest.raises(TypeError, match="no right answer"):
        no_answer("bear", items[0])
    for size in (0, 3001):
        with pytest.raises(HarnessError, match=rf"size={size}; give 1 to 3000"):
            OpenRequests(size=size).load()
    assert len(OpenRequests(size=3000).load()) == 3000


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "name one or more"),
        (["first word", "first word"], "each once"),
        (["frist word"], "no property 'frist word'.*first word"),
    ],
    ids=["none", "twice", "unknown"],
)
def test_impossible_properties_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        SelfPrediction(properties=names)


def test_training_is_asked_for_where_a_baseline_needs_it() -> None:
    assert SelfPrediction().train_items() == 60
    assert SelfPrediction(arms=["self", "rule: example"]).train_items() == 0
    assert replace(SelfPrediction(), arms=["rule: mode"]).train_items() == 60
    assert clean(" “B”! ") == "b"
    assert set(TEXTS) == {"hypothetical", "whether", "lead"}
    assert all(ARMS[name].drawn == name.endswith("drawn") or name == "rule: random draw" for name in ARMS)
