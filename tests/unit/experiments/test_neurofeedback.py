"""Neurofeedback on models whose activations and reports are known: observers, semantic readers, controllers."""

from __future__ import annotations

import asyncio
import math
import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.introspection.neurofeedback import control
from experiments.introspection.neurofeedback.arms import ARMS, DEFAULT
from experiments.introspection.neurofeedback.axes import FitSet, equal_variance, fit_axes
from experiments.introspection.neurofeedback.deeds import DEEDS
from experiments.introspection.neurofeedback.fitting import Fit, observer, parted, usable
from experiments.introspection.neurofeedback.neurofeedback import Neurofeedback
from experiments.introspection.neurofeedback.prompts import TEXTS, places, reporting, state_alone
from experiments.introspection.neurofeedback.rows import precision
from experiments.introspection.neurofeedback.stimuli import Sentences, is_positive
from experiments.introspection.neurofeedback.words import WordScore, held_out
from harness import HarnessError, Item, ItemError, Subject
from harness.calls.calls import Read
from harness.cli.main import main
from harness.engines.fake.engine import FakeEngine, WordTokenizer
from harness.execution.runner import ask_all
from harness.metrics.columns import Labels, Numbers, Units
from harness.outcomes import Failed, ItemResult, Table
from harness.prompting.rendering import Renderer
from harness.runs.fitted import load_fitted, save_fitted
from harness.statistics.estimates import estimate_all
from harness.store.store import Store
from harness.tasks.base import split
from harness.tasks.graders import short_answer
from tests.support.tiny_engines import load
from tests.support.tiny_models import save_tiny

TASK = Sentences()
SPLIT = split(TASK, 24, 120)
WIDTH = 16
REPORTS = tuple(name for name in DEFAULT if ARMS[name].task == "report" and "another" not in name)
SCORED = re.compile(r"<assistant> ([^\n]*?) \[Score: \{([01])\}\]")


def word_state(word: str) -> np.ndarray:
    """The activation at a word: standard normal numbers, by the word alone."""
    rng = random.Random(f"word/{word.strip()}")
    return np.array([rng.gauss() for _ in range(WIDTH)])


def state(sentence: str) -> np.ndarray:
    """The mean over a sentence's tokens."""
    tokenizer = WordTokenizer()
    return np.asarray(np.mean([word_state(tokenizer.decode([i])) for i in tokenizer.encode(sentence)], axis=0))


def by_words(call: Read, text: str, layer: int) -> Sequence[float]:
    """The activation at the last token of a text."""
    tokenizer = WordTokenizer()
    return [float(x) for x in word_state(tokenizer.decode(tokenizer.encode(text)[-1:]))]


Reply = Callable[[str], Mapping[str, float]]


def reported(p: Callable[[str, list[tuple[str, bool]]], float]) -> Reply:
    """A model that reports label 1 of a sentence with a probability that depends on it and on the examples."""

    def reply(prompt: str) -> Mapping[str, float]:
        *_, last = prompt.rsplit("<assistant> ", 1)
        if not last.endswith(" [Score: {"):
            raise LookupError("it is asked for nothing but a score, right behind its brace")
        examples = [(sentence, label == "1") for sentence, label in SCORED.findall(prompt)]
        one = p(last.removesuffix(" [Score: {"), examples)
        return {"1": one, "0": 1 - one}

    return reply


def make(reply: Reply, activations: Any = by_words, name: str = "fake") -> Subject:
    engine = FakeEngine(reply, name, activations=activations)
    store = Store(Path(tempfile.mkdtemp()))
    return Subject(engine, Renderer(engine.tokenizer, "auto", engine.context), store, 0)


def ran(experiment: Neurofeedback, subject: Subject, rival: Subject | None = None, limit: int = 24) -> Table:
    parts = split(TASK, limit, experiment.train)
    subject = replace(subject, players={"rival": (rival or subject,)})
    finished = asyncio.run(ask_all(experiment, parts, subject, window=8))
    errors = [error for one in finished for error in one.result.errors]
    assert not errors, errors[:3]
    return experiment.table([one.result for one in finished])


def prepared(experiment: Neurofeedback, subject: Subject) -> Fit:
    subject = replace(subject, players={"rival": (subject,)})
    return asyncio.run(experiment.prepare(SPLIT.train, subject.for_item("prepare")))


def rows(table: Table, **where: Any) -> list[dict[str, Any]]:
    names = [*table.columns]
    whole = [dict(zip(names, values, strict=True)) for values in zip(*table.columns.values(), strict=True)]
    return [row for row in whole if all(row[name] == value for name, value in where.items())]


def share(table: Table, column: str = "correct", **where: Any) -> float:
    return float(np.mean([row[column] for row in rows(table, **where)]))


def half(_: str, __: list[tuple[str, bool]]) -> float:
    return 0.5


# Axes


def some_states(n: int = 80, width: int = 24, seed: int = 0) -> FitSet:
    rng = np.random.default_rng(seed)
    positive = [i % 2 == 0 for i in range(n)]
    states = rng.normal(size=(n, width)) * np.linspace(5, 0.5, width) + np.outer(positive, rng.normal(size=width))
    texts = [f"word{i % 7} other{i % 5}" for i in range(n)]
    return FitSet(3, states + 100, texts, positive, [f"g{i // 2}" for i in range(n)])


def test_scores_have_mean_0_and_deviation_1_where_they_were_fitted() -> None:
    fit = some_states()
    axes = fit_axes(fit, ("logistic", "PC 1", "PC 2", "PC 8", "random"), random.Random(0))
    for axis in axes.values():
        z = axis.z(fit.states, fit.sentences)
        assert z.mean() == pytest.approx(0, abs=1e-6)
        assert z.std() == pytest.approx(1)
        good = np.array(fit.positive)
        assert z[good].mean() >= z[~good].mean(), "every axis points to the good sentences"
    components = np.stack([axes[name].direction.vector.numpy() for name in ("PC 1", "PC 2", "PC 8")])
    assert components @ components.T == pytest.approx(np.eye(3), abs=1e-6)
    assert axes["PC 1"].variance > axes["PC 2"].variance > axes["PC 8"].variance


@pytest.mark.parametrize("seed", range(4))
def test_the_random_axis_varies_as_the_logistic_one_and_is_uncorrelated_with_it(seed: int) -> None:
    fit = some_states(seed=seed)
    axes = fit_axes(fit, ("logistic",), random.Random(0))
    found = equal_variance(fit, axes["logistic"].direction, random.Random(seed))
    assert found.sd == pytest.approx(axes["logistic"].direction.sd, rel=1e-3)
    r = np.corrcoef(found.project(fit.states), axes["logistic"].direction.project(fit.states))[0, 1]
    assert r == pytest.approx(0, abs=1e-4)


def test_an_axis_beyond_the_directions_that_vary_is_left_out_and_told() -> None:
    subject = make(reported(half))
    fit = prepared(Neurofeedback(arms=REPORTS), subject)
    assert {target.name for target in fit.targets} == {"logistic", "PC 1", "PC 8", "random", "residual"}
    assert any("PC 32" in note for note in subject.renderer.prompt_style.notes)


def test_words_predict_what_they_make_and_nothing_of_other_groups() -> None:
    texts = [f"{a} {b}" for a in ("red", "blue", "green", "black") for b in ("cat", "dog", "cow", "hen", "fox")]
    values = np.array([("red" in t) - ("blue" in t) + 2.0 * ("cat" in t) for t in texts])
    score = WordScore.fit(texts, values, penalty=1e-6)
    assert [score(t) for t in texts] == pytest.approx(values.tolist(), abs=1e-4)
    assert score("an unknown thing") == pytest.approx(score.bias)
    noise = np.random.default_rng(0).normal(size=len(texts))
    told = held_out(texts, noise, [t.split()[1] for t in texts])
    assert abs(np.corrcoef(told, noise)[0, 1]) < 0.75, "no sentence predicts itself"
    one_group = held_out(texts, values, ["g"] * len(texts))
    assert one_group == pytest.approx(np.full(len(texts), values.mean()))


def test_the_residual_axis_holds_what_words_do_not_tell() -> None:
    """Activations along all axes are what the words say, plus noise of their own: only the noise is left."""
    rng = np.random.default_rng(1)
    names = [f"w{i}" for i in range(12)]
    texts = [" ".join(rng.choice(names, 3, replace=False)) for _ in range(400)]
    effect = {name: rng.normal(size=6) for name in names}
    told = np.stack([sum(effect[w] for w in t.split()) for t in texts])
    noise = rng.normal(size=(400, 6)) * 0.5
    fit = FitSet(0, (told + noise)[:200], texts[:200], [i % 2 == 0 for i in range(200)], [f"{i}" for i in range(200)])
    axes = fit_axes(fit, ("random", "residual"), random.Random(0))
    unit = axes["random"].direction.vector.numpy() / np.linalg.norm(axes["random"].direction.vector.numpy())
    new = {name: axis.z((told + noise)[200:], texts[200:]) for name, axis in axes.items()}
    said, own = told[200:] @ unit, noise[200:] @ unit
    assert np.corrcoef(new["random"], said)[0, 1] > 0.8
    assert abs(np.corrcoef(new["residual"], said)[0, 1]) < 0.2
    assert np.corrcoef(new["residual"], own)[0, 1] > 0.9
    assert new["residual"].std() == pytest.approx(1, abs=0.15), "its unit is that of sentences not yet met"


# Reading


def test_the_mean_is_over_the_sentence_s_own_tokens() -> None:
    def inside(call: Read, text: str, layer: int) -> Sequence[float]:
        said = text.rsplit("<assistant> ", 1)
        own = len(said) == 2 and bool(said[1]) and "<" not in said[1]
        return [1.0 if own else 1000.0] * WIDTH

    sentence = "The nurse gave water to the thirsty dog."
    read = asyncio.run(state_alone(TEXTS, make(reported(half), inside), sentence, [0, 2]))
    assert read == pytest.approx(np.ones((2, WIDTH)))


def test_scores_are_read_right_behind_their_own_braces() -> None:
    """Token t writes t into the reply: a reading one token off would show another token's."""
    subject = make(reported(half))
    prompt = reporting(TEXTS, [("One thing.", True), ("Another thing.", False)], "A third thing.")
    text, ids = (rendered := subject.renderer.render(prompt)).text, rendered.ids
    found = places(subject, prompt, 3)
    assert [subject.renderer.up_to(rendered, at).text.endswith("[Score: {") for at in found] == [True] * 3
    assert found[-1] == len(ids) - 1
    follows = [WordTokenizer().decode(ids[at + 1 : at + 2]) for at in found]
    assert follows == ["1", "0", ""]
    assert text.count("[Score: {") == 5, "two of them stand in the instructions"


def test_a_conversation_read_at_once_has_the_numbers_of_its_beginnings() -> None:
    def p(sentence: str, examples: list[tuple[str, bool]]) -> float:
        return (1 + len(examples) + len(sentence) % 7) / 40

    experiment = Neurofeedback(arms=("whole conversation",), axes=("PC 1",), controlled=(), shots=(5,))
    table = ran(experiment, make(reported(p)), limit=6)
    assert Counter(row["shots"] for row in rows(table)) == dict.fromkeys(range(6), 6)
    fit = prepared(experiment, make(reported(p)))
    lengths = {len(sentence) % 7 for sentence in fit.shown}
    for row in rows(table):
        assert row["p"] * 40 - 1 - row["shots"] == pytest.approx(round(row["p"] * 40) - 1 - row["shots"])
        if not row["most"]:
            assert round(row["p"] * 40) - 1 - row["shots"] in lengths
    last = rows(table, most=1.0)
    tested = {item.id: str(item.fields["question"]) for item in split(TASK, 6, 120).test}
    assert all(row["p"] == pytest.approx((6 + len(tested[row["item"]]) % 7) / 40) for row in last)


# Reports


def test_an_ideal_observer_in_context_has_the_ideal_observer_s_curve() -> None:
    fitted: dict[str, float] = {}

    def p(sentence: str, examples: list[tuple[str, bool]]) -> float:
        if not examples:
            return 0.5
        seen = observer(
            np.stack([state(text) for text, _ in examples]), np.array([label for _, label in examples]), fitted["v"]
        )
        return 1 / (1 + math.exp(-seen.log_odds(state(sentence))))

    experiment = Neurofeedback(arms=("own labels", "ideal observer"), shots=(0, 4, 16))
    fit_part, _ = parted(SPLIT.train, 16)
    fitted["v"] = float(np.stack([state(item.fields["question"]) for item in fit_part]).var(axis=0).sum())
    table = ran(experiment, make(reported(p)))
    for n in (4, 16):
        own, ideal = (rows(table, arm=arm, shots=n) for arm in experiment.arms)
        assert [row["p"] for row in own] == pytest.approx([row["p"] for row in ideal], abs=1e-4)
        assert [row["correct"] for row in own] == [row["correct"] for row in ideal]
    accuracy = [share(table, arm="own labels", axis="PC 1", shots=n) for n in (4, 16)]
    assert accuracy[1] > accuracy[0] > 0.4


@pytest.mark.parametrize("axis", ["logistic", "PC 1", "random", "residual"])
def test_a_model_that_knows_its_score_reports_it_whatever_third_parties_can_tell(axis: str) -> None:
    experiment = Neurofeedback(arms=REPORTS, shots=(0, 16))
    (target,) = [one for one in prepared(experiment, make(reported(half))).targets if one.name == axis]

    def p(sentence: str, examples: list[tuple[str, bool]]) -> float:
        z = float(target.axis.z(state(sentence)[None], [sentence])[0])
        return 1 / (1 + math.exp(-3 * z))

    table = ran(experiment, make(reported(p)))
    assert share(table, arm="own labels", axis=axis) == 1
    own = rows(table, arm="own labels", axis=axis, shots=16)
    assert {row["label"] for row in own} == {0, 1}
    assert 0.2 < share(table, "label", arm="own labels", axis=axis, shots=16) < 0.8
    for rule in ("rule: majority", "rule: bag of words", "rule: bag of words, all labels"):
        assert share(table, arm=rule, axis=axis) < 1
    if axis == "residual":
        assert share(table, arm="rule: bag of words, all labels", axis=axis) < 0.75


def test_a_reader_of_words_has_no_more_than_the_third_party() -> None:
    from experiments.shared.bag_of_words import BagOfWords

    def p(sentence: str, examples: list[tuple[str, bool]]) -> float:
        ones = sum(label for _, label in examples)
        if ones in (0, len(examples)):
            return (ones + 1) / (len(examples) + 2)
        return 1 / (1 + math.exp(-BagOfWords.fit(examples).log_odds(sentence)))

    table = ran(Neurofeedback(arms=("own labels", "rule: bag of words"), shots=(4, 16)), make(reported(p)))
    own, rule = (rows(table, arm=arm) for arm in ("own labels", "rule: bag of words"))
    assert [row["p"] for row in own] == pytest.approx([row["p"] for row in rule])


def test_labels_are_those_of_the_arm() -> None:
    experiment = Neurofeedback(arms=REPORTS, axes=("PC 1",), controlled=(), shots=(8,))
    fit = prepared(experiment, make(reported(half)))
    (target,) = fit.targets
    told = dict(fit.examples(target, "words", 0, 8))
    assert told == {sentence: target.bag.positive(sentence) for sentence in told}
    for order in (0, 1):
        own, mixed = (fit.examples(target, whose, order, 8) for whose in ("own", "shuffled"))
        assert [s for s, _ in own] == [s for s, _ in mixed]
        assert sum(label for _, label in own) == sum(label for _, label in mixed)
        flipped = fit.examples(target, "own", order, 8, flipped=True)
        assert flipped == [(s, not label) for s, label in own]
    z = target.axis.z(np.stack([state(s) for s in fit.shown]), fit.shown)
    assert target.labels["own"] == tuple(bool(one >= 0) for one in z)
    assert len(fit.orders) == 2
    assert fit.orders[0] != fit.orders[1]


def test_another_model_has_labels_of_its_own_and_reports_the_model_s() -> None:
    def otherwise(call: Read, text: str, layer: int) -> Sequence[float]:
        return by_words(call, text, layer)[::-1][:-1]  # another width, too

    experiment = Neurofeedback(
        arms=("own labels", "labels of another model", "another model reports"),
        axes=("PC 1",),
        controlled=(),
        shots=(8,),
    )
    one, other = make(reported(lambda *_: 0.9)), make(reported(lambda *_: 0.1), otherwise, "rival")
    table = ran(experiment, one, other)
    assert all(row["p"] == pytest.approx(0.9) for row in rows(table, arm="own labels"))
    assert all(row["p"] == pytest.approx(0.9) for row in rows(table, arm="labels of another model"))
    assert all(row["p"] == pytest.approx(0.1) for row in rows(table, arm="another model reports"))
    own, same, theirs = (
        [row["label"] for row in sorted(rows(table, arm=arm), key=lambda row: str(row["item"]))]
        for arm in ("own labels", "another model reports", "labels of another model")
    )
    assert own == same
    assert own != theirs
    alone_ = ran(experiment, one)
    assert {row["arm"] for row in rows(alone_)} == {"own labels"}, "the model itself is no third party"


def test_an_example_s_sentence_is_not_tested() -> None:
    experiment = Neurofeedback(arms=("own labels",), axes=("PC 1",), controlled=(), shots=(8,))
    subject = make(reported(half))
    fit = prepared(experiment, subject)
    twin = Item({"question": fit.shown[0], "kind": "deeds"}, "good", short_answer, group="x")
    with pytest.raises(ItemError, match="is among the examples"):
        asyncio.run(experiment.protocol(twin, subject.for_item("x"), fit))
    wrong = Item({"question": "It rains.", "kind": "deeds"}, "maybe", short_answer)
    with pytest.raises(ItemError, match="the right answer is 'maybe'; a sentence is good, true"):
        asyncio.run(experiment.protocol(wrong, subject.for_item("x"), fit))


# Control


def controller(shift: float, *, learns: bool = True) -> tuple[Reply, Any]:
    """A model that moves all its activations up under a request for the label of sentences with a high first number.

    It reads from the examples which label that is. Asked to write, it says "A thing happened." for 1, "No." for 0.
    """

    def wants(prompt: str) -> float:
        request = re.findall(r"brain is at \[Score: \{([01])\}\]", prompt)
        examples = SCORED.findall(prompt)
        if not request or (learns and not examples):
            return 0.0
        high = [state(text)[0] for text, label in examples if label == request[-1]]
        low = [state(text)[0] for text, label in examples if label != request[-1]]
        if not learns:
            return 1.0 if request[-1] == "1" else -1.0
        return float(np.sign(np.mean(high or [0]) - np.mean(low or [0])))

    def moved(call: Read, text: str, layer: int) -> Sequence[float]:
        return [float(x) for x in np.asarray(by_words(call, text, layer)) + np.eye(WIDTH)[0] * shift * wants(text) / 2]

    def reply(prompt: str) -> Mapping[str, float]:
        if prompt.endswith("<assistant> "):
            return {"A thing happened. [Score: {1}]" if "at [Score: {1}]. Do" in prompt else "No.": 1.0}
        return reported(half)(prompt)

    return reply, moved


def first_axis(fit: Fit) -> Fit:
    """The fit with its first axis along the first dimension, with mean 0 and sd 0.5."""
    from harness import Array

    target = fit.targets[0]
    direction = replace(target.axis.direction, vector=Array.of(np.eye(WIDTH)[0]), mean=0.0, sd=0.5)
    axis = replace(target.axis, direction=direction)
    own = tuple(bool(z >= 0) for z in axis.z(np.stack([state(s) for s in fit.shown]), fit.shown))
    return replace(fit, targets=(replace(target, axis=axis, labels={**target.labels, "own": own}),))


def controlled(arms: Sequence[str], shift: float, *, learns: bool = True) -> list[Any]:
    experiment = Neurofeedback(arms=arms, axes=("PC 1",), controlled=("PC 1",), shots=(0, 16))
    subject = make(*controller(shift, learns=learns))
    fit = first_axis(prepared(experiment, subject))
    asked = [experiment.protocol(item, subject.for_item(item.id), fit) for item in SPLIT.test[:6]]

    async def gather() -> list[Any]:
        return list(await asyncio.gather(*asked))

    return [row for some in asyncio.run(gather()) for row in some]


def test_implicit_control_is_the_shift_that_was_made_and_flips_with_the_labels() -> None:
    arms = ("implicit control", "implicit control, flipped")
    made = controlled(arms, 0.3)
    shifts = {
        (arm, n): [row.shift for row in made if (row.arm, row.shots, row.target) == (arm, n, True)]
        for arm in arms
        for n in (0, 16)
    }
    assert shifts[arms[0], 16] == pytest.approx([0.3 / 0.5] * 6, abs=1e-5)
    assert shifts[arms[1], 16] == pytest.approx([-0.3 / 0.5] * 6, abs=1e-5)
    assert shifts[arms[0], 0] == shifts[arms[1], 0] == pytest.approx([0.0] * 6, abs=1e-6)
    assert all(row.shift is None for row in made if not row.target)


def test_cohen_s_d_of_a_shift_is_the_shift_over_the_spread_of_the_sentences() -> None:
    done = [ItemResult(str(i), str(i), (row,)) for i, row in enumerate(controlled(("implicit control",), 0.3))]
    found = estimate_all(Neurofeedback.metrics, Neurofeedback().table(done), replicates=20)
    (d,) = [one.value for one in found if one.metric == "effect"]
    z = [row.z for one in done for row in one.rows if row.shots == 16 and row.target]  # type: ignore[attr-defined]
    assert d == pytest.approx(0.3 / 0.5 / np.std(z, ddof=1), rel=1e-4)


def test_a_model_that_goes_by_the_digit_alone_does_not_flip() -> None:
    made = controlled(("implicit control", "implicit control, flipped"), 0.3, learns=False)
    found = [row.shift for row in made if row.target]
    assert found == pytest.approx([0.6] * len(found), abs=1e-5)


def test_explicit_control_reads_the_sentence_that_was_written_and_no_score_behind_it() -> None:
    made = controlled(("explicit control",), 0.0)
    for row in made:
        assert row.written == ("A thing happened." if row.target else "No.")
        assert row.z == pytest.approx(float(state(row.written)[0]) / 0.5, abs=1e-5)
    moved = controlled(("explicit control", "explicit control, flipped"), 0.3)
    by = {(row.arm, row.shots, row.target): row.z for row in moved}
    plain = {row.target: row.z for row in made}
    for target, sign in ((True, 1), (False, -1)):
        for arm, flip in (("explicit control", 1), ("explicit control, flipped", -1)):
            assert by[arm, 16, target] - plain[target] == pytest.approx(sign * flip * 0.3, abs=1e-5)
            assert by[arm, 0, target] == pytest.approx(plain[target], abs=1e-5)


def test_a_model_that_writes_nothing_has_no_score_and_says_why() -> None:
    experiment = Neurofeedback(arms=("explicit control",), axes=("PC 1",), controlled=("PC 1",), shots=(4,))
    silent = make(lambda prompt: {"\n": 1.0})
    fit = prepared(experiment, silent)
    item = SPLIT.test[0]
    found: list[Any] = asyncio.run(experiment.protocol(item, silent.for_item(item.id), fit))
    assert [(row.z, row.shift, row.reason) for row in found] == [(None, None, "the model wrote nothing")] * 2


def test_every_item_draws_its_own_sentence() -> None:
    experiment = Neurofeedback(arms=("explicit control",), axes=("PC 1",), controlled=("PC 1",), shots=(4,))
    words = {f"{name} came home.": 1 / 26 for name in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    table = ran(experiment, make(lambda prompt: words), limit=12)
    assert len({row["written"] for row in rows(table)}) > 6


def test_a_sentence_of_other_tokens_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request for 1 is one token longer, and a position is off by one."""
    subject = make(reported(half))
    spans = iter([range(60, 63), range(61, 64)])
    monkeypatch.setattr(Subject, "positions", lambda *_: next(spans))
    with pytest.raises(ItemError, match="has other tokens behind the one request"):
        asyncio.run(control.implicit(TEXTS, subject, [], 0, sentence="A thing."))


@pytest.mark.parametrize(
    ("shifts", "wanted"), [((2.0, 1.0, 0.0), 2.0), ((-3.0, 0.0, 0.0), 3.0), ((1.0, 1.0, 1.0), 1.0)]
)
def test_precision_is_the_share_of_the_target(shifts: tuple[float, ...], wanted: float) -> None:
    n = 10
    values = np.repeat(shifts, n) + np.tile(np.linspace(-1, 1, n), 3)
    measured, on = np.repeat([0, 1, 2], n), np.repeat([1.0, 0.0, 0.0], n)
    found = precision(Numbers(values), Units(measured), Labels(on), w=np.ones((2, 3 * n)))
    assert found == pytest.approx([wanted, wanted])
    none = precision(Numbers(0 * values), Units(measured), Labels(on), w=np.ones((1, 3 * n)))
    assert np.isnan(none).all()


def test_all_arms_on_a_real_model_of_random_weights(tmp_path: Path) -> None:
    engine = load(save_tiny(tmp_path / "model", "llama", scale=2.0))
    try:
        subject = Subject(engine, Renderer(engine.tokenizer, "plain", engine.context), Store(tmp_path / "store"), 0)
        subject = replace(subject, players={"rival": (subject,)})
        axes = ("logistic", "PC 1", "random", "residual")
        short = {"system": "", "tasks": "", "say": "Say.", "imitate": "Be at {$score}."}
        sizes = {"depths": (0.5, 1.0), "shots": (0, 2), "train": 40, "max_tokens": 4}
        experiment = Neurofeedback(arms=tuple(ARMS), axes=axes, controlled=axes[:1], wording=short, **sizes)  # type: ignore[arg-type]
        parts = split(Sentences(each=1), 2, 40)
        fit = asyncio.run(experiment.prepare(parts.train, subject.for_item("prepare")))
        view = subject.for_item("x")
        made: list[Any] = asyncio.run(experiment.protocol(parts.test[0], view, fit))
        failed = [row.error for row in made if isinstance(row, Failed)]
        assert not failed
        target, sentence = fit.targets[0], str(parts.test[0].fields["question"])
        shown = view.random("conversation").sample(range(len(fit.shown)), 2)
        examples = [(fit.shown[i], target.labels["own"][i]) for i in shown]
        first = reporting(experiment.wording, examples[:1], examples[1][0])
        whole = reporting(experiment.wording, examples, sentence)
        alone_ = [asyncio.run(view.choose(prompt, {"1": ["1"], "0": ["0"]})).p["1"] for prompt in (first, whole)]
    finally:
        engine.close()
    along = [row.p for row in made if row.arm == "whole conversation" and (row.axis, row.depth) == ("logistic", "50%")]
    assert along[1:] == pytest.approx(alone_, abs=1e-5)
    assert {row.depth for row in made} == {"50%", "100%"}
    assert all(row.z is not None or "special token" in row.reason for row in made if row.measured != "none")
    implicit = {(row.arm, row.shots, row.depth): row.z for row in made if row.arm.startswith("implicit") and row.target}
    assert implicit["implicit control", 2, "100%"] != implicit["implicit control, flipped", 2, "100%"]
    assert implicit["implicit control", 0, "100%"] == implicit["implicit control, flipped", 0, "100%"]


# What is fitted, and from what


def test_no_group_is_fitted_and_shown_or_tested() -> None:
    fitted, shown = parted(SPLIT.train, 16)
    groups = [{item.cluster for item in part} for part in (fitted, shown, SPLIT.test)]
    assert not groups[0] & groups[1]
    assert not (groups[0] | groups[1]) & groups[2]
    assert len(shown) >= 16
    with pytest.raises(HarnessError, match=r"raise experiment\.train or lower experiment\.shots"):
        parted(SPLIT.train[:8], 16)
    bad = [Item({"question": f"Thing {i}."}, "bad", short_answer, group=str(i)) for i in range(20)]
    with pytest.raises(HarnessError, match="axes need good and bad"):
        parted(bad, 4)
    with pytest.raises(HarnessError, match="axes need good and bad"):
        parted(SPLIT.train[:0], 4)


def test_training_sentences_without_a_label_or_too_long_are_left_out_and_told() -> None:
    subject = make(reported(half))
    subject.renderer.context = 200
    odd = Item({"question": "Grass is green."}, "maybe", short_answer, group="grass")
    long = Item({"question": "word " * 300}, "good", short_answer, group="long")
    plain = SPLIT.train[0]
    assert usable(TEXTS, subject, [odd, plain, long]) == [plain]
    (note,) = [note for note in subject.renderer.prompt_style.notes if "left out" in note]
    assert note.startswith(f"training sentences left out: 2; item {odd.id}: the right answer is 'maybe'")


def test_the_fit_is_kept_with_the_run(tmp_path: Path) -> None:
    fit = prepared(Neurofeedback(arms=REPORTS), make(reported(half)))
    save_fitted(tmp_path, fit)
    assert load_fitted(tmp_path, Fit) == fit


def test_settings_are_checked() -> None:
    with pytest.raises(HarnessError, match="there is no axis 'PC 0'"):
        Neurofeedback(axes=("PC 0",))
    with pytest.raises(HarnessError, match="each once"):
        Neurofeedback(axes=("random", "random"))
    with pytest.raises(HarnessError, match=r"experiment\.controlled: 'PC 2' is not among experiment\.axes"):
        Neurofeedback(controlled=("PC 2",))
    with pytest.raises(HarnessError, match="one above 0"):
        Neurofeedback(shots=(0,))


def test_what_is_asked_of_the_engine() -> None:
    assert Neurofeedback(arms=("rule: majority", "implicit control")).capabilities() == {"read"}
    assert Neurofeedback(arms=("own labels",)).capabilities() == {"read", "choose"}
    assert Neurofeedback(arms=("whole conversation",)).capabilities() == {"read", "choose", "choose_at"}
    assert Neurofeedback(arms=("explicit control",)).capabilities() == {"read", "generate"}
    assert Neurofeedback(arms=("own labels",)).needed_parts() == {}
    assert [*Neurofeedback().needed_parts()] == ["rival"]


# Stimuli


def test_deeds_are_in_pairs_that_share_their_subjects() -> None:
    items = TASK.load()
    assert len(items) == 240 == len({item.fields["question"] for item in items}) == len({item.id for item in items})
    assert Counter(item.gold for item in items) == {"good": 120, "bad": 120}
    assert len(DEEDS) == 60 == len({item.group for item in items})
    for topic in DEEDS:
        here = [item for item in items if item.group == topic]
        subjects = {
            kind: {" ".join(item.fields["question"].split()[:2]) for item in here if item.gold == kind}
            for kind in ("good", "bad")
        }
        assert subjects["good"] == subjects["bad"]
    assert len(Sentences(each=10).load()) == 1200
    assert {item.id for item in items} <= {item.id for item in Sentences(each=10).load()}
    assert not any(re.search(r"\b(he|she|his|her|him)\b", item.fields["question"]) for item in items)
    with pytest.raises(HarnessError, match="each=11; give 1 to 10"):
        Sentences(each=11).load()


def test_facts_are_true_and_false_in_pairs() -> None:
    items = Sentences(name="fact_sentences", kind="facts").load()
    assert len(items) > 500
    pairs: dict[str, dict[str, str]] = {}
    for item in items:
        stem, _, said = item.fields["question"].removesuffix(".").rpartition(" is ")
        pairs.setdefault(stem, {})[str(item.gold)] = said
        assert is_positive(item) == (item.gold == "true")
    assert all(set(told) == {"true", "false"} and told["true"] != told["false"] for told in pairs.values())
    assert pairs["The capital of France"]["true"] == "Paris"
    assert pairs["The chemical symbol of gold"]["true"] == "Au"


def test_the_whole_experiment_gives_finite_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["experiment=neurofeedback", "engine=fake", "tracker=none", "limit=6", "replicates=20"]
    assert main(["run", *words, f"runs={tmp_path}"]) == 0
    assert "6 items" in capsys.readouterr().out
