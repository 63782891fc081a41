"""Measures familiarity with one concept: an explanation, the way back to the name, and the model's own statement."""

from __future__ import annotations

import math
from asyncio import Task, create_task
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from experiments.calibration.self_familiarity.masks import MASK, Masked, mask, spellings
from harness import Choice, Likelihood, Prompt, Subject, Text, together, yes_no
from harness.tasks.refusals import refuses

TEXTS: Mapping[str, str] = {
    "explain": 'Explain the "$concept" within one short paragraph.',
    "related": '"$explanation" is related to what?',
    "related_lead": "It is related to",
    "of_domain": "It is a kind of $domain.",
    "know": 'Do you know what "$concept" is? Say Yes or No.',
    "know_lead": "Answer:",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The subject's words about a concept, and the same without its name."""

    said: Text
    masked: Masked

    @property
    def forward(self) -> float | None:
        """Exp of the mean log-probability of its tokens (1/perplexity); None for an empty one."""
        return math.exp(fmean(self.said.logprobs)) if self.said.logprobs else None

    @property
    def dodges(self) -> bool | None:
        """Whether it refuses to explain; None for one without words."""
        return refuses(self.said.text)


@dataclass(frozen=True, slots=True)
class Spelled:
    """The spelling of a name that is likeliest as the concept that its masked explanation is related to.

    Attributes:
        backward: exp of its mean log-probability per token there.
        pieces: minus the tokens that the name as given takes per letter.
    """

    name: str
    backward: float
    pieces: float


@dataclass(frozen=True, eq=False)
class Concept:
    """One concept of a question. Each answer is asked for when the first arm needs it, and only once.

    Attributes:
        rarity, domain: given by the task; lower is rarer.
        text: fills a text of the experiment.
        max_tokens: cap on the explanation.
    """

    name: str
    rarity: float
    domain: str
    subject: Subject
    text: Callable[..., str]
    max_tokens: int

    @cached_property
    def explanation(self) -> Task[Explanation]:
        """Its explanation in the subject's words."""
        return create_task(self._explain())

    @cached_property
    def known(self) -> Task[Choice]:
        """Whether the subject says that it knows the concept."""
        asked = self.text("know", concept=self.name)
        return create_task(yes_no(self.subject, Prompt.user(asked, self.text("know_lead"))))

    @cached_property
    def spelled(self) -> Task[Spelled | None]:
        """The way from its explanation to its name; None when the mask left no words."""
        return create_task(self._find_spelling())

    @cached_property
    def after_nothing(self) -> Task[float | None]:
        """The score of its name after an explanation that is hidden whole."""
        return create_task(self._after(MASK))

    @cached_property
    def after_domain(self) -> Task[float | None]:
        """The score of its name after an explanation that gives the domain alone."""
        return create_task(self._after(self.text("of_domain", domain=self.domain)))

    async def score(self, signal: str) -> float | None:
        """One score of the concept: "backward", "prior", "domain", "pieces", "forward", "asked" or "rarity".

        A higher one is more familiar. None where it cannot be had.

        Raises:
            ItemError: a prompt that the score takes cannot be asked.
        """
        if signal == "rarity":
            return self.rarity
        if signal == "asked":
            return (await self.known).p["yes"]
        if signal == "forward":
            return (await self.explanation).forward
        if signal == "prior":
            return await self.after_nothing
        if signal == "domain":
            return await self.after_domain if self.domain else None
        spelled = await self.spelled
        return None if spelled is None else {"backward": spelled.backward, "pieces": spelled.pieces}[signal]

    async def _explain(self) -> Explanation:
        prompt = Prompt.user(self.text("explain", concept=self.name))
        said = await self.subject.generate(prompt, max_tokens=self.max_tokens)
        return Explanation(said, mask(said.text, self.name))

    async def _find_spelling(self) -> Spelled | None:
        masked = (await self.explanation).masked
        if masked.share == 1:
            return None
        names = spellings(self.name)
        found = await together(self._named(masked.text.strip(), name) for name in names)
        scores = [_per_token(one) for one in found]
        best = max(range(len(names)), key=scores.__getitem__)
        return Spelled(names[best], scores[best], -len(found[0].tokens) / len(self.name))

    async def _after(self, explanation: str) -> float | None:
        """The score of the best spelling after another explanation."""
        spelled = await self.spelled
        return None if spelled is None else _per_token(await self._named(explanation, spelled.name))

    async def _named(self, explanation: str, name: str) -> Likelihood:
        prompt = Prompt.user(self.text("related", explanation=explanation), self.text("related_lead"))
        return await self.subject.score(prompt, f" {name}")


def _per_token(found: Likelihood) -> float:
    return math.exp(found.logprob / len(found.tokens))
