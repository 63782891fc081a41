"""A fleet of servers behind at(one) answers as one server does; a replica that goes away ends nothing."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from harness.calls.calls import Call, Choose, Generate, Reply, Sampling
from harness.engines.base import Engine
from harness.engines.server.engine import Server
from harness.models.model import Model
from tests.support.loopback import Balancer, FakeVLLM, expected, save_byte_tokenizer

CALLS: Sequence[Call] = [
    *(Choose((65 + i, 66), (70, 71)) for i in range(20)),
    *(Generate((65 + i,), Sampling(max_tokens=6, temperature=0.7), draw=i) for i in range(20)),
]


def answers(engine: Engine) -> list[Reply]:
    async def ask() -> list[Reply]:
        return await asyncio.gather(*(engine.answer(call) for call in CALLS))

    return asyncio.run(ask())


def at(server: FakeVLLM) -> str:
    return f"http://127.0.0.1:{server.port}"


def load(folder: Path, url: str) -> Engine:
    settings = Server(url=url, backoff=0.01, give_up=5.0, wait=0.0, timeout=5.0)
    return settings.load(Model(source=str(save_byte_tokenizer(folder)), name="bytes"))


def test_replicas_share_the_requests_and_give_the_same_answers(tmp_path: Path) -> None:
    with FakeVLLM() as one, FakeVLLM() as two, Balancer([at(one), at(two)]) as front:
        engine = load(tmp_path, front.url)
        try:
            assert answers(engine) == [expected(call) for call in CALLS]
        finally:
            engine.close()
        assert min(front.passed) >= len(CALLS) // 2


def test_a_replica_that_is_gone_costs_repeats_only(tmp_path: Path) -> None:
    with FakeVLLM() as one, FakeVLLM() as two, Balancer([at(one), at(two)]) as front:
        engine = load(tmp_path, front.url)
        front.upstreams = [at(one), "http://127.0.0.1:9"]
        try:
            assert answers(engine) == [expected(call) for call in CALLS]
        finally:
            engine.close()
