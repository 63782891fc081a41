"""Sharing through the store: what one experiment has asked costs another nothing; what differs is never shared."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Call, Generate, Sampling, Text, call_key, identity_digest
from harness.calls.interventions import Add
from harness.engines.fake.engine import FakeEngine
from harness.prompting.prompts import Prompt
from harness.prompting.rendering import Renderer
from harness.store.segments import Origin, Segment
from harness.store.store import Store
from harness.subject.subject import Subject


def subject(folder: Path, experiment: str, name: str = "fake", seed: int = 0, **identity: str) -> Subject:
    """A subject of some identity on a store."""
    engine = FakeEngine(lambda _: {" Paris": 0.5, " Rome": 0.25, " Oslo": 0.25}, name)
    engine.identity |= identity
    renderer = Renderer(engine.tokenizer, "auto", engine.context)
    return Subject(engine, renderer, Store(folder), seed, model=name, experiment=experiment)


def asked(one: Subject, n: int, seed: int = 0) -> tuple[int, list[str]]:
    """How many of n draws had to be asked, and the draws."""

    async def run() -> list[Text]:
        return await one.draws(Prompt.user("The capital of France?"), n, max_tokens=4, temperature=1.0)

    before = one.store.misses
    texts = [text.text for text in asyncio.run(run())]
    return one.store.misses - before, texts


def test_draws_are_shared_by_experiments_and_nest(tmp_path: Path) -> None:
    first = subject(tmp_path, "pTrue")
    cost, ten = asked(first, 10)
    assert cost == 10
    first.store.close()
    second = subject(tmp_path, "another")
    assert asked(second, 10) == (0, ten)
    cost, twenty = asked(second, 20)
    assert cost == 10
    assert twenty[:10] == ten
    second.store.close()
    origins = [h.origin for h in (Segment.look(p).header for p in tmp_path.glob("*.replies")) if h is not None]
    assert sorted((o.experiment, o.model) for o in origins) == [("another", "fake"), ("pTrue", "fake")]
    assert asked(subject(tmp_path, "third"), 20) == (0, twenty)


@pytest.mark.parametrize(
    "other", [{"name": "larger"}, {"version": "0.33"}, {"dtype": "float32"}, {"adapter": "sha256:1"}, {"seed": 1}]
)
def test_models_versions_adapters_and_seeds_never_share_a_draw(tmp_path: Path, other: dict[str, Any]) -> None:
    first = subject(tmp_path, "pTrue")
    assert asked(first, 5)[0] == 5
    first.store.close()
    assert asked(subject(tmp_path, "pTrue", **other), 5)[0] == 5


def test_no_two_different_calls_share_a_record(tmp_path: Path) -> None:
    sampling = Sampling(8, temperature=1.0)
    prompt = (1, 2, 3)
    calls: list[Call] = [
        Generate(prompt, sampling),
        Generate(prompt, sampling, draw=1),
        Generate(prompt, sampling, seed=1),
        Generate(prompt, Sampling(8, temperature=0.7)),
        Generate((1, 2, 4), sampling),
        Generate(prompt, sampling, interventions=(Add(1, "resid_post", Array((2,), bytes(8)), 1.0, (2,)),)),
        Generate(prompt, sampling, interventions=(Add(1, "resid_post", Array((2,), bytes(8)), 2.0, (2,)),)),
    ]
    identities = [identity_digest({"engine": "vllm", "version": v, "model": m}) for v in ("1", "2") for m in "ab"]
    store = Store(tmp_path)
    for identity in identities:
        for number, call in enumerate(calls):
            one = call_key(identity, call)
            assert store.get(one, Origin(identity)) is None
            store.put(one, Origin(identity), Text(f"{number}", (number,), (0.0,), "stop"))
    assert len(store) == len(identities) * len(calls) == 28
    store.close()
    assert len(Store(tmp_path)) == 28
