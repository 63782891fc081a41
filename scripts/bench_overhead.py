"""What the harness costs per call: CPU time of whole protocols on an engine that answers at once.

Rendering, hashing, the store's line on disk, the transcript and the loop are counted; tokenising is not (its cost is
the tokenizer's, and is printed apart). The ratio compares with the same calls as bare asyncio coroutines.

    python scripts/bench_overhead.py [--items 2000] [--store FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from harness import Experiment, Grade, Item, Outcome, Probability, Prompt, Subject
from harness.calls.calls import Call, Capability, Choose, Generate, Logprobs, Reply, Sampling, Text
from harness.engines.base import Usage
from harness.execution.runner import run_protocols
from harness.models.snapshot import Snapshot
from harness.prompting.prompts import Message
from harness.prompting.rendering import Renderer
from harness.prompting.tokens import NOTHING, Tokenizer
from harness.store.segments import Origin
from harness.store.store import Store

DRAWS = 4


class InstantTokenizer:
    """One token a character, so that tokenising costs next to nothing."""

    bos: int | None = None
    template: str | None = "{{ messages | map(attribute='content') | join('\n') }}\n"
    variables: frozenset[str] | None = None
    specials: frozenset[str] = frozenset({"<|im_start|>", "<|im_end|>"})

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def decode(self, ids: Sequence[int]) -> str:
        return bytes(ids).decode()

    def offsets(self, text: str) -> Sequence[tuple[int, int]]:
        return [(i, i + 1) for i, char in enumerate(text) for _ in char.encode()]

    def chat(self, messages: Sequence[Message], variables: Mapping[str, Any] = NOTHING) -> str:
        return "\n".join(m.content for m in messages) + "\n"


class InstantEngine:
    """Answers every call with the same reply."""

    def __init__(self) -> None:
        self.identity = {"engine": "instant"}
        self.can: frozenset[Capability] = frozenset({"generate", "choose"})
        self.tokenizer: Tokenizer = InstantTokenizer()
        self.context = 1 << 20
        self.capacity = 256
        self.layers: int | None = None
        self.heads: int | None = None
        self.parameters: int | None = None
        self.usage = Usage()
        self.snapshot = Snapshot()

    async def answer(self, call: Call) -> Reply:
        self.usage.calls += 1
        if isinstance(call, Generate):
            return Text("an answer", (1, 2, 3, 4), (-0.1, -0.2, -0.3, -0.4), "stop")
        assert isinstance(call, Choose)
        return Logprobs(tuple(-1.0 for _ in call.tokens))

    def close(self) -> None:
        pass


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    """One judged draw."""

    p: Probability


@dataclass(frozen=True, kw_only=True)
class Probe(Experiment):
    """Draws, each judged: two calls a draw, the second depending on the first."""

    outcome: ClassVar = Row
    metrics: ClassVar = ()

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> list[Row]:
        question = item.fields["question"]
        texts = await subject.draws(Prompt.user(question), DRAWS, max_tokens=8, temperature=1.0)

        async def judge(draw: int, text: str) -> Row:
            asked = Prompt.user(f"{question}\nAnswer {draw}: {text}\nIs it true?", "It is: ")
            choice = await subject.choose(asked, {"True": ["A"], "False": ["B"]})
            return Row(arm="", p=Probability(choice.p["True"]))

        return list(await asyncio.gather(*(judge(i, t.text) for i, t in enumerate(texts))))


async def through_harness(items: Sequence[Item], folder: Path) -> tuple[float, int]:
    """CPU seconds and calls of all protocols."""
    engine = InstantEngine()
    store = Store(folder)
    subject = Subject(engine, Renderer(engine.tokenizer, "auto", engine.context), store, 0)
    store.get(bytes(16), Origin.of(engine.identity, "", ""))  # indexes what lies there: bench_store.py measures that
    begin = time.process_time()
    await run_protocols(Probe(), items, subject, None, window=512, done=lambda _: None)
    seconds = time.process_time() - begin
    store.close()
    return seconds, store.misses + store.hits


async def bare(items: int) -> float:
    """CPU seconds of the same number of awaits without any harness."""
    engine = InstantEngine()
    call = Generate((1,), Sampling(8))

    async def item() -> None:
        await asyncio.gather(*(engine.answer(call) for _ in range(DRAWS)))
        await asyncio.gather(*(engine.answer(call) for _ in range(DRAWS)))

    begin = time.process_time()
    for start in range(0, items, 512):
        await asyncio.gather(*(item() for _ in range(start, min(start + 512, items))))
    return time.process_time() - begin


def main() -> None:
    """Prints the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--items", type=int, default=2000)
    options.add_argument("--store", type=Path, help="a store to work on, beside what lies in it; default: an empty one")
    given = options.parse_args()
    n = given.items
    words = "What is the capital of the country whose number is"
    items = [Item({"question": f"{words} {i}?"}, "", lambda text, _: Grade(text, True)) for i in range(n)]
    with tempfile.TemporaryDirectory() as empty:
        folder = given.store or Path(empty)
        asked, calls = asyncio.run(through_harness(items, folder))
        replayed, _ = asyncio.run(through_harness(items, folder))
    plain = asyncio.run(bare(n))
    print(f"{calls} calls of {n} items")
    print(f"harness, calls asked:      {1e3 * asked / calls:.4f} ms of CPU per call")
    print(f"harness, from the store:   {1e3 * replayed / calls:.4f} ms of CPU per call, {calls / replayed:.0f} calls/s")
    print(f"bare asyncio:              {1e3 * plain / calls:.4f} ms of CPU per call")
    print(f"ratio harness to bare:     {asked / plain:.1f}")


if __name__ == "__main__":
    main()
