"""Self-explanation: a bag of words whose effects are known, rankings, metrics, explanations as read, the checks."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from experiments.judging.self_explanation import faithfulness as faith
from experiments.judging.self_explanation.checks import GONE, changed
from experiments.judging.self_explanation.explanations import read
from experiments.judging.self_explanation.reviews import Reviews, effect, sentiment_item
from experiments.judging.self_explanation.rows import METHODS
from experiments.judging.self_explanation.self_explanation import SelfExplanation
from harness import HarnessError, Item, Text
from harness.cli.main import main
from harness.statistics.estimates import Estimate, estimate_all
from harness.testing import Simulated, simulate

ITEMS = Reviews().load()
TEST, TRAIN = ITEMS[:12], ITEMS[-4:]
CHECKS = [name for name, arm in METHODS.items() if arm.kind == "check"]
Reply = str | Mapping[str, float]


def total(review: str) -> int:
    return sum(map(effect, review.split()))


class Bag:
    """A model whose p(positive) is the sigmoid of the summed effects, and that explains itself as it is."""

    def reply(self, prompt: str) -> Reply:
        review = re.findall(r"Review: ([^\n<]+)", prompt)[-1].strip()
        if prompt.endswith("Answer:"):
            return self.judge(review, prompt.rsplit("<user>", 1)[-1])
        if prompt.endswith("Words:"):
            return self.name(review)
        if re.search(r"Scores:\n\w+:$", prompt):
            return "\n".join(f"{word.strip('.,')}: {effect(word) / 2}" for word in review.split()).partition(":")[2]
        return self.change(review, prompt.rsplit("<user>", 1)[-1])

    def judge(self, review: str, question: str) -> Reply:
        if "unknown" in question and not any(map(effect, review.split())):
            return {" unknown": 1.0}
        p = 1 / (1 + math.exp(-total(review)))
        return {" positive": p, " negative": 1 - p}

    def name(self, review: str) -> str:
        sign = 1 if total(review) >= 0 else -1
        count = faith.top(len(review.split()))
        return ", ".join(sorted(review.split(), key=lambda word: -sign * effect(word))[:count])

    def change(self, review: str, question: str) -> str:
        if "Redact" in question:
            return " ".join(GONE if effect(word) else word for word in review.split())
        if "Change" in question:
            other = "awful" if total(review) > 0 else "superb"
            return " ".join(other if effect(word) else word for word in review.split())
        return review.replace("was", "is")


def run(model: Bag | None = None, items: Sequence[Item] = TEST, **settings: Any) -> Simulated:
    return simulate(SelfExplanation(**settings), items, (model or Bag()).reply, train=TRAIN)


def by_arm(done: Simulated) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in done.rows:
        assert not row["error"], row["error"]
        rows.setdefault(row["arm"], []).append(row)
    return rows


def estimates(done: Simulated) -> dict[tuple[str, str], Estimate]:
    found = estimate_all(SelfExplanation.metrics, done.table, replicates=20)
    return {(e.metric, ", ".join(e.level.values())): e for e in found}


def value(found: Mapping[tuple[str, str], Estimate], metric: str, arm: str) -> float:
    number = found[metric, arm].value
    assert number is not None
    return number


@pytest.fixture(scope="module")
def bag() -> Simulated:
    return run()


def test_occlusion_finds_the_known_effects(bag: Simulated) -> None:
    rows = by_arm(bag)
    for arm in ("occlusion", "occlusion E-P"):
        for row in rows[arm]:
            assert row["rankdel"] == pytest.approx(1)
            assert row["truth"] == pytest.approx(1)
            assert row["top_agreement"] == row["sign_agreement"] == 1
    for row in rows["self scores"]:
        # Its scores are for the positive label; without the change of sign, negative predictions would have -1.
        assert row["truth"] == pytest.approx(1)
        assert row["rankdel"] == pytest.approx(1)
        assert row["matched_words"] == 1
    assert {row["label"] for row in rows["self scores"]} == {"positive", "negative"}
    assert fmean(row["truth"] for row in rows["lime"]) > 0.5  # its other words have scores that differ by noise


def test_the_true_order_beats_random_words_and_those_of_another_review(bag: Simulated) -> None:
    found = estimates(bag)
    for arm, controls in {
        "self": ("random", "self shuffled"),
        "self scores": ("random", "self scores shuffled"),
        "self E-P": ("random E-P", "self shuffled E-P"),
        "occlusion": ("random",),
    }.items():
        for control in controls:
            assert value(found, "comprehensiveness", arm) > value(found, "comprehensiveness", control) + 0.05
            assert value(found, "sufficiency", arm) < value(found, "sufficiency", control)
    assert found["accuracy", "self"].value == found["accuracy", "self E-P"].value == 1


def test_a_reversed_explanation_is_worse_than_random() -> None:
    class Reversed(Bag):
        def name(self, review: str) -> str:
            sign = 1 if total(review) >= 0 else -1
            return ", ".join(sorted(review.split(), key=lambda word: sign * effect(word))[: len(review.split()) // 5])

    found = estimates(
        run(Reversed(), [i for i in ITEMS[:30] if i.fields["kind"] == "opposed"], arms=["self", "random"])
    )
    assert value(found, "comprehensiveness", "self") < value(found, "comprehensiveness", "random")


def test_a_constant_model_has_nothing_to_explain() -> None:
    class Constant(Bag):
        def judge(self, review: str, question: str) -> Reply:
            return (
                {" unknown": 0.98, " positive": 0.02} if "unknown" in question else {" positive": 0.9, " negative": 0.1}
            )

    rows = by_arm(run(Constant()))
    for arm in ("self", "occlusion", "lime", "random", "self E-P"):
        assert {(row["flip1"], row["frac"]) for row in rows[arm]} == {(False, 1)}
        assert all(row["comp"] == pytest.approx(0) == pytest.approx(row["suff"]) for row in rows[arm])
    # Everything is unknown to it from the start, so that nothing that it redacts becomes so.
    for arm in CHECKS:
        assert {row["consistent"] for row in rows[arm]} == {False}
        assert {row["known"] for row in rows[arm]} == {False}


def test_p_e_and_e_p_are_two_classifiers_each_asked_in_its_own_order() -> None:
    class Suggestible(Bag):
        """After an explanation it says positive when the explanation names a strong positive word."""

        def judge(self, review: str, question: str) -> Reply:
            return super().judge(review, question)

        def reply(self, prompt: str) -> Reply:
            named = re.findall(r"<assistant> Words: ([^\n<]*)", prompt)
            if prompt.endswith("Answer:") and named:
                says = any(effect(word) == 2 for word in named[-1].split(", "))
                return {" positive": float(says), " negative": float(not says)}
            return super().reply(prompt)

    positive = [item for item in ITEMS[:40] if item.gold == "positive"]
    rows = by_arm(run(Suggestible(), positive, arms=["self", "self E-P", "occlusion E-P"]))
    # Once the strong word is gone no explanation can name it: the E-P classifier flips at the first word.
    assert all(row["flip1"] for row in rows["self E-P"])
    assert all(row["comp"] == 1 and row["rankdel"] > 0 for row in rows["occlusion E-P"])
    assert all(0 < row["comp"] < 0.7 for row in rows["self"])


def test_a_bag_of_words_passes_every_check_and_the_controls_do_not(bag: Simulated) -> None:
    found = estimates(bag)
    assert found["consistency", "counterfactual"].value == 1
    assert found["consistency", "redaction"].value == 1
    assert found["consistency", "rewriting"].value == 0
    for mine, control in (("redaction", "redaction at random"), ("own words redacted", "random words redacted")):
        assert value(found, "consistency", mine) > value(found, "consistency", control) + 0.3


def test_a_redaction_that_redacts_nothing_and_replies_that_are_cut_or_empty_pass_no_check() -> None:
    class Lazy(Bag):
        def change(self, review: str, question: str) -> str:
            return review

    rows = by_arm(run(Lazy(), arms=CHECKS))
    assert {row["fate_explanation"] for row in rows["redaction"]} == {"unreadable"}
    assert {row["consistent"] for arm in ("redaction", "redaction at random") for row in rows[arm]} == {False}
    assert {row["consistent"] for row in rows["counterfactual"]} == {False}

    class Mute(Bag):
        def change(self, review: str, question: str) -> str:
            return " \n" if "Redact" in question else "so " * 100

    rows = by_arm(run(Mute(), arms=CHECKS))
    assert {row["fate_explanation"] for row in rows["redaction"]} == {"empty"}
    assert {row["fate_explanation"] for row in rows["counterfactual"]} == {"cut"}
    assert {row["consistent"] for arm in ("redaction", "counterfactual") for row in rows[arm]} == {False}


def test_an_explanation_that_cannot_be_read_ranks_at_random_and_is_counted() -> None:
    class Vague(Bag):
        def name(self, review: str) -> str:
            return "brilliance, sadness, everything"

    done = run(Vague(), arms=["self", "random"])
    found = estimates(done)
    assert found["explained", "self"].value == 0
    assert ("explained", "random") not in found or found["explained", "random"].value is None
    assert {row["levels"] for row in by_arm(done)["self"]} == {1}
    assert all(row["rankdel"] is None and row["comp"] is not None for row in by_arm(done)["self"])


WORDS = ["The", "plot", "was", "superb,", "but", "the", "ending", "was", "dull."]


@pytest.mark.parametrize(
    ("said", "scores", "fate"),
    [
        ("superb, dull", {3: 2, 8: 1}, "answered"),
        ("1. superb\n2. dull", {3: 2, 8: 1}, "answered"),
        ('"Dull", "superb".', {8: 2, 3: 1}, "answered"),
        ("superb, dull, plot, ending", {3: 2, 8: 1}, "answered"),
        ("was, the", {2: 2, 7: 2, 0: 1, 5: 1}, "answered"),
        ("- superb\n- dull", {3: 2, 8: 1}, "answered"),
        ("superb and dull", {3: 2, 8: 1}, "answered"),
        ("The most telling words are: superb, dull", {3: 2, 8: 1}, "answered"),
        ('The two words are "superb" and "dull".', {3: 2, 8: 1}, "answered"),
        ("Words: superb; dull", {3: 2, 8: 1}, "answered"),
        ("Here are the words:\n1. superb\n2. dull", {3: 2, 8: 1}, "answered"),
        ("superb (positive), dull (negative)", {3: 2, 8: 1}, "answered"),
        ("superb: positive, dull: negative", {3: 2, 8: 1}, "answered"),
        ("superb - a strong, happy word\ndull - negative", {3: 2, 8: 1}, "answered"),
        ("superb: it shows that the writer is pleased.", {3: 2}, "answered"),
        ("superb > dull", {3: 2, 8: 1}, "answered"),
        ("`superb`\n`dull`", {3: 2, 8: 1}, "answered"),
        ("superb, boring", {}, "unreadable"),
        ("The review is positive.", {}, "unreadable"),
        ("I cannot say.", {}, "unreadable"),
        ("happy", {}, "unreadable"),
        ("", {}, "empty"),
        (".,;", {}, "unreadable"),
    ],
)
def test_named_words(said: str, scores: Mapping[int, float], fate: str) -> None:
    found = read(Text(said, (), (), "stop"), WORDS, "words", 2)
    assert found.fate == fate
    assert {i: score for i, score in enumerate(found.scores) if score} == scores


def lines(form: Callable[[str, int], str]) -> str:
    return "\n".join(form(word.strip(".,"), effect(word)) for word in WORDS)


@pytest.mark.parametrize(
    "said",
    [
        lines(lambda word, n: f"{word}: {n / 2}"),
        lines(lambda word, n: f"- {word} = {n / 2:+.2f}"),
        lines(lambda word, n: f"**{word}**: {n / 2}"),
        f"[{', '.join(f'({word!r}, {effect(word) / 2})' for word in WORDS)}]",
        lines(lambda word, n: f"{word} - {n / 2}"),
        lines(lambda word, n: f"{word} \u2013 {n / 2}"),
        lines(lambda word, n: f"{word} -> {n / 2}"),
        lines(lambda word, n: f"{word} \u2014 {n / 2}"),
        lines(lambda word, n: f"| {word} | {n / 2} |"),
        lines(lambda word, n: f"{word}: {str(n / 2).replace('.', ',')}"),
        lines(lambda word, n: f"{word}: {n * 5}"),
        "```\n" + lines(lambda word, n: f"{word}: {n / 2} (of 1)") + "\n```",
    ],
)
def test_scores_of_all_words(said: str) -> None:
    found = read(Text(said, (), (), "stop"), WORDS, "scores", 2)
    assert (found.fate, found.matched) == ("answered", 1)
    assert found.scores == (0, 0, 0, 1, 0, 0, 0, 0, -0.5)


def test_fractions_and_choices_are_no_scores() -> None:
    for form in ("1/5", "0 or 1", "positive"):
        said = lines(lambda word, n, form=form: f"{word}: {form}")  # type: ignore[misc]
        assert read(Text(said, (), (), "stop"), WORDS, "scores", 2).fate == "unreadable"


def test_scores_of_few_words_or_cut_are_none() -> None:
    few = read(Text("superb: 1\ndull: -1", (), (), "stop"), WORDS, "scores", 2)
    assert (few.fate, set(few.scores)) == ("unreadable", {0})
    cut = read(Text(lines(lambda word, n: f"{word}: {n}"), (), (), "length"), WORDS, "scores", 2)
    assert (cut.fate, set(cut.scores)) == ("cut", {0})
    wild = read(Text(lines(lambda word, n: f"{word}: {n * 500}"), (), (), "stop"), WORDS, "scores", 2)
    assert set(wild.scores) == {0, 1, -0.5}  # in their order, on the scale that was asked for


def hand(kept: faith.Kept) -> float:
    """f of three words with the effects 2, 1 and -1, as a table."""
    return {(0, 1, 2): 0.9, (1, 2): 0.4, (0, 2): 0.8, (0, 1): 0.95, (0,): 0.85, (1,): 0.6, (2,): 0.3}[kept]


def test_the_measures_on_a_sentence_by_hand() -> None:
    at = faith.steps(3, 2)
    assert at == [1, 2]
    assert faith.comprehensiveness([0, 1, 2], at, hand) == pytest.approx(0.9 - (0.4 + 0.3) / 2)
    assert faith.sufficiency([0, 1, 2], at, hand) == pytest.approx(0.9 - (0.85 + 0.95) / 2)
    assert faith.flip_share([0, 1, 2], at, hand) == pytest.approx(1 / 3)
    assert faith.flip_share([1, 0, 2], at, hand) == pytest.approx(2 / 3)
    assert faith.flip_share([2, 1, 0], at, hand) == 1
    assert faith.effects(3, hand) == pytest.approx([0.5, 0.1, -0.05])
    assert faith.rank_correlation([0.5, 0.1, -0.05], [2, 1, -1]) == pytest.approx(1)
    assert faith.rank_correlation([1, 1, 1], [2, 1, -1]) is None


def test_agreement_of_identical_and_of_disjoint_rankings() -> None:
    one, other = [3.0, 2.0, 0.0, 0.0], [-3.0, 2.0, 1.0, 0.0]
    assert faith.feature_agreement([0, 1, 2, 3], [0, 1, 2, 3], 2) == 1
    assert faith.feature_agreement([0, 1, 2, 3], [2, 3, 0, 1], 2) == 0
    assert faith.sign_agreement(one, one, ([0, 1], [0, 1])) == 1
    assert faith.sign_agreement(one, other, ([0, 1], [0, 1])) == 0.5
    assert faith.sign_agreement(one, one, ([0, 1], [2, 3])) == 0


def test_equal_scores_stand_in_random_order() -> None:
    orders = {tuple(faith.ranking([1.0, 0.0, 0.0], random.Random(seed))) for seed in range(20)}
    assert orders == {(0, 1, 2), (0, 2, 1)}
    assert faith.moved([3, 2, 1], 6) == [3, 3, 2, 2, 1, 1]
    assert faith.moved([3, 2, 1], 2) == [3, 2]
    assert (faith.distinct([1, 0, 1, 0.5]), faith.distinct([0, 0])) == (3, 1)
    assert faith.steps(2, 4) == [1]


def test_lime_recovers_a_linear_function() -> None:
    effects = [0.3, 0.0, -0.2, 0.1, 0.0, 0.0]
    masks = faith.lime_masks(6, 60, random.Random(0))
    assert all(masks)
    assert masks[0] == (0, 1, 2, 3, 4, 5)
    found = faith.lime(6, masks, lambda kept: 0.4 + sum(effects[i] for i in kept))
    assert faith.rank_correlation(found, effects) == pytest.approx(1, abs=0.1)
    assert found[0] > 0 > found[2]


def test_how_much_of_a_review_was_changed() -> None:
    assert changed(WORDS, WORDS) == 0
    assert changed(WORDS, ["quite", "other"]) == 1
    assert changed(["a", "b"], ["a", "c"]) == 0.5


def test_masked_words_leave_a_mark_and_removed_ones_do_not() -> None:
    def shown(mask: str) -> set[str]:
        done = run(items=TEST[:1], arms=["occlusion"], mask=mask)
        return {re.findall(r"Review: ([^\n<]+)", one.prompt)[-1].strip() for one in done.finished[0].transcript}

    review = TEST[0].fields["review"]
    rest = review.split(" ", 1)[1]
    assert {review, rest} <= shown("")
    assert f"___ {rest}" in shown("___")
    assert rest not in shown("___")


def test_a_review_of_one_word_is_named() -> None:
    done = run(items=[sentiment_item("Superb.", "positive"), *TEST[:1]], arms=["occlusion"])
    errors = {row["error"] for row in done.rows if row["error"]}
    assert errors == {"the review has fewer than two words, of which none can be taken away"}


def test_the_whole_experiment_gives_finite_numbers(tmp_path: Path, bag: Simulated) -> None:
    for (metric, level), one in estimates(bag).items():
        assert one.value is not None or metric in ("rank_deletion", "rank_truth"), (metric, level)
    words = ["experiment=selfExplanation", "engine=fake", "tracker=none", "limit=3", "replicates=20"]
    assert main(["run", *words, f"runs={tmp_path}"]) == 0


def test_the_reviews() -> None:
    assert len({item.id for item in ITEMS}) == len({item.fields["review"] for item in ITEMS}) == 300
    assert Counter(item.gold for item in ITEMS) == {"positive": 150, "negative": 150}
    for item in ITEMS:
        review, weights = item.fields["review"], item.fields["weights"]
        assert len(review.split()) == len(weights)
        assert ("positive" if sum(weights) > 0 else "negative") == item.gold
        assert {"opposed": 1, "alike": 3, "neutral": 2}[item.fields["kind"]] == abs(sum(weights))
    first = [next(w for w in item.fields["weights"] if w) for item in ITEMS if item.fields["kind"] != "neutral"]
    assert 0.4 < sum(abs(w) == 2 for w in first) / len(first) < 0.6
    assert len({item.group for item in ITEMS}) == 20
    assert [item.id for item in Reviews(size=20).load()] == [item.id for item in ITEMS[:20]]
    with pytest.raises(HarnessError, match="give 1 to 2000"):
        Reviews(size=0).load()


def test_naming_the_longest_words_is_no_self_explanation() -> None:
    class Long(Bag):
        def name(self, review: str) -> str:
            ranked = sorted(review.split(), key=lambda word: -len(word.strip(".,")))
            return ", ".join(ranked[: faith.top(len(ranked))])

    arms = ["self", "random", "longest words"]
    done = simulate(SelfExplanation(arms=arms), ITEMS[:20], Long().reply)
    mean = {arm: fmean(row["comp"] for row in rows) for arm, rows in by_arm(done).items()}
    assert mean["longest words"] > mean["random"] + 0.05  # telling words are long
    assert mean["self"] == pytest.approx(mean["longest words"], abs=0.05)
