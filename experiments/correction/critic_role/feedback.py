"""Solutions of one item, the feedback on them, and the actor's use of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from experiments.correction.chains import Cost, Speaker, State
from experiments.correction.critic_role.rows import Refining
from experiments.correction.critic_role.steps import FORMS, final_wrong, first_wrong_step, names_gold, up_to_verdict
from experiments.correction.given import NOTHING, given
from experiments.shared.critique import Critique, critique
from experiments.shared.other_critiques import Other, pick
from experiments.shared.thoughts import ThoughtArm
from harness import Choice, Item, Message, Probability, Prompt, Subject, fill


class Solution(NamedTuple):
    """A solution that is refined; `first_error` is the number of its first wrong step where that is known."""

    state: State
    first_error: int | None = None

    @property
    def text(self) -> str:
        return self.state.grade.text

    @property
    def wrong(self) -> bool:
        return not self.state.grade.correct


def given_with(item: Item) -> list[Solution]:
    """The solutions that came with an item, with their first errors where these are known."""
    firsts = [response.get("first_error") for response in item.fields.get("responses", ())]
    return [Solution(state, first) for state, first in zip(given(item), firsts, strict=True)]


class Feedback(NamedTuple):
    """What the actor is told about a solution.

    Attributes:
        text: None for nothing.
        written: whether a critic wrote it: of the verdict alone, nothing is to be found out.
        cost: of the calls that it took; tokens: its length.
        same_verdict: of the critique of another item, whether its verdict is the critic's own one on this solution.
        closed: the exact verdict where the critique is closed by force; None where it is not.
    """

    text: str | None
    says_wrong: bool | None = None
    written: bool = False
    cost: Cost = NOTHING
    tokens: int | None = None
    same_verdict: bool | None = None
    closed: Choice | None = None

    def columns(self, item: Item, solution: Solution) -> dict[str, Any]:
        """The columns of the feedback on a solution."""
        if self.text is None or not self.written:
            return {"says_wrong": self.says_wrong}
        hit = None
        if solution.first_error is not None:
            hit = first_wrong_step(self.text, solution.text.splitlines()) == solution.first_error
        return {
            "says_wrong": self.says_wrong,
            "parse_failed": self.says_wrong is None,
            "verdict_right": self.says_wrong is solution.wrong,
            "first_error_hit": hit,
            "leak": names_gold(self.text, item, solution.text) if solution.wrong else None,
            "critique_tokens": self.tokens,
            "same_verdict": self.same_verdict,
            "p_wrong": Probability(self.closed.p["wrong"]) if self.closed else None,
            "mass": Probability(self.closed.mass) if self.closed else None,
        }


@dataclass(frozen=True)
class Stage:
    """Actor and critic at one item.

    Attributes:
        wording: the experiment's texts, see `prompts.TEXTS`.
        max_tokens, critique_tokens: caps on a solution and on a critique.
        temperature: of sampled answers.
        close: whether critiques that an arm judges are closed by force.
    """

    actor: Subject
    critic: Subject
    item: Item
    wording: Mapping[str, str]
    max_tokens: int
    critique_tokens: int
    temperature: float
    close: bool = True

    @property
    def asked(self) -> str:
        """The question as the actor is asked it."""
        return fill(self.wording["answer"], {"question": self.item.fields["question"]})

    async def own(self, draw: int | None) -> Solution:
        """The actor's own solution, greedy for None."""
        temperature = 0.0 if draw is None else self.temperature
        return Solution(await self._speaker(temperature, draw or 0).answer(Prompt.user(self.asked)))

    async def critique(self, critic: Subject, solution: str) -> tuple[Critique, Cost]:
        """The greedy critique of a solution, and its cost."""
        asked = self._to_criticise(solution)
        made = await critique(critic, asked, max_tokens=self.critique_tokens, read=final_wrong)
        return made, Cost(1, critic.prompt_tokens(asked), made.reply.new_tokens)

    async def closed(self, critic: Subject, solution: str, made: Critique) -> Choice | None:
        """The exact verdict of a critique that is closed by force, so that one without a verdict has one, too.

        The words before a verdict on the final answer are put behind the critique, or behind its part up to its own
        verdict. None after a thought that no answer can go on from.
        """
        thought = made.reply.thought
        if thought is not None and (thought.ended == "cut" or thought.again):
            return None
        begun = "\n\n".join(filter(None, (up_to_verdict(made.text), self.wording["verdict_lead"])))
        asked = replace(self._to_criticise(solution), prefill=begun, thought=thought)
        return await critic.choose(asked, FORMS)

    def _to_criticise(self, solution: str) -> Prompt:
        shown = {"question": self.item.fields["question"], "solution": solution}
        return Prompt.user(fill(self.wording["critique"], shown))

    async def feedback(self, arm: Refining, solution: Solution, others: Sequence[Other]) -> Feedback:
        """The feedback of an arm; `others` are critiques of other items."""
        if arm.feedback == "none":
            return Feedback(None)
        if arm.feedback in ("gold", "wrong"):
            says = solution.wrong or arm.feedback == "wrong"
            return Feedback(f"{self.wording['verdict_lead']} {'Wrong' if says else 'Correct'}", says)
        critic = self.actor if arm.feedback == "self" else self.critic
        real, cost = await self.critique(critic, solution.text)
        if arm.feedback != "other":
            closed = await self.closed(critic, solution.text, real) if self.close and arm.judged else None
            return Feedback(real.text, real.says_wrong, True, cost, len(real.reply.tokens), closed=closed)
        other, same = pick(others, real.says_wrong, self.actor.random(f"other critique of {solution.text}"))
        return Feedback(other.text, other.says_wrong, True, cost, other.tokens, same)

    async def refine(self, solution: Solution, told: Feedback) -> State:
        """The solution that the actor writes after the feedback."""
        name, shown = ("again", {}) if told.text is None else ("refine", {"critique": told.text})
        turns = (
            Message("user", self.asked),
            Message("assistant", solution.text),
            Message("user", fill(self.wording[name], shown)),
        )
        return await self._speaker(0.0, 0).answer(Prompt(turns), solution.state.cost + told.cost)

    def _speaker(self, temperature: float, draw: int) -> Speaker:
        return Speaker(self.actor, self.item, ThoughtArm(), self.max_tokens, temperature, draw)
