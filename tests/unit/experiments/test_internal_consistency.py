"""Internal consistency: entropies of known sets, heads that are kept, stages of known answers, the questions."""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments.judging.internal_consistency.digits import DIGITS, keep_heads
from experiments.judging.internal_consistency.internal_consistency import InternalConsistency
from experiments.judging.internal_consistency.questions import FACTS, KINDS, OneDigit
from experiments.judging.internal_consistency.spread import (
    bits,
    consistency,
    expected_bits,
    mixture,
    shares,
    tempered,
    variance,
)
from harness import Ablate, HarnessError, Item, Subject
from harness.cli.main import main
from harness.prompting.rendering import Renderer
from harness.statistics.estimates import Estimate, estimate_all
from harness.store.store import Store
from harness.tasks.graders import number
from harness.testing import Simulated, simulate
from tests.support.white_models import HEAD_WIDTH, HEADS, shared_model
from tests.support.white_runs import P, logits

ANY_ENGINE = ("decoding", "response", "response without reasoning")
ITEMS = OneDigit().load()


def five(question: str = "What is 2 + 3?") -> Item:
    return Item({"question": question, "kind": "sum"}, "5", number)


def estimates(done: Simulated) -> dict[tuple[str, str], Estimate]:
    found = estimate_all(InternalConsistency.metrics, done.table, replicates=20)
    return {(e.metric, ", ".join(e.level.values())): e for e in found}


def answering(next_token: Mapping[str, float], after: Mapping[str, float]) -> Any:
    """A model with one distribution of digits as the next token, and another after a text of its own."""

    def reply(prompt: str) -> Mapping[str, float]:
        if not prompt.endswith("("):
            return {" Well, let us see.": 1.0}
        return after if "So what is the answer?" in prompt else next_token

    return reply


def test_the_measures_of_the_survey() -> None:
    answers = shares(["4", "3", "3", "3", "4"])
    assert -variance(answers) == pytest.approx(-0.24)
    assert -bits(answers) == pytest.approx(-0.971, abs=5e-4)
    assert bits({"7": 1.0}) == 0
    assert consistency({"7": 1.0}) == 1
    assert consistency(dict.fromkeys(DIGITS, 0.1)) == pytest.approx(0)
    assert mixture([{"1": 1.0, "2": 0.0}, {"1": 0.0, "2": 1.0}]) == {"1": 0.5, "2": 0.5}


def test_a_temperature_sharpens_and_flattens() -> None:
    p = {"1": 0.8, "2": 0.2, "3": 0.0}
    assert tempered(p, 1.0) == pytest.approx(p)
    assert tempered(p, 0.5)["1"] == pytest.approx(0.64 / 0.68)
    assert tempered(p, 1e-3) == {"1": 1.0, "2": 0.0, "3": 0.0}


@pytest.mark.parametrize("draws", [2, 20])
def test_the_entropy_of_draws_is_that_of_many_simulated_sets(draws: int) -> None:
    p = {"1": 0.5, "2": 0.3, "3": 0.2}
    rng = random.Random(0)
    seen = [bits(shares(rng.choices([*p], [*p.values()], k=draws))) for _ in range(4000)]
    assert expected_bits(p, draws) == pytest.approx(sum(seen) / len(seen), abs=0.03)
    assert expected_bits(p, draws) < bits(p)
    assert expected_bits({"1": 1.0}, draws) == 0


def test_two_draws_of_two_even_answers_show_half_a_bit() -> None:
    assert expected_bits({"1": 0.5, "2": 0.5}, 2) == pytest.approx(0.5)


def test_keeping_all_heads_is_the_plain_model_bit_for_bit() -> None:
    import torch

    model = shared_model("llama")
    everywhere = range(len(P))
    assert keep_heads(1, range(HEADS), heads=HEADS, positions=everywhere) == ()
    kept = logits(model, *keep_heads(1, range(HEADS), heads=HEADS, positions=everywhere))
    assert torch.equal(kept, logits(model))


def test_keeping_no_head_is_the_model_without_this_attention() -> None:
    import torch

    model, everywhere = shared_model("llama"), tuple(range(len(P)))
    none = logits(model, *keep_heads(1, (), heads=HEADS, positions=everywhere))
    assert torch.equal(none, logits(model, Ablate(1, "attn_out", everywhere)))
    assert not torch.equal(none, logits(model))


def test_one_head_is_kept_before_the_output_projection() -> None:
    import torch

    model = shared_model("llama")
    kept = logits(model, *keep_heads(1, (2,), heads=HEADS, positions=range(len(P))))

    def only_the_third(module: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        mask = torch.zeros_like(args[0])
        mask[..., 2 * HEAD_WIDTH : 3 * HEAD_WIDTH] = 1
        return (args[0] * mask,)

    hook = model.model.layers[1].self_attn.o_proj.register_forward_pre_hook(only_the_third)
    try:
        assert torch.equal(kept, logits(model))
    finally:
        hook.remove()


def test_stages_inside_a_real_model(tmp_path: Path) -> None:
    from tests.support.tiny_engines import load
    from tests.support.tiny_models import save_tiny

    engine = load(save_tiny(tmp_path / "model", "llama", scale=2.0))
    try:
        subject = Subject(engine, Renderer(engine.tokenizer, "plain", engine.context), Store(tmp_path / "store"), 0)
        arms = ("decoding", "latent", "all heads zero", "lens")
        experiment = InternalConsistency(arms=arms, layers=("first", "last"), least_mass=0.0)
        rows = asyncio.run(experiment.protocol(five(), subject.for_item("x"), None))
        assert subject.heads == 4
    finally:
        engine.close()
    by = {(row.arm, getattr(row, "layer", "")): row for row in rows}
    assert len(by) == 7
    plain: Any = by["decoding", "none"]
    lens: Any = by["lens", "last"]
    assert lens.entropy == pytest.approx(plain.entropy, abs=1e-4)
    assert lens.mass == pytest.approx(plain.mass, abs=1e-4)
    first: Any = by["latent", "first"]
    zero: Any = by["all heads zero", "first"]
    assert first.above_zeroed == pytest.approx(first.entropy - zero.entropy)
    assert first.above_decoding == pytest.approx(first.entropy - plain.entropy)
    assert first.entropy != zero.entropy != plain.entropy
    assert first.set_plurality in (0.25, 0.5, 0.75, 1.0)


def test_texts_that_change_nothing_spread_no_more_than_the_next_token() -> None:
    same = {"5": 0.6, "4": 0.4}
    done = simulate(InternalConsistency(arms=ANY_ENGINE), ITEMS[:60], answering(same, same))
    found = estimates(done)
    assert found["entropy", "decoding, none"].value == pytest.approx(bits(same))
    for arm in ANY_ENGINE[1:]:
        # Drawn entropies are below the exact one, and still not below that of as many draws.
        value, n = found["above_decoding", f"{arm}, none"].value, found["above_decoding", f"{arm}, none"].n
        assert value == pytest.approx(0, abs=4 * 0.06 / math.sqrt(n))


def test_reasoning_that_spreads_answers_opens_the_hourglass() -> None:
    done = simulate(InternalConsistency(arms=ANY_ENGINE), [five()], answering({"5": 1.0}, dict.fromkeys("12345", 0.2)))
    rows = {row["arm"]: row for row in done.rows}
    assert rows["decoding"]["consistency"] == 1
    assert rows["decoding"]["plurality_correct"] is True
    assert rows["decoding"]["above_decoding"] == 0
    assert rows["response"]["above_decoding"] == rows["response"]["entropy"] > 1.5
    assert rows["response"]["plurality"] <= 0.6


def test_digits_of_little_mass_are_no_answer() -> None:
    faint = {"5": 0.02, "Well": 0.98}
    rows = {r["arm"]: r for r in simulate(InternalConsistency(arms=ANY_ENGINE), [five()], answering(faint, faint)).rows}
    for arm in ANY_ENGINE:
        assert rows[arm]["entropy"] is rows[arm]["plurality_correct"] is rows[arm]["above_decoding"] is None
        assert rows[arm]["mass"] == pytest.approx(0.02)
        assert rows[arm]["defined"] == 0
        assert "0.02" in rows[arm]["reason"]
    after = simulate(InternalConsistency(arms=ANY_ENGINE), [five()], answering(faint, {"5": 1.0})).rows
    said = next(row for row in after if row["arm"] == "response")
    assert said["entropy"] == 0
    assert said["above_decoding"] is None
    assert said["reason"] == "the next token is no digit"


def test_a_question_whose_answer_is_no_digit_is_named() -> None:
    ask = InternalConsistency(arms=ANY_ENGINE)
    done = simulate(ask, [five(), Item({"question": "What is 7 + 8?"}, "15", number)], answering({"5": 1}, {"5": 1}))
    errors = [row["error"] for row in done.rows if row["error"]]
    assert errors == ["the right answer is '15'; only questions with one digit can be asked"]


def test_only_the_latent_stages_need_an_engine_that_intervenes() -> None:
    assert InternalConsistency(arms=ANY_ENGINE).capabilities() == {"choose", "generate"}
    assert InternalConsistency(arms=("decoding",)).capabilities() == {"choose"}
    assert InternalConsistency(arms=("latent", "all heads zero")).capabilities() == {"choose", "intervene"}
    assert InternalConsistency(arms=("lens",)).capabilities() == {"choose", "intervene"}


@pytest.mark.parametrize("layers", [(), ("first", "first")])
def test_layers_are_named_once(layers: Sequence[Any]) -> None:
    with pytest.raises(HarnessError, match="name one or more of first, quarter, middle"):
        InternalConsistency(layers=layers)


def test_the_whole_experiment_gives_finite_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["experiment=internalConsistency", "engine=fake", "tracker=none", "limit=8", "replicates=20"]
    assert main(["run", *words, "experiment.least_mass=0", f"runs={tmp_path}"]) == 0
    assert "8 items" in capsys.readouterr().out


def test_the_questions() -> None:
    assert len(ITEMS) == 240 + len(FACTS) == len({item.fields["question"] for item in ITEMS})
    assert all(item.gold in DIGITS and len(item.gold) == 1 for item in ITEMS)
    kinds = Counter(item.fields["kind"] for item in ITEMS)
    assert {n for kind, n in kinds.items() if kind != "fact"} == {40}
    assert max(Counter(item.gold for item in ITEMS).values()) < 0.2 * len(ITEMS)
    assert [item.id for item in OneDigit(size=30).load()[:30]] == [item.id for item in ITEMS[:30]]
    assert OneDigit(seed=1).load()[0].id != ITEMS[0].id
    assert len(OneDigit(size=300).load()) == 300 + len(FACTS)
    with pytest.raises(HarnessError, match="give 1 to 300"):
        OneDigit(size=301).load()


def test_right_answers_are_right() -> None:
    for item in ITEMS:
        question, right = item.fields["question"], int(item.gold)
        quoted = re.findall(r'"(\w+)"', question)
        match item.fields["kind"]:
            case "sum" | "difference":
                first, second = map(int, re.findall(r"\d+", question))
                assert right == (first + second if "+" in question else first - second)
            case "last digit":
                first, second = map(int, re.findall(r"\d+", question))
                assert right == first * second % 10
            case "length":
                assert right == len(quoted[0])
            case "letter":
                assert right == quoted[1].count(quoted[0])
            case "members":
                kind, listed = re.findall(r"are (\w+): (.*)\?", question)[0]
                assert right == sum(word in KINDS[kind] for word in listed.split(", "))
