"""Asks a call for a subject: looks it up, asks the engine, records it; lets a thinking model think first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self, cast

from harness.calls.calls import Call, Generate, Reply, Sampling, Text, call_key, capabilities_of
from harness.calls.interventions import Intervention
from harness.calls.thoughts import Thought
from harness.engines.base import Engine, check_capabilities
from harness.errors import HarnessError, ItemError
from harness.prompting.prompts import Prompt
from harness.prompting.rendered import Rendered
from harness.prompting.rendering import Renderer
from harness.prompting.splitting import CUT
from harness.store.segments import Origin
from harness.store.store import Store
from harness.subject.transcript import Log, ThoughtPart


@dataclass(frozen=True, eq=False)
class Asking:
    """The tools with which a subject asks.

    Attributes:
        seed: the run seed; sampled draws of different seeds are independent, greedy ones are shared.
        item: id of the item this view belongs to; "" outside of a protocol.
        players: the models of each part beside the subject, by the part's name. One may be the subject itself.
        name: the part that this one plays; "" for the subject.
        model, experiment: names under which the store keeps calls; they change no reply.
        log: the log of exchanges, with the exchanges of the parts.
        arrival: waits for the model, where it is loaded only when it is its turn; None where it is loaded.
    """

    engine: Engine
    renderer: Renderer
    store: Store
    seed: int
    item: str = ""
    players: Mapping[str, tuple[Self, ...]] = field(default_factory=dict)
    name: str = ""
    model: str = ""
    experiment: str = ""
    log: Log = field(default_factory=Log)
    arrival: Callable[[], Awaitable[None]] | None = None

    @cached_property
    def _origin(self) -> Origin:
        return Origin.of(self.engine.identity, self.model, self.experiment)

    async def _answer_after(
        self,
        prompt: Prompt,
        before: Thought | None,
        sampling: Sampling,
        draw: int,
        interventions: Sequence[Intervention] = (),
    ) -> Text:
        """The answer to a prompt in which all thoughts stand that are to come before it."""
        rendered = self.renderer.render(prompt)
        self.renderer.check_length(rendered, sampling.max_tokens)
        reply, place = await self._generated(rendered, sampling, draw, interventions)
        answer = self.renderer.thoughts.apart(reply, before)
        if answer.thought is not None and answer.thought is not before:
            again = self.renderer.thoughts.of(prompt) is not None
            whole, earlier = replace(answer.thought, again=again), before or Thought()
            answer = replace(answer, thought=whole)
            tokens, characters = len(whole.tokens) - len(earlier.tokens), len(reply.text) - len(answer.text)
            empty = whole.text == earlier.text
            self.log.thought(place, ThoughtPart(whole.ended, tokens, characters, empty, further=before is not None))
        if answer.thought is not None and self.renderer.thoughts.marks is None:
            self.renderer.note(
                "some replies begin with a thought, which is taken out; it shares max_tokens and stop strings with the "
                "answer unless model.thinking.open and model.thinking.close name its marks"
            )
        return answer

    async def _generated(
        self,
        rendered: Rendered,
        sampling: Sampling,
        draw: int,
        interventions: Sequence[Intervention] = (),
        until: tuple[int, ...] | None = None,
    ) -> tuple[Text, int]:
        """The text that the model writes and its place in the log; with special tokens if it thinks `until` a mark."""
        seeds = (draw, self.seed) if sampling.temperature > 0 else (0, 0)
        call = Generate(rendered.ids, sampling, *seeds, interventions=tuple(interventions), until=until or ())
        place = self.log.ask(rendered.text, draw if sampling.temperature > 0 else None)
        reply, key, cached = await self._ask(call)
        text = cast(Text, reply)
        shown = text.text if until is None else self.renderer.tokenizer.decode(text.tokens)
        self._note(place, rendered, shown, [key], cached, len(text.tokens))
        return text, place

    async def _thought(self, prompt: Prompt, sampling: Sampling, draw: int, most: int = 0) -> tuple[Thought, Text]:
        """The model's thought before it answers, and the whole reply around it.

        Args:
            sampling: sampling of the thought, without its stop strings, which are the answer's.
            most: tokens that are asked for, when they are more than the budget of a thought, for a model that may
                answer at once.
        """
        thoughts = self.renderer.thoughts
        splitter, budget = thoughts.splitter, sampling.max_tokens
        rendered = self.renderer.before_thought(prompt)
        opened = thoughts.begun_by == "template"
        token, most = splitter.end_token, max(budget + splitter.room(opened), most)
        asked = replace(sampling, max_tokens=most, stop=() if token is not None else (splitter.marks.end,))
        if len(rendered.ids) + most > self.renderer.context:
            raise ItemError(
                f"a prompt of {len(rendered.ids)} tokens plus a thought of {most} does not fit the context of "
                f"{self.renderer.context}; raise engine.max_model_len or lower model.thinking.tokens"
            )
        reply, place = await self._generated(rendered, asked, draw, (), () if token is None else (token,))
        thought = splitter.thought(reply.tokens, opened, budget)
        if thought.ended == "forced" and thoughts.settings.overrun == "fail":
            thought = replace(thought, ended="cut")
        # Text beyond the budget is no answer.
        its_own = thought.ids if thought.ended in ("none", "closed") else reply.tokens
        characters = len(self.renderer.tokenizer.decode(its_own))
        self.log.thought(place, ThoughtPart(thought.ended, len(thought.tokens), characters, not thought.text))
        return thought, reply

    async def _settled(self, prompt: Prompt, interventions: Sequence[Intervention]) -> Prompt:
        """The prompt after the model's own thought, where it is to think and has not.

        Raises:
            ItemError: the thought did not end within its budget, and is not to be closed.
            HarnessError: the engine is to intervene, and the positions are not known before there is a thought.
        """
        if not self.renderer.thoughts.awaited(prompt):
            return prompt
        self._refuse_interventions(interventions)
        sampling = Sampling(self.renderer.thoughts.settings.tokens)
        thought, _ = await self._thought(prompt, sampling, 0)
        if thought.ended == "cut":
            raise ItemError(
                f"the model's thought did not end within {sampling.max_tokens} tokens; raise model.thinking.tokens, or "
                "set model.thinking.overrun=close"
            )
        return prompt.thinking(thought)

    async def _own_answer(self, prompt: Prompt, sampling: Sampling, draw: int) -> Text:
        """The answer of a model that thinks first: its thought has a budget of its own, and no stop strings."""
        thoughts = self.renderer.thoughts
        # A model may choose to answer at once: where no words are put into its mouth, that answer is taken.
        free = not prompt.prefill
        budget = replace(sampling, max_tokens=thoughts.settings.tokens)
        thought, reply = await self._thought(prompt, budget, draw, sampling.max_tokens if free else 0)
        if thought.ended == "cut":
            return replace(CUT, thought=thought)
        if thought.ended == "none" and free:
            splitter = thoughts.splitter
            answer = splitter.part(reply, direct) if (direct := splitter.direct(reply.tokens)) else reply
            return replace(splitter.shortened(answer, sampling.max_tokens, sampling.stop), thought=thought)
        return await self._answer_after(prompt.thinking(thought), thought, sampling, draw)

    def _refuse_interventions(self, interventions: Sequence[Intervention]) -> None:
        if interventions:
            raise HarnessError(
                "the model thinks before it answers, so that no position of its prompt is known beforehand; set "
                "model.thinking.mode=off, or give the prompt a thought (Subject.think, Prompt.thinking)"
            )

    def _note(  # noqa: PLR0917
        self, place: int, prompt: Rendered, shown: str, keys: Sequence[bytes], cached: bool, new_tokens: int = 0
    ) -> None:
        names = tuple(key.hex() for key in keys)
        self.log.note(place, shown, names, cached, len(prompt.ids), new_tokens, self.name)

    async def _there(self) -> None:
        """Waits for the model, where it is loaded only when it is its turn."""
        if self.arrival is not None:
            await self.arrival()

    async def _render(self, prompt: Prompt, interventions: Sequence[Intervention] = ()) -> Rendered:
        """The prompt as the model reads it, once the model is there and has thought where it is to think."""
        await self._there()
        return self.renderer.render(await self._settled(prompt, interventions))

    async def _ask(self, call: Call) -> tuple[Reply, bytes, bool]:
        key = call_key(self._origin.identity, call)
        reply = self.store.get(key, self._origin)
        if reply is not None:
            return reply, key, True
        check_capabilities(capabilities_of(call), self.engine.can, "this protocol", self.engine.identity["engine"])
        return await self.store.once(key, self._origin, lambda: self.engine.answer(call)), key, False
