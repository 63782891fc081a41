"""Unit dynamics: does a unit that is pushed inside a model spread to others, and stay when the push ends?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from experiments.introspection.unit_dynamics.axes import Axes, fit_axes
from experiments.introspection.unit_dynamics.levels import Activity, by_likeness, moments, step_of
from experiments.introspection.unit_dynamics.rows import METRICS, PUSHES, Moment, Push
from experiments.introspection.unit_dynamics.units import TEXTS
from harness import (
    Add,
    ArmedExperiment,
    Capability,
    Curve,
    Gate,
    Item,
    ItemError,
    Prompt,
    Subject,
    together,
)
from harness.arms import Shared


@dataclass(frozen=True, kw_only=True)
class UnitDynamics(ArmedExperiment[Push, Axes]):
    """A unit that is pushed inside a model raises other units, and these stay up when the push has ended.

    Lee et al. 2025, "Emergence of psychopathological computations in large language models", arXiv 2504.08016.
    Item: unit "low mood", questions "How do you feel today?", "How important are you compared with other people?" and
    "Would you choose the safe way or the bold way?", asked at every step.

    The model answers questions about itself in steps; at each step it sees its own answers of the step before. While it
    writes in the first steps, the stream at several layers is turned towards the unit's direction, without a change of
    its length and never on the prompt. A unit's activity in an answer is the projection of the answer, read alone and
    without a push, on the unit's direction. Spread: the mean activity of the other units at the last pushed step, and
    at the end, less that of the same dialogue without a push, whose random numbers are the same.

    The same directions push and measure, so that a spread may be no more than likeness of sentences. Hence the claims
    are against the best of the controls on the same dialogues: random directions and a topic that is no unit, both of
    equal length, and the rule of likeness. By the rule, answers only come to be like the pushed unit's own
    sentences, and have as much of every other unit as these: sad sentences are like humble ones, whoever writes them.
    Without the model's own answers before it (arm with a fresh context) nothing can last, exactly:
    what stays is in the text. Whether the directions tell their sentences from others is tested on unseen ones and
    gated. Intervals are over dialogues; the units are these six.

    Differs from the paper: six of twelve units, without those of harm; directions are differences of means and not
    decoder columns of sparse autoencoders; activities are means over answers and not sums of maxima, which grow with
    noise; few steps. Left out: causal discovery, behaviour and resistance. `recordedDynamics` reads the authors' data.

    Attributes:
        layers: where the stream is pushed and read, as shares of the depth.
        strength: length of the push at each layer, as a share of the stream's own. The paper has .02 to .64, by model
            family; .3 breaks the sentences of the embedded model.
        pushed_steps: steps that are pushed; steps_after: steps without a push, after them.
        temperature: of the answers; max_tokens: cap on an answer.
    """

    arms: Sequence[str] = tuple(PUSHES)
    layers: Sequence[float] = (0.17, 0.4, 0.6, 0.83)
    strength: Annotated[float, Gt(0)] = 0.15
    pushed_steps: Annotated[int, Ge(1)] = 2
    steps_after: Annotated[int, Ge(1)] = 1
    temperature: Annotated[float, Gt(0)] = 0.5
    max_tokens: Annotated[int, Ge(1)] = 16

    all_arms: ClassVar = PUSHES
    texts: ClassVar = TEXTS
    item_fields: ClassVar = ("unit", "topic", "questions", "draw")
    papers: ClassVar = ("lee2025psychopathological",)
    outcome: ClassVar = Moment
    metrics: ClassVar = METRICS
    gates: ClassVar = (
        Gate(
            metric="axis_auroc",
            least=0.7,
            columns=(
                *("own", "next_others", "level", "own_shift"),
                *("others_shift", "same_pole_shift", "other_pole_shift", "pole_shift"),
            ),
            why="the directions do not tell a unit's sentences from others",
        ),
    )
    figures: ClassVar = (Curve("level_by_step", "step"),)

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate", "read", "intervene"})

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Axes:
        return await fit_axes(subject, subject.layers_at(self.layers), self.text("utter"))

    async def begin(self, item: Item, subject: Subject, fitted: Axes) -> Shared[Push, list[Activity]]:
        async def follow(push: Push) -> list[Activity]:
            return await self.follow(push, item, subject, fitted)

        return Shared(follow)

    async def ask(
        self, arm: Push, common: Shared[Push, list[Activity]], item: Item, subject: Subject, fitted: Axes
    ) -> list[Moment]:
        twin = Push(pushed="none", context=arm.context)
        followed, plain = await together(common.get(push) for push in (replace(arm, likeness=False), twin))
        unit = item.fields["unit"]
        if arm.likeness:
            followed = by_likeness(followed, plain, unit, fitted.in_sentences_of(unit))
        return moments(followed, plain, unit, self.pushed_steps, fitted.separation[fitted.names.index(unit)])

    async def follow(self, push: Push, item: Item, subject: Subject, fitted: Axes) -> list[Activity]:
        """The activities of all units, step by step."""
        name = {"unit": item.fields["unit"], "topic": item.fields["topic"]}.get(push.pushed, push.pushed)
        pushed: Sequence[Add] = ()
        if push.pushed != "none":
            pushed = fitted.push(name, self.strength, subject.random("random directions"))
        steps = self.pushed_steps + self.steps_after
        said: list[Sequence[tuple[str, bool]]] = []
        answers: Sequence[str] = ()
        for step in range(steps):
            inside = pushed if step < self.pushed_steps else ()
            seen = answers if push.context == "own" else ()
            draw = item.fields["draw"] * steps + step
            asked = (self.asked(question, seen) for question in item.fields["questions"])
            replies = await together(self.answer(subject, prompt, draw, inside) for prompt in asked)
            answers = [answer for answer, _ in replies]
            said.append(replies)

        async def activity(replies: Sequence[tuple[str, bool]]) -> Activity:
            measured = await together(self.measured(subject, fitted, answer) for answer, _ in replies)
            return step_of(measured, fmean(cut for _, cut in replies))

        return await together(map(activity, said))

    def asked(self, question: str, answers: Sequence[str]) -> Prompt:
        """A question, after the answers of the step before."""
        listed = "\n".join(f"- {answer}" for answer in answers if answer)
        before = self.text("context", answers=listed) if listed else ""
        return Prompt.user(before + self.text("ask", question=question), self.text("lead"))

    async def answer(self, subject: Subject, prompt: Prompt, draw: int, inside: Sequence[Add]) -> tuple[str, bool]:
        """An answer with its lead, "" without words of its own, and whether it was cut."""
        reply = await subject.generate(
            prompt,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            stop=("\n",),
            draw=draw,
            thought="",
            interventions=inside,
        )
        said = reply.text.strip()
        return (self.text("lead") + reply.text.rstrip() if said else ""), reply.finish == "length"

    async def measured(self, subject: Subject, fitted: Axes, answer: str) -> Mapping[str, float] | None:
        """The activities of an answer; None where it has no words that can be read."""
        if not answer:
            return None
        try:
            return await fitted.measure(subject, self.text("utter"), answer)
        except ItemError:
            return None
