"""The subject: a model under study as a protocol sees it. Renders once, looks the call up, asks, records."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, cast

from harness.calls.calls import Choose, Logprobs, Sampling, Score, Text
from harness.calls.interventions import Intervention, behind
from harness.calls.thoughts import Thought
from harness.errors import HarnessError, ItemError
from harness.prompting.prompts import Prompt
from harness.prompting.splitting import CUT
from harness.subject.choices import Choice, Likelihood, Path, branches
from harness.subject.inside import Inside
from harness.subject.transcript import Log, Transcript


@dataclass(frozen=True, eq=False)
class Subject(Inside):
    """A model under study: engine, chat template and call store.

    A protocol awaits nothing else, and takes its random numbers from nowhere else (`random`).
    """

    @property
    def transcript(self) -> Transcript:
        """The exchanges through this view and its parts, in the order of asking."""
        return self.log.transcript

    def for_item(self, item: str) -> Subject:
        """The same subject, and the same other parts, with a transcript and random numbers of one item."""
        log = Log()
        players = {
            part: tuple(replace(player, item=item, log=log) for player in some) for part, some in self.players.items()
        }
        return replace(self, item=item, log=log, players=players)

    def cast(self, part: str) -> tuple[Subject, ...]:
        """Everybody who plays a part, in the order of the config.

        Raises:
            HarnessError: the run has no such part.
        """
        if part not in self.players:
            known = ", ".join(map(repr, self.players)) or "none but the subject's"
            raise HarnessError(f"nobody plays the part {part!r} in this run; its parts: {known}")
        return self.players[part]

    def role(self, part: str) -> Subject:
        """The subject that plays a role for one model.

        Raises:
            HarnessError: the run has no such part, or several models play it.
        """
        players = self.cast(part)
        if len(players) != 1:
            raise HarnessError(f"{len(players)} models play the part {part!r}; the protocol asks for one")
        return players[0]

    def random(self, name: str) -> Random:
        """The stream of random numbers of a name: a function of run seed, item and name only.

        Streams of different names are independent, so the order in which questions are asked or answered cannot
        matter. Asking for a name again gives the same stream from its start: keep the stream, or name another one.
        """
        return Random(repr((self.seed, self.item, name)))

    def prompt_tokens(self, prompt: Prompt) -> int:
        """The number of prompt tokens that the model reads before it writes anything, special tokens included.

        The model writes its own thought, so a thought counts among the tokens of the reply (`Text.new_tokens`). For a
        prompt with a thought, this counts the tokens before it.
        """
        own = isinstance(prompt.thought, Thought) or self.renderer.thoughts.awaited(prompt)
        rendered = self.renderer.before_thought(prompt) if own else self.renderer.render(prompt)
        return len(rendered.ids)

    async def generate(
        self,
        prompt: Prompt,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        stop: Sequence[str] = (),
        draw: int = 0,
        thought: Thought | str | None = None,
        interventions: Sequence[Intervention] = (),
    ) -> Text:
        """One text after the prompt: greedy at temperature 0, else the draw of the given index.

        A model that thinks does so in a first call, and answers in a second one. `max_tokens` and `stop` apply to the
        answer; the thought has its own budget (`model.thinking.tokens`).

        Args:
            thought: a thought before the answer, see `Prompt.thought`; None leaves it to the prompt and the model's
                settings. After a thought that was cut there is no answer: the reply is empty and counts as cut.
            top_p, top_k, stop: see `harness.calls.calls.Sampling`.
            interventions: changes inside the model while it answers; see `harness.calls.interventions`.

        Raises:
            ItemError: the prompt cannot be rendered or does not fit the context.
            HarnessError: the engine cannot intervene.
            EngineDied: the engine stopped.
        """
        await self._there()
        prompt = prompt if thought is None else prompt.thinking(thought)
        sampling = Sampling(max_tokens, temperature, top_p, top_k, tuple(stop))
        if self.renderer.thoughts.awaited(prompt):
            self._refuse_interventions(interventions)
            return await self._own_answer(prompt, sampling, draw)
        before = prompt.thought if isinstance(prompt.thought, Thought) else None
        if before is not None and before.ended == "cut":
            return replace(CUT, thought=before)
        return await self._answer_after(prompt, before, sampling, draw, interventions)

    async def think(
        self,
        prompt: Prompt,
        *,
        max_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        draw: int = 0,
    ) -> Thought:
        """The model's thought before it answers a prompt, with any of its settings.

        Pass it to `generate`, `choose` and `score`, or put it into a prompt (`Prompt.thinking`). The model is asked for
        it once: with the same sampling, its own answers follow the same thought.

        Args:
            max_tokens: the budget; None takes the setting `model.thinking.tokens`. A thought that exceeds it is closed
                where it is used, or cut, as the settings have it.

        Returns:
            The thought. It `ended` "none" if the model does not think, or did not think this time.

        Raises:
            ItemError: the prompt cannot be rendered or does not fit the context; a budget below 1.
        """
        await self._there()
        thoughts = self.renderer.thoughts
        if max_tokens is not None and max_tokens < 1:
            raise ItemError(f"max_tokens={max_tokens}: a thought has at least one token; thought='' is none")
        if not thoughts.can(prompt):
            return Thought()
        sampling = Sampling(max_tokens or thoughts.settings.tokens, temperature, top_p, top_k)
        return (await self._thought(prompt, sampling, draw))[0]

    def first_part(self, thought: Thought, share: float) -> Thought:
        """The first part of a thought, by its tokens. It is closed by force where it is used.

        Args:
            share: in [0, 1]; 1 is the whole thought as it is.

        Raises:
            ItemError: the share lies outside of that range.
        """
        return self.renderer.thoughts.splitter.first(thought, share) if self.renderer.thoughts.marks else thought

    async def draws(self, prompt: Prompt, n: int, **settings: Any) -> list[Text]:
        """`n` independent draws, indices 0 to n-1, asked at once; settings as in `generate`."""
        return await asyncio.gather(*(self.generate(prompt, draw=i, **settings) for i in range(n)))

    async def choose(
        self,
        prompt: Prompt,
        options: Mapping[str, Sequence[str]],
        *,
        thought: Thought | str | None = None,
        interventions: Sequence[Intervention] = (),
    ) -> Choice:
        """Exact probabilities of options at the next position.

        An option is a set of surface forms (" A", "A"), whose probabilities add up. A form of several tokens is
        walked token by token: p(form) is the product of the exact conditional probabilities.

        Args:
            options: surface forms of each option, as they would continue the prompt.
            thought: as in `generate`. The model's own thought is the greedy one.
            interventions: as in `generate`. Those of generated tokens hold for the tokens of an option, too.

        Raises:
            ItemError: a form merges with the prompt's last token or begins another form; the prompt is too long.
        """
        rendered = await self._render(prompt if thought is None else prompt.thinking(thought), interventions)
        forms = self.renderer.options(rendered, options)
        self.renderer.check_length(rendered, max(len(f) for fs in forms.values() for f in fs))
        ids, nexts = rendered.ids, branches(f for fs in forms.values() for f in fs)
        calls = {
            path: Choose(ids + path, tokens, behind(interventions, len(ids), len(path)))
            for path, tokens in nexts.items()
        }
        place = self.log.ask(rendered.text)
        replies = dict(zip(calls, await asyncio.gather(*map(self._ask, calls.values())), strict=True))
        logprobs: dict[Path, float] = {}
        for path, (reply, _, _) in replies.items():
            values = cast(Logprobs, reply).values
            logprobs |= {(*path, token): lp for token, lp in zip(nexts[path], values, strict=True)}
        choice = Choice.of(forms, logprobs, len(calls))
        cached = all(stored for _, _, stored in replies.values())
        self._note(place, rendered, str(choice), [key for _, key, _ in replies.values()], cached)
        return choice

    async def choose_at(
        self,
        prompt: Prompt,
        options: Mapping[str, Sequence[str]],
        positions: Sequence[int],
        *,
        interventions: Sequence[Intervention] = (),
    ) -> list[Choice]:
        """Exact probabilities of options right after several of the prompt's tokens, from one reading of it.

        Each result equals `choose` on the prompt up to this token; the prompt's own next token has no effect.

        Args:
            options: as in `choose`, but every surface form is a single token at every position.
            positions: positions of the prompt's tokens, ascending; -1 is the last, as in Python.

        Returns:
            One choice a position.

        Raises:
            ItemError: a position beyond the prompt, or at which the prompt cannot be ended in this tokenizer; a form of
                several tokens; the prompt is too long.
            HarnessError: the engine cannot answer at several positions.
        """
        rendered = self.renderer.render(prompt)
        self.renderer.check_length(rendered, 1)
        n = len(rendered.ids)
        counted = tuple(p + n if p < 0 else p for p in positions)
        forms = [self.renderer.options(self.renderer.up_to(rendered, p), options) for p in counted]
        for p, fs in zip(counted, forms, strict=True):
            if long := [option for option, some in fs.items() if any(len(ids) > 1 for ids in some)]:
                raise ItemError(f"option {long[0]!r} is more than one token after position {p}; choose_at takes one")
        tokens = sorted({ids[0] for fs in forms for some in fs.values() for ids in some})
        asked = () if counted == (n - 1,) else counted
        call = Choose(rendered.ids, tuple(tokens), tuple(interventions), asked)
        place = self.log.ask(rendered.text)
        reply, key, cached = await self._ask(call)
        values = cast(Logprobs, reply).values
        choices = [
            Choice.of(fs, {(t,): lp for t, lp in zip(tokens, values[i * len(tokens) :], strict=False)})
            for i, fs in enumerate(forms)
        ]
        shown = "\n".join(f"after token {p}: {choice}" for p, choice in zip(counted, choices, strict=True))
        self._note(place, rendered, shown, [key], cached)
        return choices

    async def score(
        self,
        prompt: Prompt,
        text: str,
        *,
        thought: Thought | str | None = None,
        interventions: Sequence[Intervention] = (),
    ) -> Likelihood:
        """How probable a given text is as the continuation of the prompt.

        Raises:
            ItemError: the text merges with the prompt's last token, is empty, or does not fit the context.
        """
        rendered = await self._render(prompt if thought is None else prompt.thinking(thought), interventions)
        ids = self.renderer.options(rendered, {text: [text]})[text][0]
        self.renderer.check_length(rendered, len(ids))
        place = self.log.ask(rendered.text)
        reply, key, cached = await self._ask(Score(rendered.ids, ids, tuple(interventions)))
        likelihood = Likelihood(ids, cast(Logprobs, reply).values)
        shown = f"log p = {likelihood.logprob:.4f} over {len(ids)} tokens: {text}"
        self._note(place, rendered, shown, [key], cached)
        return likelihood
