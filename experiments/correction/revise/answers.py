"""The answers of one item: samples, the confidence in each, and their revisions, asked when wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.correction.chains import Cost, Speaker, State
from experiments.shared.rotations import in_all_rotations
from harness import Choice, Probability, Prompt, fill, letter
from harness.arms import Shared

TEXTS: Mapping[str, str] = {
    "verify": "Is the proposed answer correct?\n(A) $first\n(B) $second",
    "verify_lead": "Answer:",
    "revise": "The answer above may be wrong. Solve the problem again, and end with the final answer.",
}


@dataclass(frozen=True, slots=True)
class Verified:
    """An answer with the confidence in it.

    Attributes:
        state: the answer, and the cost up to it.
        confidence: p(yes) given yes or no to "Is the proposed answer correct?"; None for a text that is not asked
            about, because it was cut or is empty.
        mass: probability that either is said at all; None as above.
        cost: up to the confidence. A verification is one call, though its letters are read in both orders, and counts
            as one new token.
    """

    state: State
    confidence: Probability | None
    mass: Probability | None
    cost: Cost


class Samples:
    """The samples of an item by number; each is asked, verified or revised once, when the first arm wants that.

    Args:
        speakers: one for each number, with a draw of its own.
        asked: the question.
        fresh: the number of the first answer that may take the place of sample 0; that of sample i is i later.
    """

    def __init__(self, wording: Mapping[str, str], speakers: Sequence[Speaker], asked: Prompt, fresh: int) -> None:
        self._wording, self._speakers, self._asked, self._fresh = wording, speakers, asked, fresh
        self.first: Shared[int, State] = Shared(self._first)
        self.verified: Shared[int, Verified] = Shared(self._verified)
        self.revised: Shared[int, Verified] = Shared(self._revised)
        self.resampled: Shared[int, Verified] = Shared(self._resampled)

    async def _first(self, draw: int) -> State:
        return await self._speakers[draw].answer(self._asked)

    async def _verified(self, draw: int) -> Verified:
        return await self._verify(draw, self._asked, await self.first.get(draw))

    async def _revised(self, draw: int) -> Verified:
        """The answer after the request to revise, with a confidence of its own."""
        before = await self.verified.get(draw)
        prompt = self._asked.then(before.state.text.text, fill(self._wording["revise"], {}))
        return await self._verify(draw, prompt, await self._speakers[draw].answer(prompt, before.cost))

    async def _resampled(self, draw: int) -> Verified:
        """Another first answer in place of a revision, with a confidence of its own."""
        before, other = await self.verified.get(draw), self._fresh + draw
        answer = await self.first.get(other)
        return await self._verify(other, self._asked, replace(answer, cost=before.cost + answer.cost))

    async def _verify(self, draw: int, prompt: Prompt, state: State) -> Verified:
        subject, text = self._speakers[draw].subject, state.text.text
        if state.text.finish != "stop" or not text.strip():
            return Verified(state, None, None, state.cost)
        read = 0

        async def ask(order: Sequence[str]) -> Choice:
            nonlocal read
            told = fill(self._wording["verify"], {"first": order[0], "second": order[1]})
            lead, turns = fill(self._wording["verify_lead"], {}), prompt.then(text, told).messages
            read += subject.prompt_tokens(Prompt(turns, f"{lead} ("))
            return await letter(subject, turns, lead, dict(zip(order, "AB", strict=True)))

        found = await in_all_rotations(("yes", "no"), ask)
        cost = state.cost + Cost(1, read, 1)
        return Verified(state, Probability(found.p["yes"]), Probability(found.mass), cost)
