"""Mental sums at the last token: planted layers found by the experiment itself, means without the sum, refusals."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.introspection.last_token.cases import Case, Place, Sums
from experiments.introspection.last_token.last_token import LastToken
from experiments.introspection.last_token.rows import CHANGES
from experiments.introspection.last_token.search import Found
from experiments.introspection.last_token.sums import COMPUTE, MentalSums
from experiments.introspection.last_token.wordings import STYLES, TEXTS, Template
from harness import Ablate, Array, Choice, Cut, HarnessError, Item, ItemError, Prompt, Replace, Subject
from harness.calls.calls import Call, Read
from harness.config import load_job
from harness.engines.fake.engine import WordTokenizer
from harness.engines.transformers.batching import TransformersEngine
from harness.execution.runner import ask_all
from harness.outcomes import Table
from harness.prompting.rendering import Renderer
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import Estimate, estimate_all
from harness.statistics.gates import held_back
from harness.store.store import Store
from harness.tasks.base import split
from harness.testing import fake_subject, simulate
from tests.support.planted_sums import LAYERS, TRANSFERS, save_planted
from tests.support.tiny_engines import load

PLAIN = LastToken(styles=("original",), layers=None)
ITEMS = MentalSums().load()


def estimates(table: Table) -> dict[tuple[str, ...], Estimate]:
    """By metric and level."""
    return {(e.metric, *e.level.values()): e for e in estimate_all(LastToken.metrics, table, replicates=20)}


def subject_of(engine: TransformersEngine, folder: Path) -> Subject:
    return Subject(engine, Renderer(engine.tokenizer, "plain", engine.context), Store(folder), 0)


def solver(prompt: str) -> Mapping[str, float]:
    """A model that is right about every plain sum and answers 5 else, nearly always."""
    found = re.search(r"(\d)([+-])(\d)=$", prompt)
    right = COMPUTE[found[2]](int(found[1]), int(found[3])) if found else 5
    lead = "" if found else " "
    return {f"{lead}{n}": 0.91 if n == right else 0.01 for n in range(10)}


def unchanged(call: Call, replies: Mapping[str, float]) -> Mapping[str, float]:
    return replies


@pytest.mark.parametrize("planted", TRANSFERS)
def test_the_planted_layers_come_back(planted: tuple[int, int], tmp_path: Path) -> None:
    engine = load(save_planted(tmp_path / "model", planted), dtype="float64")
    try:
        subject, items = subject_of(engine, tmp_path / "store"), split(MentalSums(examples=0), 20, PLAIN.training)
        found = asyncio.run(PLAIN.prepare(items.train, subject.for_item("prepare")))
        done = asyncio.run(ask_all(PLAIN, items, subject, window=8))
    finally:
        engine.close()
    wait, transfer = planted[0] - 1, tuple(sorted({*planted}))
    assert (found.wait, found.transfer, found.depth, found.solved) == (wait, transfer, LAYERS, PLAIN.training)
    # Windows behind the last waiting layer grow until they hold both transfer layers.
    assert [size for size, _ in found.windows] == [0, 1, 2, 4][: {0: 2, 1: 3, 3: 4}[planted[1] - planted[0]]]
    assert [share == 1 for _, share in found.windows] == [*[False] * (len(found.windows) - 1), True]
    assert found.kept == 1
    assert not any(one.result.errors for one in done)
    numbers = {key: one.value for key, one in estimates(PLAIN.table([one.result for one in done])).items()}
    for arm in ("full model", "CAMA", "AF1", "knock-out of other layers"):
        assert numbers["faithful", arm, "original"] == numbers["accuracy", arm, "original"] == 1
    lost = ("AF1 without transfer", "AF1 with other layers", "means over all", "zero", "skip", "knock-out")
    for arm in lost:
        assert (numbers["faithful", arm, "original"] or 0) <= 0.2
    for layer in range(LAYERS):
        assert (numbers["faithful_by_layer", "CAMA by layer", str(layer)] == 1) == (layer <= wait)
        assert (numbers["faithful_by_layer", "knock-out by layer", str(layer)] == 1) == (layer not in planted)
    assert numbers["solved_problems", "original"] == 20
    assert numbers["wait", "AF1"] == wait
    assert numbers["transfer_layers", "AF1"] == len(transfer)


def sums(
    subject: Subject, style: str = "original", operator: str = "+", *, draws: int = 32, fields: Any = None
) -> Sums:
    item = next(item for item in ITEMS if item.fields["operator"] == operator)
    item = Item({**item.fields, **(fields or {})}, item.gold, item.grader)
    name = f"{style}_{'plus' if operator == '+' else 'minus'}"
    return Sums(subject, style, Template.of(name, TEXTS[name]), item, draws)


@pytest.mark.parametrize("operator", COMPUTE)
@pytest.mark.parametrize("style", STYLES)
def test_operands_lie_where_the_text_has_them(style: str, operator: str) -> None:
    subject = fake_subject(solver)
    one = sums(subject, style, operator)
    place = one.place((8, 3))
    rendered = subject.renderer.render(place.prompt)
    tokens = [subject.renderer.tokenizer.decode([i]).strip() for i in rendered.ids]
    assert (tokens[place.first], tokens[place.second]) == ("8", "3")
    assert place.last == len(tokens) - 1
    assert place.waiting == tuple(range(place.first + 1, len(tokens)))
    text = one.template.tails(8, 3)[0]
    assert rendered.text.endswith(text)
    assert "".join(subject.renderer.tokenizer.decode([rendered.ids[p]]) for p in place.own).lstrip() == text
    # Four solved examples of the same wording, none of them this sum, stand before it.
    shown = rendered.text.removeprefix("<user> ").split("\n")[:4]
    assert len({*shown}) == 4
    for line, (a, b) in zip(shown, one.item.fields["examples"], strict=True):
        begun = one.template.tails(*((b, a) if one.template.swapped else (a, b)))[0]
        assert line == f"{begun}{COMPUTE[operator](a, b)}"


def test_a_blank_that_the_tokenizer_joins_with_the_number_belongs_to_the_answer(tmp_path: Path) -> None:
    one = sums(fake_subject(solver), "verbal")
    case = asyncio.run(one.case(()))
    assert case.place.prompt.prefill.endswith(" equals")
    assert case.options["7"] == (" 7",)
    assert case.full.mass == pytest.approx(1)
    lines = case.place.prompt.messages[0].content.split("\n")
    assert all(re.fullmatch(r"\d plus \d equals \d", line) for line in lines)
    engine = load(save_planted(tmp_path / "model", (2, 3)), dtype="float64")  # a token a character
    try:
        apart = asyncio.run(sums(subject_of(engine, tmp_path / "store"), "verbal").case(()))
    finally:
        engine.close()
    assert apart.place.prompt.prefill.endswith(" equals ")
    assert apart.options["7"] == ("7",)


def test_only_one_wording_names_the_second_operand_first() -> None:
    assert [name for name, text in TEXTS.items() if Template.of(name, text).swapped] == ["instruction_minus"]
    assert Template.of("x", "Take $b from $a: ").tails(3, 9) == (
        "Take 3 from 9: ",
        "3 from 9: ",
        " from 9: ",
        "9: ",
        ": ",
    )


@pytest.mark.parametrize("text", ["$a+=", "$a+$b", "$a$b=", "$a+$b=$a", ""])
def test_a_wording_without_its_operands_is_refused(text: str) -> None:
    with pytest.raises(HarnessError, match=r"experiment.wording.original_plus=.*once each, with text between"):
        LastToken(wording={"original_plus": text})


def test_means_are_over_others_that_share_the_token_and_never_the_sum_itself() -> None:
    """Activations tell the operands of the text so far; the means are then known."""
    asked: list[tuple[str, str]] = []

    def activations(call: Read, text: str, layer: int) -> Sequence[float]:
        line = text.rpartition("\n")[2].removeprefix("<assistant> ")
        asked.append((call.site, line))
        digits = [int(digit) for digit in re.findall(r"\d", line)]
        return [100 * layer, *digits, *[-1] * (2 - len(digits))]

    subject = fake_subject(solver, activations=activations)
    one = sums(subject, draws=1000)
    item = one.item
    a, b = int(item.fields["first"]), int(item.fields["second"])
    examples = {tuple(pair) for pair in item.fields["examples"]}
    case = asyncio.run(one.case((0, 2)))
    assert case.layers == (0, 2)
    alike = [x for x in range(10) if (x, b) not in {(a, b), *examples}]
    others = [(x, y) for x in range(10) for y in range(10) if (x, y) not in {(a, b), *examples}]
    of_all = np.mean(others, axis=0)
    plus, second, equals = case.streams["context means"][1].tolist()
    mean_of_alike = float(np.mean(alike))
    np.testing.assert_allclose(plus, [200, mean_of_alike, -1])
    np.testing.assert_allclose(second, [200, mean_of_alike, b])
    np.testing.assert_allclose(equals, [200, *of_all], rtol=1e-6)
    np.testing.assert_allclose(case.streams["means over all"][0, 1], [0, *of_all], rtol=1e-6)
    np.testing.assert_allclose(case.streams["embeddings"][0], [[0, a, -1], [0, a, b], [0, a, b]])
    own = [site for site, text in asked if text.startswith(f"{a}+{b}")]
    assert {*own} == {"resid_pre"}, "the sum itself is read for its embeddings alone"
    assert len({text for site, text in asked if site == "resid_post" and text.endswith("=")}) == len(others)


def test_few_draws_are_few_sums_and_nearly_the_same_for_all() -> None:
    one = sums(fake_subject(solver), draws=5)
    pairs = [(a, b) for a in range(10) for b in range(10)]
    drawn = one.drawn(pairs, {pairs[7]})
    assert len(drawn) == 5
    assert len({*drawn} & {*one.drawn(pairs, {drawn[0]})}) >= 4
    assert drawn[0] not in one.drawn(pairs, {drawn[0]})


def case_at(place: Place) -> Any:
    means: Any = np.arange(6.0).reshape(2, 3, 1)
    streams: Any = {"context means": means, "embeddings": np.zeros((1, 3, 1))}
    return Case("original", "+", "7", place, {}, Choice({"7": 1.0}, 1.0, {"7": 0.0}), (1, 3), streams)


def test_changes_as_interventions() -> None:
    case = case_at(Place(Prompt.exact("3+4="), begin=5, first=5, second=7, last=8))
    found = Found(3, (5,), 8, (1, 3), (1.0, 1.0), ((0, 0.0), (1, 0.1), (2, 1.0)), 1.0, True, 20, 20)
    rng = fake_subject(solver).random("x")
    others, last = (5, 6, 7, 8), (8,)

    def inside(arm: str, layer: int = -1) -> tuple[Any, ...]:
        return CHANGES[arm].inside(case, found, layer, rng)

    waits = Replace(3, "resid_post", Array.of([[3.0], [4.0], [5.0]]), (6, 7, 8))
    assert inside("full model") == ()
    assert inside("CAMA") == (waits,)
    assert inside("AF1") == (
        waits,
        Cut(4, others, others, keep_self=True),
        Cut(5, (5, 6, 7), others, keep_self=True),
        Cut(6, others, others, keep_self=True),
        Cut(7, others, others, keep_self=True),
    )
    assert inside("AF1 without transfer")[1:] == tuple(Cut(i, others, others, keep_self=True) for i in range(4, 8))
    elsewhere = inside("AF1 with other layers")
    assert sum(cut.queries == (5, 6, 7) for cut in elsewhere[1:]) == 1
    assert elsewhere[2] == Cut(5, others, others, keep_self=True)
    assert inside("zero") == (Ablate(3, "resid_post", (6, 7, 8)),)
    assert inside("skip") == (Replace(3, "resid_post", Array.of([[0.0]] * 3), (6, 7, 8)),)
    assert inside("knock-out") == (Cut(5, last, (5, 6, 7)),)
    (cut,) = inside("knock-out of other layers")
    assert cut.layer != 5
    assert (cut.queries, cut.keys) == (last, (5, 6, 7))
    assert inside("CAMA by layer", 1) == (Replace(1, "resid_post", Array.of([[0.0], [1.0], [2.0]]), (6, 7, 8)),)
    assert inside("knock-out by layer", 2) == (Cut(2, last, (5, 6, 7)),)
    assert CHANGES["knock-out by layer"].layers(found) == [1, 3, 5]
    assert CHANGES["zero by layer"].layers(found) == (1, 3)
    assert not any(CHANGES[arm].lacks(found) for arm in CHANGES)
    nobody_waits = Found(-1, (), 8, (1, 3), (0.0, 0.0), ((0, 1.0),), 1.0, True, 20, 20)
    assert CHANGES["knock-out"].inside(case, nobody_waits, -1, rng) == ()
    lacking = [arm for arm in CHANGES if CHANGES[arm].lacks(nobody_waits)]
    assert lacking == [*(arm for arm in CHANGES if "AF1" in arm or arm == "CAMA"), "means over all", "zero", "skip"]
    not_enough = replace(found, enough=False)
    assert [arm for arm in CHANGES if CHANGES[arm].lacks(not_enough)] == [
        "AF1 with other layers",
        "knock-out",
        "knock-out of other layers",
    ]


def test_a_model_that_no_change_moves_is_faithful_in_every_arm() -> None:
    items = split(MentalSums(), 24, 12)
    done = simulate(LastToken(styles=STYLES), items.test, solver, train=items.train, intervened=unchanged)
    assert not any(row["error"] for row in done.rows)
    found = estimates(done.table)
    assert {key[1] for key in found if key[0] == "faithful"} == {name for name in CHANGES if "by layer" not in name}
    for key, one in found.items():
        assert one.value is not None, key
        if key[0].startswith("faithful"):
            assert one.value == 1
    # Every layer waits, so that nothing is left to be transferred: no layer, hence none to knock out.
    assert {(row["wait"], row["transfer"]) for row in done.rows} == {(3, "none")}
    assert {row["style"] for row in done.rows} == {*STYLES}
    assert {row["style"] for row in done.rows if "by layer" in row["arm"]} == {"original"}
    assert len(done.rows) == 24 * (10 * 6 + 5 * 4)
    assert found["solved_problems", "original"].value == 24


def test_sums_that_are_not_solved_hold_back_the_verdicts_on_faithfulness_alone() -> None:
    items = split(MentalSums(), 24, 12)
    done = simulate(
        LastToken(styles=("original", "verbal")), items.test, solver, train=items.train, intervened=unchanged
    )
    metrics = {metric.name: metric for metric in LastToken.metrics}
    found = [*estimates(done.table).values()]

    def held(metric: str, style: str) -> str:
        return held_back(LastToken.gates, metrics[metric], {"arm": "AF1", "style": style}, found)

    assert held("faithful", "original") == ""
    assert "below 20 (not measurable, the model solves too few)" in held("faithful", "verbal")


def test_knock_outs_that_hurt_are_seen_in_their_layer_alone() -> None:
    """A model whose last token must see the first operand in layer 2, and waits for nothing."""

    def intervened(call: Call, replies: Mapping[str, float]) -> Mapping[str, float]:
        last = len(call.prompt) - 1
        hurt = any(isinstance(one, Cut) and one.layer == 2 and last in one.queries for one in call.interventions)
        hurt |= any(isinstance(one, Replace | Ablate) and one.layer >= 2 for one in call.interventions)
        return {str(n): 0.1 for n in range(10)} if hurt else replies

    items = split(MentalSums(), 20, 12)
    experiment = LastToken(styles=("original",))
    done = simulate(experiment, items.test, solver, train=items.train, intervened=intervened)
    assert {(row["wait"], row["transfer"]) for row in done.rows} == {(1, "2")}
    numbers = {key: one.value for key, one in estimates(done.table).items()}
    zeros = np.mean([item.gold == "0" for item in items.test])  # the first of equal answers
    assert numbers["faithful", "AF1", "original"] == 1
    assert numbers["faithful", "AF1 with other layers", "original"] == pytest.approx(zeros)
    assert numbers["faithful", "knock-out", "original"] == pytest.approx(zeros)
    assert numbers["faithful", "knock-out of other layers", "original"] == 1
    curve = [numbers["faithful_by_layer", "knock-out by layer", str(layer)] for layer in range(4)]
    assert curve == pytest.approx([1, 1, zeros, 1])


def test_numbers_of_several_tokens_are_refused_by_name(tmp_path: Path) -> None:
    engine = load(save_planted(tmp_path / "model", (2, 3)), dtype="float64")
    try:
        subject = subject_of(engine, tmp_path / "store")
        wide = Item({**ITEMS[0].fields, "first": 12, "second": 3, "examples": []}, "15", ITEMS[0].grader)
        one = Sums(subject, "original", Template.of("original_plus", TEXTS["original_plus"]), wide, 8)
        with pytest.raises(ItemError, match=r"operand 12 of '12\+3=' is not one token of its own in this tokenizer"):
            one.place((12, 3))
        mixed = sums(subject, fields={"examples": [], "operands": [5, 12], "first": 5, "second": 4})
        with pytest.raises(
            ItemError, match=r"'1\d\+\d*=' has another number of tokens, so that no mean is taken over it"
        ):
            asyncio.run(mixed.case((0,)))
        items = MentalSums(low=10, high=40, most=99, examples=0, size=30).load()
        with pytest.raises(
            HarnessError, match="none of the 30 training sums can be asked; of the first, original: oper"
        ):
            asyncio.run(PLAIN.prepare(items, subject))
        answers = MentalSums(most=18, examples=0).load()
        with pytest.raises(HarnessError, match="of the first, original: option '1' is the beginning of option '10'"):
            asyncio.run(PLAIN.prepare(answers, subject))
    finally:
        engine.close()


def test_a_sum_without_a_token_before_it_is_refused() -> None:
    subject = fake_subject(solver)
    subject = replace(subject, renderer=Renderer(subject.engine.tokenizer, "plain", subject.engine.context))
    item = Item({**ITEMS[0].fields, "examples": []}, ITEMS[0].gold, ITEMS[0].grader)
    template = Template.of("original_plus", TEXTS["original_plus"])
    with pytest.raises(ItemError, match=r"no token stands before .* put solved examples there with task.examples=4"):
        Sums(subject, "original", template, item, 8).place((3, 4))


def test_one_style_that_cannot_be_asked_leaves_the_others() -> None:
    items = split(MentalSums(), 3, 6)
    experiment = LastToken(
        styles=("original", "verbal"),
        wording={"verbal_plus": "${a}0 plus $b is ", "verbal_minus": "${a}0 minus $b is "},
    )
    done = simulate(experiment, items.test, solver, train=items.train, intervened=unchanged)
    errors = [row["error"] for row in done.rows if row["error"]]
    assert len(errors) == 3 * 10
    assert all(error.startswith("verbal: ") for error in errors)


@pytest.mark.parametrize("styles", [(), ("original", "original")])
def test_styles_are_named_once(styles: tuple[Any, ...]) -> None:
    with pytest.raises(HarnessError, match=r"experiment\.styles"):
        LastToken(styles=styles)


def test_all_sums_of_one_digit() -> None:
    assert len({item.id for item in ITEMS}) == len(ITEMS) == 2 * (55 - 4)
    for item in ITEMS:
        a, b, operator = (item.fields[name] for name in ("first", "second", "operator"))
        assert item.gold == str(COMPUTE[operator](a, b))
        assert 0 <= int(item.gold) <= 9
        assert item.fields["question"] == f"{a}{operator}{b}"
        assert [a, b] not in item.fields["examples"]
        assert len(item.fields["examples"]) == 4
    assert MentalSums(size=20).load() == ITEMS[:20]
    assert [item.fields["operator"] for item in ITEMS[:4]] == ["+", "-", "+", "-"]
    assert {item.id for item in MentalSums(seed=1).load()} != {item.id for item in ITEMS}


def test_sums_of_two_digits_as_in_the_paper() -> None:
    items = MentalSums(low=1, high=99, most=299, size=1000, examples=0).load()
    assert len(items) == 1000
    assert max(int(item.gold) for item in items) > 150
    assert all(1 <= item.fields["first"] <= 99 for item in items)
    assert sum(item.fields["operator"] == "-" for item in items) == 500


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"operators": ("x",)}, "give + and -, each once"),
        ({"operators": ("+", "+")}, "give + and -, each once"),
        ({"operators": ()}, "give + and -, each once"),
        ({"low": -1}, "must be 0 or more"),
        ({"examples": -1}, "must be 0 or more"),
        ({"high": 0}, "too few beside 4 examples; widen the ranges"),
        ({"size": 103}, "these operands and answers give 102"),
        ({"size": 0}, "these operands and answers give 102"),
    ],
)
def test_settings_that_make_no_sums(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(HarnessError, match=re.escape(told)):
        MentalSums(**settings).load()


def test_layers_of_a_model_of_another_depth_are_refused() -> None:
    found = Found(3, (5,), 8, (1, 3), (1.0, 1.0), ((0, 0.0), (1, 0.1), (2, 1.0)), 1.0, True, 20, 20)
    with pytest.raises(HarnessError, match="of a model of 8 layers, but this one has 4"):
        asyncio.run(LastToken().begin(ITEMS[0], fake_subject(solver), found))


def test_a_model_that_says_something_else_gives_no_answer() -> None:
    """Knock-outs of layer 1 make other words likelier than all answers together: nothing is kept, nothing is right."""

    def intervened(call: Call, replies: Mapping[str, float]) -> Mapping[str, float]:
        hurt = any(isinstance(one, Cut) and one.layer == 1 and not one.keep_self for one in call.interventions)
        return {**{answer: 0.4 * p for answer, p in replies.items()}, "Well": 0.6} if hurt else replies

    items = split(MentalSums(), 6, 6)
    experiment = LastToken(styles=("original",), arms=("full model", "knock-out by layer"))
    rows = simulate(experiment, items.test, solver, train=items.train, intervened=intervened).rows
    hurt = [row for row in rows if row["layer"] == 1]
    assert len(hurt) == 6
    for row in hurt:
        assert (row["answer"], row["faithful"], row["correct"], row["solved"]) == ("", False, False, True)
        assert row["p_same"] == pytest.approx(0.4 * 0.91)
        assert row["mass"] == pytest.approx(0.4)
    assert all(row["faithful"] for row in rows if row["layer"] != 1)


def test_where_no_layers_are_enough_all_of_them_stay_open() -> None:
    """Any mask at all destroys the answers: the search ends, and says what share was kept."""

    def intervened(call: Call, replies: Mapping[str, float]) -> Mapping[str, float]:
        masked = any(isinstance(one, Cut) and one.keep_self for one in call.interventions)
        waits = any(isinstance(one, Replace) and one.layer > 0 for one in call.interventions)
        return {str(n): 0.1 for n in range(10)} if masked or waits else replies

    experiment = LastToken(styles=("original",))
    items = split(MentalSums(), 4, 12)
    zeros = sum(item.gold == "0" for item in items.train) / 12
    subject = fake_subject(solver, intervened=intervened)
    found = asyncio.run(experiment.prepare(items.train, subject))
    assert (found.wait, found.transfer) == (0, (1, 2, 3))
    assert [size for size, _ in found.windows] == [0, 1, 2, 3]
    assert [*(share for _, share in found.windows), found.kept] == pytest.approx([zeros] * 5)
    assert (found.solved, found.used, found.enough) == (12, 12, False)
    done = simulate(experiment, items.test, solver, train=items.train, intervened=intervened)
    for row in done.rows:
        missing = row["arm"] in ("AF1 with other layers", "knock-out", "knock-out of other layers")
        assert (row["faithful"] is None) == (row["mass"] is None) == bool(row["reason"]) == missing
    assert estimates(done.table)["faithful", "knock-out", "original"].value is None


def test_where_no_layer_can_wait_nothing_stands_for_waiting() -> None:
    """A replacement that is left out must not pass for one that keeps every answer."""

    def intervened(call: Call, replies: Mapping[str, float]) -> Mapping[str, float]:
        return dict.fromkeys(replies, 0.1) if any(isinstance(one, Replace) for one in call.interventions) else replies

    items = split(MentalSums(), 4, 12)
    done = simulate(LastToken(styles=("original",)), items.test, solver, train=items.train, intervened=intervened)
    assert {row["wait"] for row in done.rows} == {-1}
    numbers = {key: one.value for key, one in estimates(done.table).items()}
    for arm in ("CAMA", "AF1", "means over all", "zero", "skip"):
        assert numbers["faithful", arm, "original"] is None
    assert numbers["faithful", "full model", "original"] == 1
    assert numbers["faithful_by_layer", "zero by layer", "0"] == 1


def test_the_search_takes_all_sums_where_few_are_solved() -> None:
    def wrong(prompt: str) -> Mapping[str, float]:
        return {str(n): 0.91 if n == 5 else 0.01 for n in range(10)}

    items = split(MentalSums(), 4, 12)
    subject = fake_subject(wrong, intervened=unchanged)
    found = asyncio.run(LastToken(styles=("original",)).prepare(items.train, subject))
    assert found.solved < 10
    assert found.used == 12
    assert found.kept == 1


def number_tokenizer() -> Any:
    """A toy tokenizer as of Llama 3: up to three digits are one token, and a BOS token stands in front."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    words = ["<bos>", "<eos>", *(chr(i) for i in range(32, 127)), *(str(n) for n in range(10, 400))]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<bos>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\d{1,3}|[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>")


def test_sums_of_two_digits_run_where_a_number_is_one_token(tmp_path: Path) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = number_tokenizer()
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2}
    torch.manual_seed(1)
    config = LlamaConfig(vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=1, **sizes)
    LlamaForCausalLM(config).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    engine = load(tmp_path / "model")
    try:
        subject = subject_of(engine, tmp_path / "store")
        place = sums(subject, fields={"examples": [], "operands": [1, 99], "answers": [0, 299]}).place((42, 7))
        assert (place.begin, place.first, place.second, place.last) == (1, 1, 3, 4)
        items = split(MentalSums(low=1, high=99, most=299, size=60, examples=0), 4, 6)
        experiment = LastToken(styles=STYLES, draws=3)
        done = asyncio.run(ask_all(experiment, items, subject, window=8))
    finally:
        engine.close()
    assert not any(one.result.errors for one in done)
    assert {len(one.result.rows) for one in done} == {10 * 6 + 4 * 3 + 3}


def always_right(prompt: str) -> Mapping[str, float]:
    """A model that solves sums of the styles of the experiment's settings."""
    line = prompt.rpartition("\n")[2]
    if not re.search(r"(\d[+-]\d=|\d equals|they have|left is|# prints)$", line):
        return {}  # only a part of a prompt
    a, b = map(int, re.findall(r"\d", line)[:2])
    right = a + b if re.search(r"\+|plus|In all", line) else a - b
    lead = "" if line.endswith("=") else " "
    return {f"{lead}{n}": 0.91 if n == right else 0.01 for n in range(10)}


def told_second(call: Read, text: str, layer: int) -> Sequence[float]:
    """Streams that tell the second operand behind it, but not before any layer has worked."""
    digits = re.findall(r"\d", text.rpartition("\n")[2])
    return [1 + int(digits[1]) if len(digits) > 1 and call.site == "resid_post" else 0]


def circuit(call: Call, replies: Mapping[str, float]) -> Mapping[str, float]:
    """The paper's model in 4 layers: tokens can wait for each other in layers 0 and 1 as long as they know themselves,
    the last one sees them in layer 2, and needs none in layer 3. Words and programs need all of them everywhere."""
    plain = WordTokenizer().decode(call.prompt).endswith(("=", "equals"))
    hurt = False
    for one in call.interventions:
        if isinstance(one, Cut):
            hurt |= len(call.prompt) - 1 in one.queries and (one.layer == 2 or not plain)
        elif isinstance(one, Replace):
            known = one.values.numpy()[:, 0]  # the operand itself, where the mean is over sums that share it
            hurt |= one.layer >= 2 or not any(value >= 1 and value == round(value) for value in known)
        else:
            hurt = True
    return dict.fromkeys(replies, 0.1) if hurt else replies


def test_the_claims_of_the_experiment() -> None:
    claims = load_job(["experiment=lastToken", "tracker=none"]).claims
    items = split(MentalSums(), 24, 12)
    experiment = LastToken(styles=("original", "verbal", "word_problem", "python"), draws=12)

    def verdicts(intervened: Any) -> list[str]:
        done = simulate(
            experiment, items.test, always_right, train=items.train, activations=told_second, intervened=intervened
        )
        found = estimate_all(LastToken.metrics, done.table, replicates=200)
        judged = (
            judge_claim(claim, found, LastToken.metrics, done.table, replicates=200, gates=LastToken.gates)
            for claim in claims
        )
        return [verdict.kind for verdict in judged]

    assert verdicts(circuit) == ["supported"] * 7
    # A model that nothing moves keeps its answers, and not for any layer.
    assert verdicts(unchanged) == ["undecided"] * 7
