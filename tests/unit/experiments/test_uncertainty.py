"""Confidence from several draws: closed forms, and plain references by enumeration."""

import itertools
import math
import random

import pytest

from experiments.calibration.semantic_entropy.uncertainty import (
    lexical_similarity,
    mean_log_likelihood,
    minus_entropy,
    minus_weighted_entropy,
    rouge_l,
)
from experiments.shared.log_likelihood import log_likelihood
from harness import Text


def text(words: str, *p: float) -> Text:
    """A text whose tokens have the given probabilities; the tokens are one for each word and the end."""
    ids = tuple(sum(map(ord, word)) for word in [*words.split(), "<end>"])[-len(p) :] if p else ()
    return Text(words, ids, tuple(math.log(x) for x in p), "stop")


def test_a_likelihood_is_the_sum_over_tokens_or_their_mean() -> None:
    assert log_likelihood(text("a b", 0.5, 0.25, 0.5)) == pytest.approx(math.log(1 / 16))
    assert log_likelihood(text("a b", 0.5, 0.25, 0.5), per_token=True) == pytest.approx(math.log(1 / 16) / 3)
    assert log_likelihood(text("")) == log_likelihood(text(""), per_token=True) == 0.0
    with pytest.raises(ValueError, match="a token of probability 0"):
        log_likelihood(Text("a", (1,), (-math.inf,), "stop"))


def test_the_predictive_entropy_is_minus_the_mean_log_likelihood() -> None:
    draws = [text("a", 0.5), text("b c", 0.25, 0.5), text("a", 0.5), text("d", 0.25)]
    assert mean_log_likelihood(draws) == pytest.approx((-1 - 3 - 1 - 2) / 4 * math.log(2))
    assert mean_log_likelihood(draws, per_token=True) == pytest.approx((-1 - 1.5 - 1 - 2) / 4 * math.log(2))


@pytest.mark.parametrize(
    ("clusters", "entropy"),
    [
        ((0, 0, 0, 0), 0.0),
        ((0, 1, 2, 3), math.log(4)),
        ((0, 0, 1), math.log(3) - 2 / 3 * math.log(2)),
        (("x", "y", "x", "y"), math.log(2)),
    ],
)
def test_the_entropy_of_shares_is_in_closed_form(clusters: tuple[object, ...], entropy: float) -> None:
    found = minus_entropy(clusters)
    assert found == pytest.approx(-entropy, abs=1e-12)
    assert math.copysign(1, found) == (1 if entropy == 0 else -1)  # no minus zero in a report


def test_weighted_entropy_is_exact_once_every_text_was_drawn_however_often() -> None:
    support = {"paris": 0.5, "it is paris": 0.25, "lyon": 0.125, "nice": 0.125}
    texts = {words: Text(words, (n,), (math.log(p),), "stop") for n, (words, p) in enumerate(support.items())}
    meaning = {"paris": 0, "it is paris": 0, "lyon": 1, "nice": 2}
    exact = 0.75 * math.log(0.75) + 2 * 0.125 * math.log(0.125)
    for repeats in ((1, 1, 1, 1), (5, 1, 1, 2), (1, 7, 3, 1)):
        drawn = [words for words, n in zip(support, repeats, strict=True) for _ in range(n)]
        found = minus_weighted_entropy([meaning[d] for d in drawn], [texts[d] for d in drawn])
        assert found == pytest.approx(exact, abs=1e-12)
    # Of the texts that were drawn, the weights are renormalised: 0.5 against 0.125.
    found = minus_weighted_entropy([0, 1], [texts["paris"], texts["lyon"]])
    assert found == pytest.approx(0.8 * math.log(0.8) + 0.2 * math.log(0.2), abs=1e-12)


def test_weighted_entropy_per_token_weighs_by_the_geometric_mean() -> None:
    texts = [text("a", 0.25), text("b c d", 0.25, 0.5, 0.5, 0.25)]  # geometric means 1/4 and (1/64)^(1/4)
    a, b = 0.25, (1 / 64) ** 0.25
    expected = sum(p * math.log(p) for p in (a / (a + b), b / (a + b)))
    assert minus_weighted_entropy([0, 1], texts, per_token=True) == pytest.approx(expected, abs=1e-12)


def test_the_authors_code_counts_a_text_as_often_as_it_was_drawn() -> None:
    texts = [Text("paris", (1,), (math.log(0.9),), "stop")] * 4 + [Text("lyon", (2,), (math.log(0.3),), "stop")]
    for repeats, share in ((False, 0.9 / 1.2), (True, 3.6 / 3.9)):
        found = minus_weighted_entropy([0, 0, 0, 0, 1], texts, per_token=True, repeats=repeats)
        assert found == pytest.approx(share * math.log(share) + (1 - share) * math.log(1 - share), abs=1e-12)


def test_weights_may_differ_by_more_than_a_float_holds() -> None:
    texts = [Text("a", (1,), (-1.0,), "stop"), Text("b", (2,), (-2000.0,), "stop")]
    assert minus_weighted_entropy([0, 1], texts) == 0.0


def test_rouge_l_equals_an_enumeration_of_subsequences() -> None:
    rng = random.Random(0)

    def longest(a: list[str], b: list[str]) -> int:
        common = ({c for n in range(len(x) + 1) for c in itertools.combinations(x, n)} for x in (a, b))
        return max(map(len, set.intersection(*common)))

    for _ in range(100):
        a, b = (rng.choices("xyz", k=rng.randint(0, 6)) for _ in range(2))
        expected = 2 * longest(a, b) / (len(a) + len(b)) if a or b else 1.0
        assert rouge_l(a, b) == rouge_l(b, a) == pytest.approx(expected)


def test_lexical_similarity_is_the_mean_over_pairs_of_normalised_words() -> None:
    # Pairs: the same but for article and capitals 1; "paris" against "it is paris" 2/4, twice.
    assert lexical_similarity(["Paris", "the paris!", "It is Paris."]) == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert lexical_similarity(["", ""]) == 1.0
    assert lexical_similarity(["", "Paris"]) == 0.0
    with pytest.raises(ValueError, match="two texts"):
        lexical_similarity(["Paris"])
