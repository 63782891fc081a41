"""The subject: a model under study as a protocol sees it. Renders once, looks the call up, asks, records."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from harness.calls.arrays import Array
from harness.calls.calls import (
    Activations,
    Call,
    Choose,
    Generate,
    Logprobs,
    Read,
    Reply,
    Sampling,
    Score,
    Text,
    call_key,
    capabilities_of,
)
from harness.calls.interventions import Intervention, Site
from harness.engines.base import WHO_CAN, Engine, check_capabilities
from harness.errors import HarnessError, ItemError
from harness.prompting.prompts import Prompt
from harness.prompting.rendering import Rendered, Renderer
from harness.store.segments import Origin
from harness.store.store import Store

Role = Literal["judge", "rival", "critic"]
"""Who else may be asked: a grader of answers, another author of answers, a critic of them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Exact probabilities of the options as the next words.

    Attributes:
        p: probability of each option given that one of them is said; sums to 1.
        mass: probability that any option is said at all, in (0, 1]. Far below 1, `p` rests on little.
        logp: natural log-probability of each option, all its surface forms merged.
        calls: next-token distributions that it took: 1, and more for options of several tokens.
    """

    p: dict[str, float]
    mass: float
    logp: dict[str, float]
    calls: int = 1

    @property
    def best(self) -> str:
        """The most probable option; the first of equals."""
        return max(self.p, key=self.p.__getitem__)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How probable the model finds a given continuation.

    Attributes:
        tokens: its token ids after the prompt.
        logprobs: natural log-probability of each, given everything before it; raw.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]

    @property
    def logprob(self) -> float:
        """Natural log-probability of the whole continuation."""
        return math.fsum(self.logprobs) if min(self.logprobs) > -math.inf else -math.inf


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to the model and its answer, for the transcript.

    Attributes:
        prompt: the exact text sent, special tokens included.
        reply: the text generated, the probabilities of the options, or what was measured of the prompt.
        keys: hexadecimal keys of the stored calls behind it.
        cached: whether every one of them was answered from the store.
        prompt_tokens, new_tokens: size of the question and of the answer.
        role: who was asked; "" is the subject itself.
    """

    prompt: str
    reply: str
    keys: tuple[str, ...]
    cached: bool
    prompt_tokens: int
    new_tokens: int
    role: str = ""


@dataclass
class _Log:
    """The exchanges of one item, by the order of asking, of all roles together."""

    exchanges: dict[int, Exchange] = field(default_factory=dict)
    asked: int = 0

    def place(self) -> int:
        self.asked += 1
        return self.asked


@dataclass
class Subject:
    """A model under study: engine, chat template and call store.

    It is the only thing that a protocol awaits, and (`rng`) the only source of random numbers.

    Attributes:
        seed: the run seed; sampled draws of different seeds are independent, greedy ones are shared.
        item: id of the item this view belongs to; "" outside of a protocol.
        roles: the models that play other parts; a part that is not named is played by the subject itself.
        name: the part that this one plays; "" for the subject.
        model, experiment: names under which the store keeps what is asked; they change no reply.
    """

    engine: Engine
    renderer: Renderer
    store: Store
    seed: int
    item: str = ""
    roles: Mapping[Role, Subject] = field(default_factory=dict)
    name: str = ""
    model: str = ""
    experiment: str = ""

    def __post_init__(self) -> None:
        self._origin = Origin.of(self.engine.identity, self.model, self.experiment)
        self._log = _Log()
        self.rng = random.Random(f"{self.seed}/{self.item}")

    @property
    def transcript(self) -> tuple[Exchange, ...]:
        """What was asked and answered through this view and its roles, in the order of asking."""
        return tuple(exchange for _, exchange in sorted(self._log.exchanges.items()))

    def about(self, item: str) -> Subject:
        """The same subject with a transcript and random numbers of its own for one item."""
        view = replace(self, item=item)
        view.roles = {role: replace(other, item=item) for role, other in self.roles.items()}
        for other in view.roles.values():
            other._log = view._log
        return view

    def role(self, role: Role) -> Subject:
        """Who plays another part: the model that the config names for it, else the subject itself."""
        return self.roles.get(role, self)

    def prompt_tokens(self, prompt: Prompt) -> int:
        """Tokens of a prompt as the model reads it, special tokens included: what a call costs before its answer."""
        return len(self.renderer.render(prompt).ids)

    def depths(self, shares: Sequence[float]) -> list[int]:
        """The layers at shares of the model's depth, ascending, for `read` and interventions; 1 is the last block.

        Args:
            shares: in (0, 1]; those that fall on one layer give it once.

        Raises:
            HarnessError: the engine cannot read activations, or a share lies outside of that range.
        """
        layers = self.engine.layers
        if layers is None:
            raise HarnessError(f"{self.engine.identity['engine']} cannot read activations; use {WHO_CAN['read']}")
        if not all(0 < share <= 1 for share in shares):
            raise HarnessError(f"depths {list(shares)}: each is a share of the model's layers, above 0 and at most 1")
        return sorted({max(round(share * layers), 1) - 1 for share in shares})

    def positions(self, prompt: Prompt, text: str, nth: int = 0) -> range:
        """Positions of the prompt's tokens that cover a piece of its text, for `read` and interventions.

        Args:
            text: as it stands in the rendered prompt.
            nth: which of its places, from 0 on; -1 is the last.

        Raises:
            ItemError: the prompt cannot be rendered, or does not hold the text.
            HarnessError: the tokenizer cannot tell where its tokens lie.
        """
        return self.renderer.span(self.renderer.render(prompt), text, nth)

    async def generate(
        self,
        prompt: Prompt,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        stop: Sequence[str] = (),
        draw: int = 0,
        interventions: Sequence[Intervention] = (),
    ) -> Text:
        """One text after the prompt: greedy at temperature 0, else the draw of the given index.

        Args:
            interventions: changes inside the model while it answers; see `harness.calls.interventions`.

        Raises:
            ItemError: the prompt cannot be rendered or does not fit the context.
            HarnessError: the engine cannot intervene.
            EngineDied: the engine stopped.
        """
        place = self._log.place()
        rendered = self.renderer.render(prompt)
        self.renderer.check_length(rendered, max_tokens)
        sampling = Sampling(max_tokens, temperature, top_p, 0, tuple(stop))
        sampled = temperature > 0
        seeds = (draw, self.seed) if sampled else (0, 0)
        call = Generate(rendered.ids, sampling, *seeds, interventions=tuple(interventions))
        reply, key, cached = await self._ask(call)
        text = cast(Text, reply)
        self._note(place, rendered, text.text, [key], cached, len(text.tokens))
        return text

    async def draws(self, prompt: Prompt, n: int, **settings: Any) -> list[Text]:
        """`n` independent draws, indices 0 to n-1, asked at once; settings as in `generate`."""
        return await asyncio.gather(*(self.generate(prompt, draw=i, **settings) for i in range(n)))

    async def choose(
        self,
        prompt: Prompt,
        options: Mapping[str, Sequence[str]],
        *,
        interventions: Sequence[Intervention] = (),
    ) -> Choice:
        """Exact probabilities of options at the next position.

        An option is a set of surface forms (" A", "A"), whose probabilities add up. A form of several tokens is
        walked token by token: p(form) is the product of the exact conditional probabilities.

        Args:
            options: surface forms of each option, as they would continue the prompt.

        Raises:
            ItemError: a form merges with the prompt's last token or begins another form; the prompt is too long.
        """
        place = self._log.place()
        rendered = self.renderer.render(prompt)
        forms = self.renderer.options(rendered, options)
        self.renderer.check_length(rendered, max(len(f) for fs in forms.values() for f in fs))
        nexts: dict[tuple[int, ...], set[int]] = {}
        for ids in (f for fs in forms.values() for f in fs):
            for i, token in enumerate(ids):
                nexts.setdefault(ids[:i], set()).add(token)
        inside = tuple(interventions)
        calls = {path: Choose(rendered.ids + path, tuple(sorted(tokens)), inside) for path, tokens in nexts.items()}
        replies = dict(zip(calls, await asyncio.gather(*map(self._ask, calls.values())), strict=True))
        step: dict[tuple[int, ...], float] = {}
        for path, (reply, _, _) in replies.items():
            values = cast(Logprobs, reply).values
            step |= {(*path, t): lp for t, lp in zip(calls[path].tokens, values, strict=True)}
        logp = {
            option: _logsumexp([sum(step[ids[: i + 1]] for i in range(len(ids))) for ids in fs])
            for option, fs in forms.items()
        }
        total = _logsumexp(list(logp.values()))
        uniform = 1 / len(logp)
        p = {option: math.exp(lp - total) if total > -math.inf else uniform for option, lp in logp.items()}
        choice = Choice(p, min(1.0, math.exp(total)), logp, len(calls))
        shown = "  ".join(f"p({option}) = {value:.4f}" for option, value in p.items()) + f"  mass {choice.mass:.4f}"
        cached = all(stored for _, _, stored in replies.values())
        self._note(place, rendered, shown, [key for _, key, _ in replies.values()], cached)
        return choice

    async def score(self, prompt: Prompt, text: str, *, interventions: Sequence[Intervention] = ()) -> Likelihood:
        """How probable a given text is as the continuation of the prompt.

        Raises:
            ItemError: the text merges with the prompt's last token, is empty, or does not fit the context.
        """
        place = self._log.place()
        rendered = self.renderer.render(prompt)
        ids = self.renderer.options(rendered, {text: [text]})[text][0]
        self.renderer.check_length(rendered, len(ids))
        reply, key, cached = await self._ask(Score(rendered.ids, ids, tuple(interventions)))
        likelihood = Likelihood(ids, cast(Logprobs, reply).values)
        shown = f"log p = {likelihood.logprob:.4f} over {len(ids)} tokens: {text}"
        self._log.exchanges[place] = Exchange(
            rendered.text, shown, (key.hex(),), cached, len(rendered.ids), 0, self.name
        )
        return likelihood

    async def read(
        self,
        prompt: Prompt,
        *,
        layers: Sequence[int],
        positions: Sequence[int],
        site: Site = "resid_post",
        interventions: Sequence[Intervention] = (),
    ) -> Array:
        """Activations while the model reads the prompt, shape [layers, positions, width of the site].

        Args:
            layers: blocks, counted from 0, ascending.
            positions: of the prompt's tokens, ascending; -1 is the last, as in Python.

        Raises:
            ItemError: a position beyond the prompt, or the prompt is too long.
            HarnessError: the engine cannot read activations.
        """
        place = self._log.place()
        rendered = self.renderer.render(prompt)
        self.renderer.check_length(rendered, 0)
        n = len(rendered.ids)
        counted = tuple(p + n if p < 0 else p for p in positions)
        try:
            call = Read(rendered.ids, tuple(layers), counted, site, tuple(interventions))
        except ValueError as error:
            raise ItemError(str(error)) from error
        reply, key, cached = await self._ask(call)
        array = cast(Activations, reply).values
        shown = f"{site} of layers {list(layers)} at positions {list(counted)}: {array}"
        self._note(place, rendered, shown, [key], cached)
        return array

    def _note(  # noqa: PLR0917
        self, place: int, prompt: Rendered, shown: str, keys: Sequence[bytes], cached: bool, new_tokens: int = 0
    ) -> None:
        names = tuple(key.hex() for key in keys)
        self._log.exchanges[place] = Exchange(prompt.text, shown, names, cached, len(prompt.ids), new_tokens, self.name)

    async def _ask(self, call: Call) -> tuple[Reply, bytes, bool]:
        key = call_key(self._origin.identity, call)
        reply = self.store.get(key)
        if reply is not None:
            return reply, key, True
        check_capabilities(capabilities_of(call), self.engine.can, "this protocol", self.engine.identity["engine"])
        return await self.store.once(key, self._origin, lambda: self.engine.answer(call)), key, False


def _logsumexp(values: Sequence[float]) -> float:
    top = max(values)
    if top == -math.inf:
        return top
    return top + math.log(math.fsum(math.exp(v - top) for v in values))
