"""Injected thoughts: words and items, concept vectors, and where in the prompt a vector is added."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from experiments.introspection.injected_thoughts.prompts import TEXTS
from experiments.introspection.injected_thoughts.task import ThoughtWords
from experiments.introspection.injected_thoughts.trials import Cell, Injects, Trial, YesNo, log_odds, same_line
from experiments.introspection.injected_thoughts.vectors import Space, make_space, writing_stream
from experiments.introspection.injected_thoughts.words import (
    BASELINE,
    CONCEPTS,
    QUESTIONS,
    SENTENCES,
    alike,
    free_of,
    mentions,
    singular,
)
from harness import Array, Choice, HarnessError, Subject
from harness.prompting.rendering import Renderer
from harness.store.store import Store
from harness.tasks.base import split
from harness.testing import fake_subject
from tests.support.introspectors import BASE, Introspector, code, mean_code, noise

ITEMS = ThoughtWords().load()
WORDS = [word for some in CONCEPTS.values() for word in some]


def test_concepts_baseline_words_and_lines_do_not_meet() -> None:
    assert len(WORDS) == len(set(map(singular, WORDS))) == 200
    assert len(set(BASELINE)) == 100
    assert not set(map(singular, WORDS)) & set(map(singular, BASELINE))
    assert len(set(SENTENCES)) == 100
    for text in (*SENTENCES, *QUESTIONS):
        assert not [word for word in (*WORDS, *BASELINE) if mentions(text, word)], text


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("I think of Trumpets.", "trumpet", True),
        ("a trumpet!", "Trumpets", True),
        ("two boxes", "box", True),
        ("old stories", "story", True),
        ("hot-air balloon trip", "air balloon", True),
        ("the trumpeter", "trumpet", False),
        ("glass", "glas", False),
        ("a bus", "bu", False),
        ("", "bread", False),
        ("bread", "", False),
    ],
)
def test_a_word_is_found_in_either_number(text: str, word: str, found: bool) -> None:
    assert mentions(text, word) is found


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("clean", "cleaned", True),
        ("packed", "pack", True),
        ("slow", "slowly", True),
        ("carry", "carried", True),
        ("box", "boxes", True),
        ("door", "door", True),
        ("counted", "coins", False),
        ("table", "tailor", False),
        ("silent", "quietly", False),
        ("a", "at", False),
        ("", "door", False),
    ],
)
def test_forms_of_one_word_are_alike(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is alike(other, one) is same


def test_lines_that_mention_a_word_are_not_used() -> None:
    rng = random.Random(0)
    assert not [line for line in free_of(SENTENCES, ("nurse", "coin"), 1000, rng) if "nurse" in line or "coin" in line]
    assert free_of(("a nurse",), ("nurse",), 2, rng) == []


def test_every_item_has_words_of_its_own() -> None:
    assert len({item.id for item in ITEMS}) == len({item.fields["trial"] for item in ITEMS}) == 200
    for item in ITEMS:
        listed = [item.gold, *item.fields["others"]]
        assert len(set(listed)) == 10
        assert not [(a, b) for a in listed for b in listed if a != b and b.startswith(a)], listed
    assert [item.id for item in ThoughtWords().load()] == [item.id for item in ITEMS]
    assert ThoughtWords(seed=1).load()[0].fields["others"] != ITEMS[0].fields["others"]
    parts = split(ThoughtWords(), 25, 25)
    assert not {item.gold for item in parts.test} & {item.gold for item in parts.train}
    with pytest.raises(HarnessError, match="give 2 to 200"):
        ThoughtWords(names=201).load()


def test_words_of_a_file_are_each_used_once(tmp_path: Path) -> None:
    file = tmp_path / "words.csv"
    rows = ["concept,kind", *(f"{word.capitalize()},{kind}" for kind in CONCEPTS for word in CONCEPTS[kind])]
    file.write_text("\n".join([*rows, "mirrors,thing", "Desks,thing", " ,thing", "Mirror,thing"]))
    loaded = ThoughtWords(path=str(file)).load()
    assert [item.gold for item in loaded] == [word.capitalize() for word in WORDS]
    assert [item.fields["kind"] for item in loaded] == [str(item.fields["kind"]) for item in ITEMS]
    assert len(loaded.broken) == 4
    assert "row 201: 'mirrors' is in another row ('Mirror'); leave it out" in loaded.broken[0]
    assert "row 204: 'Mirror' is in another row" in loaded.broken[3]
    assert "a baseline word" in loaded.broken[1]
    file.write_text("concept\nrain\nrainbow")
    with pytest.raises(HarnessError, match="every other word begins or holds 'rain'"):
        ThoughtWords(path=str(file), names=2).load()
    with pytest.raises(HarnessError, match="no column 'word'"):
        ThoughtWords(path=str(file), column="word").load()


def begun(model: Introspector, item: int = 0) -> tuple[Trial, Space, Subject]:
    subject = fake_subject(model.answer, activations=model.activations, intervened=model.intervened)

    async def both() -> tuple[Trial, Space]:
        space = await make_space(subject, TEXTS, [0, 2])
        return await Trial.begin(subject.for_item(ITEMS[item].id), TEXTS, space, ITEMS[item]), space

    return (*asyncio.run(both()), subject)


def test_a_concept_vector_is_that_of_the_last_token_less_the_mean_of_the_baseline_words() -> None:
    trial, space, _ = begun(Introspector())
    own = code(trial.concept) - mean_code()
    assert space.centre.numpy()[0] == pytest.approx(BASE + mean_code(), abs=1e-5)
    assert trial.direction("concept", 2).vector.numpy() == pytest.approx(own, abs=1e-5)
    assert trial.direction("other concept", 0).vector.numpy() == pytest.approx(
        code(trial.other) - mean_code(), abs=1e-5
    )
    assert space.lengths == pytest.approx([math.sqrt(40**2 + 1)] * 2, abs=1e-3)
    assert trial.share("concept", Cell(2, 3.0)) == pytest.approx(3 * np.linalg.norm(own) / math.sqrt(40**2 + 1))
    assert trial.share("none", Cell(2, 3.0)) == 0


def test_a_random_vector_has_the_length_of_the_concept_and_stays_that_of_its_item() -> None:
    def drawn(item: int = 0, layer: int = 2) -> Any:
        return begun(Introspector(), item)[0].direction("random vector", layer).vector.numpy()

    own = begun(Introspector())[0].direction("concept", 2).vector.numpy()
    assert np.linalg.norm(drawn()) == pytest.approx(np.linalg.norm(own), rel=1e-6)
    assert abs(own @ drawn()) < 0.6 * own @ own
    assert (drawn() == drawn()).all()
    assert (drawn() != drawn(layer=0)).all()
    assert (drawn() != drawn(item=1)).all()


def test_cosines_are_of_the_stream_less_that_of_writing() -> None:
    _, space, _ = begun(Introspector())
    states = Array.of(np.stack([BASE + code("bread")] * 2))
    vector, writing = space.vectors(states), space.writing.numpy()
    stream = np.stack([writing + 3 * vector, writing - vector], axis=1)
    own, above = space.cosines(states, Array.of(stream[:, :1]))
    assert own == pytest.approx([1.0, 1.0], abs=1e-5)
    against = vector[0] / np.linalg.norm(vector[0]) @ space.baseline.numpy()[0]
    assert above == pytest.approx([1.0 - against] * 2, abs=1e-5)
    assert space.cosines(states, Array.of(stream))[0] == pytest.approx([0.0, 0.0], abs=1e-5)
    # Without centring, the coordinate that all share would make opposite changes look alike.
    assert float(stream[0, 0] @ stream[0, 1]) / np.prod(np.linalg.norm(stream[0], axis=1)) > 0.98


def test_the_stream_of_writing_is_that_of_the_sentence_without_its_last_token() -> None:
    model = Introspector()
    subject = fake_subject(model.answer, activations=model.activations)
    line, layers = "The nurse opened the door quietly.", [0, 2]
    read = asyncio.run(writing_stream(subject, layers, f'Write "{line}" Think about bread.', line)).numpy()
    words = ["The", " nurse", " opened", " the", " door", " quietly"]
    assert read.shape == (2, len(words), len(BASE))
    written = ["".join(words[: i + 1]) for i in range(len(words))]
    for i, layer in enumerate(layers):
        weight = 0.8 * (1.0 if layer == 2 else 0.5)
        known = [BASE + noise(text) + weight * code("bread") for text in written]
        assert read[i] == pytest.approx(np.array(known), abs=1e-5)


SHORT = {**TEXTS, "intro": "Thoughts may be added."}
"""The tiny model's tokens are letters, and its context holds 256 of them."""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    from tests.support.tiny_engines import load
    from tests.support.tiny_models import save_tiny

    engine = load(save_tiny(tmp_path_factory.mktemp("model"), "llama", scale=2.0))
    yield Subject(engine, Renderer(engine.tokenizer, "plain", engine.context), Store(tmp_path_factory.mktemp("s")), 0)
    engine.close()


@pytest.mark.parametrize("asks", get_args(YesNo)[:4])
@pytest.mark.parametrize("injects", ["concept", "random vector", "other concept"])
def test_the_stream_differs_by_the_vector_at_the_span_and_by_nothing_before_it(
    real: Subject, asks: YesNo, injects: Injects
) -> None:
    cell = Cell(1, 2.5)

    async def streams() -> tuple[Trial, Any, Any, Any, Any]:
        space = await make_space(real, SHORT, [1, 2])
        trial = await Trial.begin(real.for_item(ITEMS[3].id), SHORT, space, ITEMS[3])
        prompt, (added,) = await trial.injection(asks, injects, cell)
        everywhere = range(real.prompt_tokens(prompt))
        plain = await real.read(prompt, layers=[1, 2], positions=everywhere)
        steered = await real.read(prompt, layers=[1, 2], positions=everywhere, interventions=[added])
        return trial, prompt, added, plain.numpy(), steered.numpy()

    trial, prompt, added, plain, steered = asyncio.run(streams())
    where, n = list(added.positions), real.prompt_tokens(prompt)
    change = steered - plain
    assert change[0, where] == pytest.approx(
        np.tile(2.5 * trial.direction(injects, 1).vector.numpy(), (len(where), 1)), abs=1e-3
    )
    others = [p for p in range(n) if p not in where]
    assert not change[0, others].any()
    assert not change[1, : where[0]].any()
    assert np.abs(change[1, -1]).max() > 0, "what is added reaches the token at which the answer is read"
    number = f"Trial {ITEMS[3].fields['trial']}:"
    if asks in ("detection", "unrelated"):
        assert where == list(range(real.positions(prompt, number)[0] - 1, n))
        assert added.decode
    elif asks == "turn one":
        assert where == list(range(real.positions(prompt, SHORT["intro"])[0], real.positions(prompt, number)[0] - 1))
        assert not added.decode
    else:
        assert where == list(real.positions(prompt, trial.sentences[0]))
        assert not added.decode


def test_strength_zero_is_no_injection(real: Subject) -> None:
    async def both() -> tuple[Choice, Choice]:
        space = await make_space(real, SHORT, [1])
        trial = await Trial.begin(real.for_item(ITEMS[3].id), SHORT, space, ITEMS[3])
        return await trial.yes_no("detection", "concept", Cell(1, 0.0)), await trial.yes_no(
            "detection", "none", Cell(1, 0.0)
        )

    zero, none = asyncio.run(both())
    assert zero.logp == pytest.approx(none.logp, abs=1e-6)


def test_log_odds_end_where_an_answer_is_certain() -> None:
    assert log_odds(Choice({"yes": 1.0, "no": 0.0}, 1.0, {"yes": 0.0, "no": -math.inf})) == 30
    assert log_odds(Choice({"yes": 0.0, "no": 1.0}, 1.0, {"yes": -math.inf, "no": 0.0})) == -30
    assert log_odds(Choice({"yes": 0.5, "no": 0.5}, 0.0, {"yes": -math.inf, "no": -math.inf})) == 0
    assert log_odds(Choice({"yes": 0.8, "no": 0.2}, 1.0, {"yes": math.log(0.8), "no": math.log(0.2)})) == pytest.approx(
        math.log(4)
    )


def test_a_line_is_repeated_letter_for_letter() -> None:
    line = "The nurse opened the door quietly."
    assert same_line(f' "{line}" ', line)
    assert not same_line("The nurse opened the door", line)
    assert not same_line(f"Sure: {line}", line)
    assert not same_line("", line)
