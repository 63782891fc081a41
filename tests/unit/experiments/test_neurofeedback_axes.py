"""Neurofeedback: axes of known activations, predictions from words, and the sentences."""

from __future__ import annotations

import random
import re
from collections import Counter

import numpy as np
import pytest

from experiments.introspection.neurofeedback.axes import FitSet, equal_variance, fit_axes
from experiments.introspection.neurofeedback.deeds import DEEDS
from experiments.introspection.neurofeedback.neurofeedback import Neurofeedback
from experiments.introspection.neurofeedback.stimuli import Sentences, is_positive
from experiments.introspection.neurofeedback.words import WordScore, held_out
from harness import HarnessError
from tests.support.neurofeedback import (
    REPORTS,
    TASK,
    half,
    make,
    prepared,
    reported,
)


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
