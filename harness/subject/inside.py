"""Reads and changes the inside of a model: layers, heads, positions of a text, activations, the logit lens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Capability, Choose, Logprobs, Pool, Read, Text
from harness.calls.interventions import Ablate, Cut, Intervention, Site, same_site
from harness.calls.thoughts import Thought
from harness.engines.base import WHO_CAN
from harness.errors import HarnessError, ItemError
from harness.prompting.prompts import Prompt
from harness.subject.asking import Asking
from harness.subject.choices import Choice


class Inside(Asking):
    """A subject whose inside is read and changed; its engine says whether it can."""

    def layers_at(self, shares: Sequence[float]) -> list[int]:
        """The layers at shares of the model's depth, ascending, for `read` and interventions; 1 is the last block.

        Args:
            shares: in (0, 1]; shares that fall on one layer give it once.

        Raises:
            HarnessError: the engine cannot read activations, or a share lies outside of that range.
        """
        layers = self._layers("read")
        if not all(0 < share <= 1 for share in shares):
            raise HarnessError(f"depths {list(shares)}: each is a share of the model's layers, above 0 and at most 1")
        return sorted({max(round(share * layers), 1) - 1 for share in shares})

    @property
    def heads(self) -> int:
        """The number of attention heads (of queries) in each layer, for `Ablate` and `Cut`.

        Raises:
            HarnessError: the engine cannot intervene on heads.
        """
        if self.engine.heads is None:
            raise HarnessError(
                f"{self.engine.identity['engine']} cannot intervene on attention heads; use engine=transformers"
            )
        return self.engine.heads

    def positions(self, prompt: Prompt, text: str, nth: int = 0) -> range:
        """Positions of the prompt's tokens that cover a piece of its text, for `read` and interventions.

        Args:
            text: as it stands in the rendered prompt.
            nth: index of the occurrence, from 0 on; -1 is the last.

        Raises:
            ItemError: the prompt cannot be rendered, or does not hold the text.
            HarnessError: the tokenizer cannot tell where its tokens lie.
        """
        return self.renderer.span(self.renderer.render(prompt), text, nth)

    def after(self, prompt: Prompt, reply: Text) -> Prompt:
        """The prompt with a reply to it behind, to read what went on inside the model while it wrote the reply.

        The reply stands there as its own token ids: its text could be tokenised in another way, which would be another
        text to the model. Left out is the token that ended its turn. See `reply_positions`.

        Args:
            reply: of this model, to this prompt; its thought stands before it.

        Raises:
            ItemError: the reply has no token besides its end, or cannot be the model's own.
        """
        own = self.renderer.unended(reply.tokens)
        if not own:
            raise ItemError(f"the reply is empty ({reply.finish}): it has no tokens that could be read")
        whole = prompt.after(replace(reply, tokens=own))
        self.renderer.check_length(self.renderer.render(whole), 0)
        return whole

    def reply_positions(self, prompt: Prompt) -> range:
        """Positions of the tokens of the last reply that a prompt goes on from (`after`), for `read`.

        Raises:
            ItemError: the prompt goes on from no reply, or cannot be rendered.
        """
        if not prompt.said:
            raise ItemError("the prompt goes on from no reply; Subject.after puts one behind it")
        *before, last = prompt.said
        begin = len(self.renderer.render(replace(prompt, said=tuple(before))).ids)
        return range(begin, begin + len(last.tokens))

    async def read(
        self,
        prompt: Prompt,
        *,
        layers: Sequence[int],
        positions: Sequence[int],
        site: Site = "resid_post",
        pool: Pool = "none",
        onto: Array | None = None,
        interventions: Sequence[Intervention] = (),
    ) -> Array:
        """Activations while the model reads the prompt, shape [layers, positions, width of the site].

        A read of every number takes much room: of 2,000 sentences, the mean over their tokens at one layer of 4,096
        numbers is 33 MB. `onto` gives only the lengths along axes that are known beforehand.

        Args:
            layers: blocks, counted from 0, ascending.
            positions: positions of the prompt's tokens, ascending; -1 is the last, as in Python.
            pool: "mean" gives the mean over the positions instead, shape [layers, 1, width].
            onto: axes v [layers, k, width of the site]: gives h . v / |v| instead, shape [layers, positions or 1, k].

        Raises:
            ItemError: a position beyond the prompt, axes of another shape or of length zero, or the prompt is too long.
            HarnessError: the engine cannot read activations.
        """
        await self._there()
        rendered = self.renderer.render(prompt)
        self.renderer.check_length(rendered, 0)
        n = len(rendered.ids)
        counted = tuple(p + n if p < 0 else p for p in positions)
        call = Read(rendered.ids, tuple(layers), counted, site, tuple(interventions), pool, onto)
        place = self.log.ask(rendered.text)
        reply, key, cached = await self._ask(call)
        array = cast(Activations, reply).values
        what = ("mean " if pool == "mean" else "") + site + ("" if onto is None else f" onto {onto.shape[1]} axes")
        shown = f"{what} of layers {list(layers)} at positions {list(counted)}: {array}"
        self._note(place, rendered, shown, [key], cached)
        return array

    async def lens(
        self,
        prompt: Prompt,
        options: Mapping[str, Sequence[str]],
        layers: Sequence[int],
        *,
        thought: Thought | str | None = None,
        interventions: Sequence[Intervention] = (),
    ) -> list[Choice]:
        """Probabilities of options as the next token if the model ended behind a layer: the logit lens, exactly.

        The stream behind a layer goes through the model's own last norm and output matrix: attention and MLP of all
        later layers add nothing at the prompt's last token. So the last layer's choice equals `choose`.
        Middle layers say little that the output matrix can read: mind the mass (nostalgebraist 2020, "interpreting
        GPT: the logit lens"; Belrose et al. 2023, arXiv:2303.08112).

        Args:
            options: as in `choose`, but every surface form is a single token.
            layers: blocks, counted from 0, in any order.
            thought: as in `choose`.
            interventions: changes that are made besides; those behind a layer have no part in its choice.

        Returns:
            One choice a layer, in the order of `layers`.

        Raises:
            ItemError: a layer that the model does not have; a form of several tokens, or one that merges with the
                prompt's last token; the prompt is too long.
            HarnessError: the engine cannot intervene.
        """
        rendered = await self._render(prompt if thought is None else prompt.thinking(thought), interventions)
        self.renderer.check_length(rendered, 1)
        forms = self.renderer.options(rendered, options)
        if long := [option for option, some in forms.items() if any(len(ids) > 1 for ids in some)]:
            raise ItemError(f"option {long[0]!r} is more than one token; the lens reads one")
        tokens = tuple(sorted({ids[0] for some in forms.values() for ids in some}))
        inside = [self._ended_behind(layer, len(rendered.ids) - 1, interventions) for layer in layers]
        place = self.log.ask(rendered.text)
        replies = await asyncio.gather(*(self._ask(Choose(rendered.ids, tokens, some)) for some in inside))
        choices = [
            Choice.of(forms, {(t,): lp for t, lp in zip(tokens, cast(Logprobs, reply).values, strict=True)})
            for reply, _, _ in replies
        ]
        shown = "\n".join(f"behind layer {layer}: {choice}" for layer, choice in zip(layers, choices, strict=True))
        cached = all(stored for _, _, stored in replies)
        self._note(place, rendered, shown, [key for _, key, _ in replies], cached)
        return choices

    def _ended_behind(
        self, layer: int, position: int, interventions: Sequence[Intervention]
    ) -> tuple[Intervention, ...]:
        """The interventions by which the stream of a position goes on unchanged behind a layer."""
        layers = self._layers("intervene")
        if not 0 <= layer < layers:
            raise ItemError(f"layer {layer}: the model has layers 0 to {layers - 1}")
        before = [one for one in interventions if isinstance(one, Cut) or same_site(one.layer, one.site)[0] <= layer]
        sites: tuple[Site, ...] = ("attn_out", "mlp_out")
        silent = (Ablate(later, site, (position,)) for later in range(layer + 1, layers) for site in sites)
        return (*before, *silent)

    def _layers(self, capability: Capability) -> int:
        if self.engine.layers is None:
            doing = {"read": "read activations"}.get(capability, capability)
            raise HarnessError(f"{self.engine.identity['engine']} cannot {doing}; use {WHO_CAN[capability]}")
        return self.engine.layers
