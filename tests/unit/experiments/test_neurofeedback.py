"""Neurofeedback on models whose reports are known: observers, readers of words, models that look inside."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.introspection.neurofeedback.fitting import Fit, observer, parted, usable
from experiments.introspection.neurofeedback.neurofeedback import Neurofeedback
from experiments.introspection.neurofeedback.prompts import TEXTS, places, reporting, state_alone
from experiments.introspection.neurofeedback.stimuli import is_positive
from experiments.shared.bag_of_words import BagOfWords
from harness import HarnessError, Item, ItemError
from harness.calls.calls import Read
from harness.cli.main import main
from harness.config import load_job
from harness.engines.fake.engine import WordTokenizer
from harness.runs.fitted import load_fitted, save_fitted
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate_all
from harness.tasks.base import split
from harness.tasks.graders import short_answer
from harness.tasks.texts import words
from tests.support.neurofeedback import (
    REPORTS,
    SPLIT,
    TASK,
    WIDTH,
    by_words,
    half,
    make,
    prepared,
    ran,
    reported,
    rows,
    share,
    state,
)

CLAIMS = load_job(["experiment=neurofeedback", "engine=fake", "tracker=none"]).claims


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
    assert accuracy[1] > max(0.5, accuracy[0])


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


def reads_words(sentence: str, examples: list[tuple[str, bool]]) -> float:
    """A model without any look inside: a bag of words of its examples."""
    ones = sum(label for _, label in examples)
    if ones in (0, len(examples)):
        return (ones + 1) / (len(examples) + 2)
    return 1 / (1 + math.exp(-BagOfWords.fit(examples).log_odds(sentence)))


def test_a_reader_of_words_has_no_more_than_the_third_party() -> None:
    table = ran(Neurofeedback(arms=("own labels", "rule: bag of words"), shots=(4, 16)), make(reported(reads_words)))
    own, rule = (rows(table, arm=arm) for arm in ("own labels", "rule: bag of words"))
    assert [row["p"] for row in own] == pytest.approx([row["p"] for row in rule])


@pytest.mark.parametrize("insight", [True, False], ids=["looks inside", "reads words"])
def test_privileged_access_is_found_where_it_is_and_not_in_a_reader_of_words(insight: bool) -> None:
    experiment = Neurofeedback(arms=("own labels", *THIRD), axes=("residual",), controlled=(), shots=(16,))
    (target,) = prepared(experiment, make(reported(half))).targets

    def inside(sentence: str, examples: list[tuple[str, bool]]) -> float:
        return 1 / (1 + math.exp(-3 * float(target.axis.z(state(sentence)[None], [sentence])[0])))

    table = ran(experiment, make(reported(inside if insight else reads_words)), limit=60)
    found = estimate_all(experiment.metrics, table, replicates=200)
    (claim,) = [claim for claim in CLAIMS if claim.level.get("axis") == "residual" and "rules" in claim.text]
    verdict = judge_claim(claim, found, experiment.metrics, table, replicates=200)
    assert (verdict.kind == "supported") == insight, verdict.reason


GOOD = {str(item.fields["question"]): is_positive(item) for item in TASK.load()}
THIRD = ("rule: bag of words", "rule: bag of words, all labels", "rule: meaning", "rule: length", "rule: majority")


def reads_meaning(sentence: str, examples: list[tuple[str, bool]]) -> float:
    """A model that knows good from bad, and sees which of them the examples have a 1 for."""
    same = [label for text, label in examples if GOOD[text] == GOOD[sentence]]
    return (sum(same) + 1) / (len(same) + 2)


def reads_length(sentence: str, examples: list[tuple[str, bool]]) -> float:
    """A model that only sees how long sentences are."""
    sizes: dict[bool, list[int]] = {
        label: [len(words(text)) for text, told in examples if told == label] for label in (True, False)
    }
    if not all(sizes.values()):
        return reads_words(sentence, examples)
    long, short = np.mean(sizes[True]), np.mean(sizes[False])
    return 0.9 if (len(words(sentence)) > (long + short) / 2) == (long > short) else 0.1


def says_the_majority(sentence: str, examples: list[tuple[str, bool]]) -> float:
    return (sum(label for _, label in examples) + 1) / (len(examples) + 2)


def by_meaning(call: Read, text: str, layer: int) -> Sequence[float]:
    """Words, and at every token whether the sentence so far can only become a good one or a bad one."""
    begun = text.rsplit("<assistant> ", 1)[-1].strip()
    kinds = {good for sentence, good in GOOD.items() if sentence.startswith(begun)}
    there = 0.0 if len(kinds) != 1 else 3.0 if kinds == {True} else -3.0
    first, *rest = by_words(call, text, layer)
    return [first + there, *rest]


def by_length(call: Read, text: str, layer: int) -> Sequence[float]:
    """Words, and the number of tokens of the answer so far in every coordinate."""
    tokens = len(WordTokenizer().encode(text.rsplit("<assistant> ", 1)[-1]))
    return [x + 0.6 * tokens for x in by_words(call, text, layer)]


@pytest.mark.parametrize(
    ("reads", "inside", "rule"),
    [
        (says_the_majority, by_words, "rule: majority"),
        (reads_meaning, by_meaning, "rule: meaning"),
        (reads_length, by_length, "rule: length"),
    ],
    ids=["majority", "meaning", "length"],
)
def test_models_that_read_the_sentences_alone_have_no_privileged_access(reads: Any, inside: Any, rule: str) -> None:
    """Their activations follow what they read. A third party reads it, too."""
    experiment = Neurofeedback(
        arms=("own labels", "shuffled labels", *THIRD),
        axes=("logistic", "random", "residual"),
        controlled=(),
        shots=(4, 16),
    )
    table = ran(experiment, make(reported(reads), inside), limit=60)
    own, third = (share(table, arm=arm, axis="logistic", shots=16) for arm in ("own labels", rule))
    assert own == pytest.approx(third, abs=0.05)
    if rule != "rule: majority":
        assert own > 0.1 + max(share(table, arm=arm, axis="logistic", shots=16) for arm in THIRD if arm != rule)
    found = estimate_all(experiment.metrics, table, replicates=200)
    asked = [claim for claim in CLAIMS if "than" in claim.text and claim.level["arm"] == "own labels"]
    assert len(asked) == 7
    for claim in asked:
        kind = judge_claim(claim, found, experiment.metrics, table, replicates=200).kind
        semantic = rule != "rule: majority" and "a random one" in claim.text
        assert kind != "supported" or semantic, claim.text


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


def test_no_group_is_fitted_and_shown_or_tested() -> None:
    fitted, shown = parted(SPLIT.train, 16)
    groups = [{item.cluster for item in part} for part in (fitted, shown, SPLIT.test)]
    assert not groups[0] & groups[1]
    assert not (groups[0] | groups[1]) & groups[2]
    assert len(shown) == 16
    assert Counter(item.cluster for item in shown) == dict.fromkeys({item.cluster for item in shown}, 2)
    assert Counter(is_positive(item) for item in shown) == {True: 8, False: 8}
    assert len(fitted) > 60
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


def test_the_whole_experiment_gives_finite_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["experiment=neurofeedback", "engine=fake", "tracker=none", "limit=6", "replicates=20"]
    assert main(["run", *words, f"runs={tmp_path}"]) == 0
    assert "6 items" in capsys.readouterr().out
