"""Calls and replies: the unit of batching, caching, resuming and seeding.

A call is keyed by everything that its reply depends on, and by nothing else. That is the identity of the model, the
exact token ids, the kind of call, the sampling parameters, the interventions, and for a sampled call the run seed and
the draw. Greedy calls and option probabilities therefore are shared between seeds, sampled ones are not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import orjson

from harness.calls.arrays import Array
from harness.calls.interventions import Ablate, Add, Cut, Intervention, Site, check_numbers, check_site
from harness.calls.thoughts import Ended, Thought
from harness.errors import HarnessError, ItemError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Capability = Literal["generate", "choose", "choose_at", "score", "read", "intervene"]
"""Capabilities of an engine, which an experiment may need: four kinds of call, `Choose` at many positions of its
prompt, and any of them intervened on."""

EVERYTHING: frozenset[Capability] = frozenset(get_args(Capability))

Pool = Literal["none", "mean"]
"""Whether a `Read` keeps every position, or their mean."""

LATER = {"enters the key": "only when it is not at its default"}
"""Metadata of fields that came when calls were stored already, so that those are still found."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How text is drawn.

    Attributes:
        max_tokens: cap on new tokens (>= 1).
        temperature: 0 is greedy; 1 is the model's own distribution.
        top_p: nucleus mass in (0, 1]; 1 is off.
        top_k: 0 is off.
        stop: strings that end the text (not included in it).
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1 or self.top_k < 0:
            raise ValueError(f"impossible sampling parameters: {self}")


@dataclass(frozen=True, slots=True)
class Generate:
    """Draw a text after the prompt.

    Attributes:
        prompt: token ids, special tokens included.
        draw: which of the independent draws of this prompt (0 for greedy).
        seed: the run seed; 0 for greedy, whose reply does not depend on it.
        interventions: in the order in which they are applied.
        until: token ids that end the text as the model's own end token does (not included in it). A mark that is a
            special token is in no text, so that no stop string finds it.
    """

    prompt: tuple[int, ...]
    sampling: Sampling
    draw: int = 0
    seed: int = 0
    interventions: tuple[Intervention, ...] = ()
    until: tuple[int, ...] = field(default=(), metadata=LATER)

    def __post_init__(self) -> None:
        if self.sampling.temperature == 0 and (self.draw or self.seed):
            raise ValueError("a greedy call has no draw and no seed")
        _check_interventions(self)

    def engine_seed(self) -> int:
        """A 63-bit seed from the run seed, the prompt, the sampling and the draw: never from order or the clock.

        A function of the call's content only, so that two experiments asking for the same draw share it. Interventions
        do not enter: a steered draw and its control take the same random numbers, which pairs them.
        """
        return int.from_bytes(_digest(["seed", _body(replace(self, interventions=()))])[:8], "big") >> 1


@dataclass(frozen=True, slots=True)
class Choose:
    """The log-probabilities of named tokens at the next position: raw, over the whole vocabulary, before temperature.

    Attributes:
        prompt: token ids.
        tokens: the token ids asked about, sorted and distinct.
        positions: of the prompt's tokens, counted from 0, ascending: the tokens are asked about right after each of
            them. () is the last one alone.
    """

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    interventions: tuple[Intervention, ...] = ()
    positions: tuple[int, ...] = field(default=(), metadata=LATER)

    def __post_init__(self) -> None:
        if not self.tokens or list(self.tokens) != sorted(set(self.tokens)):
            raise ValueError("tokens must be sorted, distinct and not empty")
        if self.positions:
            _check_positions(self.positions, len(self.prompt))
        _check_interventions(self)


@dataclass(frozen=True, slots=True)
class Score:
    """The log-probability of each token of a given continuation: raw, over the whole vocabulary.

    Attributes:
        prompt: token ids.
        continuation: token ids after the prompt, at least one.
    """

    prompt: tuple[int, ...]
    continuation: tuple[int, ...]
    interventions: tuple[Intervention, ...] = ()

    def __post_init__(self) -> None:
        if not self.prompt or not self.continuation:
            raise ValueError("a continuation is scored after a prompt, and has at least one token")
        _check_interventions(self)


@dataclass(frozen=True, slots=True)
class Read:
    """Activations of one site while the prompt is read.

    Attributes:
        prompt: token ids.
        layers: blocks, counted from 0; ascending.
        positions: positions of the prompt's tokens, counted from 0; ascending.
        site: where in the block.
        pool: "mean" asks for the mean over the positions in place of each of them.
        onto: axes, shape [layers, k, width of the site]: asks for the lengths h . v / |v| along each of a layer's k
            axes v in place of h. A store of many texts then stays small.
    """

    prompt: tuple[int, ...]
    layers: tuple[int, ...]
    positions: tuple[int, ...]
    site: Site = "resid_post"
    interventions: tuple[Intervention, ...] = ()
    pool: Pool = field(default="none", metadata=LATER)
    onto: Array | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        _check_ascending("layers", self.layers)
        _check_positions(self.positions, len(self.prompt))
        check_site(self.site)
        if self.pool not in get_args(Pool):
            raise HarnessError(f"pool {self.pool!r}: it is one of {', '.join(get_args(Pool))}")
        if self.onto is not None:
            check_numbers("Read.onto", self.onto)
            _check_axes(self.onto, len(self.layers))
        _check_interventions(self)

    def reply(self, found: NDArray[Any]) -> Activations:
        """The reply, in float64 up to its rounding, from the activations at all layers and positions that are asked.

        Args:
            found: [layers, positions, width].

        Raises:
            ItemError: axes of another width.
            ValueError: a number is not finite.
        """
        import numpy as np

        if self.pool == "mean":
            found = found.mean(axis=1, keepdims=True, dtype=np.float64)
        if self.onto is not None:
            axes = self.onto.numpy().astype(np.float64)
            self.check_width(found.shape[2])
            found = found.astype(np.float64) @ (axes / np.linalg.norm(axes, axis=2, keepdims=True)).swapaxes(1, 2)
        return Activations(Array.of(found))

    def check_width(self, width: int) -> None:
        """Refuses axes that do not fit a site.

        Raises:
            ItemError: they have another width.
        """
        if self.onto is not None and self.onto.shape[2] != width:
            raise ItemError(f"onto: axes of {self.onto.shape[2]} numbers, but {self.site} is {width} wide")


Call = Generate | Choose | Score | Read


def _check_ascending(name: str, values: tuple[int, ...]) -> None:
    if not values or list(values) != sorted(set(values)) or values[0] < 0:
        raise ItemError(f"{name} must be ascending, distinct, from 0 on and not empty: {values}")


def _check_axes(axes: Array, layers: int) -> None:
    if len(axes.shape) != 3 or axes.shape[0] != layers or 0 in axes.shape:
        raise ItemError(f"onto: axes of shape {list(axes.shape)}; {layers} layers need [{layers}, axes, width]")
    if not axes.numpy().any(axis=2).all():
        raise ItemError("onto: an axis of length zero has no direction")


def _check_positions(positions: tuple[int, ...], length: int) -> None:
    _check_ascending("positions", positions)
    if positions[-1] >= length:
        raise ItemError(f"position {positions[-1]} is beyond a prompt of {length} tokens")


def _check_interventions(call: Call) -> None:
    for one in call.interventions:
        positions = (*one.queries, *one.keys) if isinstance(one, Cut) else one.positions
        last = len(call.prompt) - 1
        if one.layer < 0 or any(p < 0 for p in positions):
            where = f"{type(one).__name__} at layer {one.layer}, positions from {min(positions, default=0)} on"
            raise ItemError(f"{where}: layers and positions count from 0; the last token of this prompt is {last}")
        if not isinstance(one, Cut) and any(p > last for p in positions):
            where = f"{type(one).__name__} at layer {one.layer}"
            raise ItemError(f"{where}: position {max(positions)} is beyond a prompt of {last + 1} tokens")


def capabilities_of(call: Call) -> set[Capability]:
    """The capabilities that an engine needs to answer a call."""
    kinds: dict[type, Capability] = {Generate: "generate", Choose: "choose", Score: "score", Read: "read"}
    asked = {kinds[type(call)]}
    if isinstance(call, Choose) and call.positions:
        asked.add("choose_at")
    if call.interventions:
        asked.add("intervene")
    return asked


@dataclass(frozen=True, slots=True)
class Text:
    """The reply to `Generate`.

    Of a model that thinks, a `Subject` gives the answer alone, with the thought beside it. Engines and the store know
    no thoughts: their texts are all that the model wrote.

    Attributes:
        text: decoded, without the stop string and special tokens.
        tokens: generated token ids (an end-of-turn token included).
        logprobs: natural log-probability of each generated token, raw (before temperature).
        finish: "stop" (end token or stop string) or "length" (max_tokens reached, or a thought that never ended).
        thought: what the model thought before; None where nothing was thought.
    """

    text: str
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish: Literal["stop", "length"]
    thought: Thought | None = None

    @property
    def thinking(self) -> Ended:
        """How the thought ended; "none" where nothing was thought."""
        return self.thought.ended if self.thought else "none"

    @property
    def new_tokens(self) -> int:
        """How many tokens the model wrote, its thought's included."""
        return len(self.tokens) + (len(self.thought.ids) if self.thought else 0)


@dataclass(frozen=True, slots=True)
class Logprobs:
    """The reply to `Choose` and `Score`: natural log-probabilities, in the order of the tokens asked about.

    Of a `Choose` at several positions, the values of all tokens at its first position come first, then the values at
    the next.
    """

    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Activations:
    """The reply to `Read`: shape [layers, positions, width of the site], in the order asked; with pool "mean"
    [layers, 1, width], and onto k axes [layers, positions or 1, k]."""

    values: Array


Reply = Text | Logprobs | Activations


def _body(call: Call) -> list[Any]:
    # Interventions of different types may have the same fields, so the names of the types stand beside them.
    return [type(call).__name__, call, *(type(one).__name__ for one in call.interventions)]


def _digest(content: Any) -> bytes:
    # Fields go in the order of their declaration, which therefore is a part of every key.
    written = orjson.dumps(content, option=orjson.OPT_PASSTHROUGH_DATACLASS, default=_plain)
    return hashlib.sha256(written).digest()


def _plain(value: Any) -> dict[str, Any]:
    """The content of a part of a call for its key; an array enters by its digest, so a vector is hashed once."""
    if isinstance(value, Array):
        return {"shape": value.shape, "data": value.digest}
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"a call cannot hold a {type(value).__name__}")
    kept, later = _key_fields(type(value))
    content = {name: getattr(value, name) for name in kept}
    return content | {name: given for name, default in later if (given := getattr(value, name)) != default}


@cache
def _key_fields(kind: type) -> tuple[list[str], list[tuple[str, Any]]]:
    """The fields that are always in a key, and the fields that are in it when they differ from their default."""
    later = [(f.name, f.default) for f in fields(kind) if f.metadata == LATER]
    return [f.name for f in fields(kind) if f.metadata != LATER], later


def call_key(identity: str, call: Call) -> bytes:
    """16 bytes that name a call of one model identity (the digest of `Engine.identity`)."""
    if call.interventions or (isinstance(call, Read) and call.onto is not None):
        return _digest([identity, _body(call)])[:16]
    # The same bytes, sooner: without arrays orjson writes the parts of a call by itself.
    kind: Any = type(call)
    content = _plain(call) if _key_fields(kind)[1] else call
    return hashlib.sha256(orjson.dumps([identity, [kind.__name__, content]])).digest()[:16]


def steering_digest(call: Call) -> str:
    """64 hex digits for all that decides the keys and values of a prompt's beginning, beside its tokens.

    An intervention on positions after the prompt is another one where the prompt ends elsewhere.
    """
    after = any(isinstance(one, Add | Ablate) and one.decode for one in call.interventions)
    parts = [(type(one).__name__, one) for one in call.interventions]
    return _digest([parts, len(call.prompt) if after else None]).hex()


def identity_digest(identity: dict[str, str]) -> str:
    """16 hex digits of a model identity."""
    return _digest(dict(sorted(identity.items()))).hex()[:16]
