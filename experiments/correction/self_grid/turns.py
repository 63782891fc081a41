"""The turns of the chains of one item, each asked once and when an arm wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.correction.chains import Cost, Speaker, State
from experiments.shared.critique import Critique, critique
from experiments.shared.thoughts import ThoughtArm
from harness import Item, Prompt, Subject, fill
from harness.arms import Shared


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How every turn is sampled: temperature, and the caps on answers and on feedback."""

    temperature: float
    max_tokens: int
    feedback_tokens: int


class Turns:
    """The turns about one item, by draw.

    Args:
        wording: the experiment's texts.
        others: feedback on other items.

    Attributes:
        firsts: first answers.
        feedback: on the first answer.
        refined: answers refined by feedback of a source: "own", "empty", "shuffled".
        last: feedback on the answer that was refined by the model's own.
    """

    def __init__(
        self, item: Item, subject: Subject, wording: Mapping[str, str], sampling: Sampling, others: Sequence[str] = ()
    ) -> None:
        self._item, self._subject, self._wording = item, subject, wording
        self._sampling, self._others = sampling, others
        self._question = Prompt.user(fill(wording["answer"], {"question": item.fields["question"]}))
        self.firsts: Shared[int, State] = Shared(self._first)
        self.feedback: Shared[int, Critique] = Shared(self._feedback_on_first)
        self.refined: Shared[tuple[str, int], State] = Shared(self._refined)
        self.last: Shared[int, Critique] = Shared(self._feedback_on_last)

    def assessing(self, answer: State) -> Prompt:
        """The request for feedback on an answer."""
        return self._question.then(answer.text.text, self._wording["feedback"])

    async def judged(self, draw: int) -> State:
        """The first answer with the cost of the feedback on it."""
        first, given = await self.firsts.get(draw), await self.feedback.get(draw)
        cost = Cost(1, self._subject.prompt_tokens(self.assessing(first)), given.reply.new_tokens)
        return State(first.text, first.grade, first.cost + cost)

    async def fresh(self, draw: int, other: int) -> State:
        """The first answer of another draw, with the cost of the gate before it."""
        gate, answer = await self.judged(draw), await self.firsts.get(other)
        return replace(answer, cost=gate.cost + answer.cost)

    def _speaker(self, draw: int) -> Speaker:
        room, temperature = self._sampling.max_tokens, self._sampling.temperature
        return Speaker(self._subject, self._item, ThoughtArm(), room, temperature, draw)

    async def _first(self, draw: int) -> State:
        return await self._speaker(draw).answer(self._question)

    async def _refined(self, of: tuple[str, int]) -> State:
        source, draw = of
        first = await self.firsts.get(draw)
        if source == "own":
            first, said = await self.judged(draw), (await self.feedback.get(draw)).reply.text
        elif source == "shuffled":
            said = self._subject.random(f"shuffled {draw}").choice(self._others)
        else:
            said = self._wording["no_feedback"]
        return await self._speaker(draw).answer(self.assessing(first).then(said, self._wording["refine"]), first.cost)

    async def _feedback_on_first(self, draw: int) -> Critique:
        return await self._critique(await self.firsts.get(draw), draw)

    async def _feedback_on_last(self, draw: int) -> Critique:
        return await self._critique(await self.refined.get(("own", draw)), draw)

    async def _critique(self, answer: State, draw: int) -> Critique:
        room, temperature = self._sampling.feedback_tokens, self._sampling.temperature
        return await critique(
            self._subject, self.assessing(answer), max_tokens=room, temperature=temperature, draw=draw
        )
