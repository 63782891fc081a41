"""Answers of one item, the model's reviews of them, and their corrections, each asked once for all arms."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from experiments.correction.chains import Cost, Speaker, State
from experiments.correction.critique import few_shot
from experiments.correction.critique.rows import Critic, Words
from experiments.correction.critique.verdicts import marked_wrong
from experiments.correction.given import NOTHING
from experiments.shared.critique import Critique, critique
from experiments.shared.other_critiques import Other, pick
from experiments.shared.thoughts import ThoughtArm
from harness import Choice, Item, Probability, Prompt, Subject, fill

GREEDY = -1
"""In place of the number of a draw: an answer that is greedy, or given."""


FORMS = {"wrong": ("wrong", "Wrong", "incorrect", "Incorrect"), "correct": ("correct", "Correct")}
"""The verdicts as they may continue "[["."""


class Answer(NamedTuple):
    """An answer that is reviewed.

    Attributes:
        state: as given, or the model's own.
        draw: of a sampled one, which; its correction is the same draw.
    """

    state: State
    draw: int = GREEDY

    @property
    def text(self) -> str:
        return self.state.grade.text


class Review(NamedTuple):
    """The model's critique of an answer.

    Attributes:
        prompt_tokens: read before it was written.
        verdict: the exact verdict without a critique before it; None where none is read.
    """

    critique: Critique
    prompt_tokens: int
    verdict: Choice | None

    @property
    def cost(self) -> Cost:
        return Cost(1, self.prompt_tokens, self.critique.reply.new_tokens)


class Shown(NamedTuple):
    """The critique that a correction follows.

    Attributes:
        text: None where none is shown.
        says_wrong: its verdict, None where none can be read.
        cost: of the calls that it took.
        review: the model's own review of the answer, where it was asked for.
        same_verdict: of another item's critique, whether it has the review's verdict.
    """

    text: str | None
    says_wrong: bool | None = None
    cost: Cost = NOTHING
    review: Review | None = None
    same_verdict: bool | None = None

    def columns(self, wrong: bool) -> dict[str, Any]:
        """The columns of the verdict, on an answer that is wrong or not."""
        exact = self.review.verdict if self.review and self.same_verdict is None else None
        return {
            "says_wrong": self.says_wrong,
            "parse_failed": None if self.text is None else self.says_wrong is None,
            "verdict_right": None if self.text is None else self.says_wrong is wrong,
            "p_wrong": Probability(exact.p["wrong"]) if exact else None,
            "mass": Probability(exact.mass) if exact else None,
            "same_verdict": self.same_verdict,
        }


def shown_to(arm: Critic, answer: Answer, review: Review | None, subject: Subject, others: Sequence[Other]) -> Shown:
    """The critique that an arm shows with an answer.

    Args:
        review: the model's own; None in arms that need none.
        others: critiques of other items.
    """
    if arm.critique == "none":
        return Shown(None)
    if review is not None and arm.critique == "other":
        rng = subject.random(f"other critique of {answer.draw} {answer.text}")
        other, same = pick(others, review.critique.says_wrong, rng)
        return Shown(other.text, other.says_wrong, review.cost, review, same)
    if review is not None:
        return Shown(review.critique.text, review.critique.says_wrong, review.cost, review)
    coin = subject.random(f"coin for {answer.draw} {answer.text}").random() < 0.5
    says = {"gold": not answer.state.grade.correct, "wrong": True, "coin": coin}[arm.critique]
    return Shown("[[wrong]]" if says else "[[correct]]", says)


@dataclass(frozen=True)
class Desk:
    """The subject at one item.

    Attributes:
        wording: the experiment's texts, see `prompts.TEXTS`.
        prompts: the folder of the release's prompts, for the words "few-shot".
        max_tokens: cap on an answer and on a correction; critique_tokens: on a critique.
        temperature: of sampled answers and their corrections.
    """

    subject: Subject
    item: Item
    wording: Mapping[str, str]
    prompts: Path | None
    _: KW_ONLY
    max_tokens: int
    critique_tokens: int
    temperature: float

    def speaker(self, draw: int, stop: tuple[str, ...] = ()) -> Speaker:
        """The subject with the sampling of a draw, or greedy."""
        temperature = 0.0 if draw == GREEDY else self.temperature
        return Speaker(self.subject, self.item, ThoughtArm(), self.max_tokens, temperature, max(draw, 0), stop)

    async def own(self, draw: int) -> Answer:
        """The model's own answer to the question."""
        asked = Prompt.user(fill(self.wording["answer"], {"question": self.question}))
        return Answer(await self.speaker(draw).answer(asked), draw)

    async def review(self, words: Words, answer: str) -> Review:
        """The model's greedy critique of an answer, and the exact verdict without it."""
        if words == "few-shot":
            asked = few_shot.critique(self.folder, self.source, self.question, answer)
            written = await self.written(asked, few_shot.STOPS)
            return Review(written, self.subject.prompt_tokens(asked), None)
        name = "critique" if words == "previous" else "neutral"
        text = fill(self.wording[name], {"question": self.question, "answer": answer})
        lead = self.wording["verdict_lead"]
        asked = Prompt.user(text, lead)
        written, verdict = await asyncio.gather(
            self.written(asked),
            self.subject.choose(Prompt.user(text, f"{lead} [["), FORMS),
        )
        return Review(written, self.subject.prompt_tokens(asked), verdict)

    async def written(self, asked: Prompt, stop: Sequence[str] = ()) -> Critique:
        """The critique that a prompt asks for; the prompt has begun it ("Verdict:"), or ends so."""
        read = partial(_read, self.wording["verdict_lead"])
        return await critique(self.subject, asked, max_tokens=self.critique_tokens, stop=stop, read=read)

    async def correct(self, answer: Answer, written: str | None, words: Words, spent: Cost) -> State:
        """The answer after a critique, None shows none; the cost comes on top of the cost so far."""
        if words == "few-shot" and written is not None:
            asked = few_shot.correction(self.folder, self.source, self.question, answer.text, written)
            return await self.speaker(answer.draw, few_shot.STOPS).answer(asked, spent)
        shown = {"question": self.question, "answer": answer.text}
        text = self.wording["improve_alone" if written is None else "improve"]
        asked = Prompt.user(fill(text, shown if written is None else {**shown, "critique": written}))
        return await self.speaker(answer.draw).answer(asked, spent)

    @property
    def question(self) -> str:
        return str(self.item.fields["question"])

    @property
    def source(self) -> str:
        """The data set of the question, "" where the task does not say."""
        return str(self.item.fields.get("source", ""))

    @property
    def folder(self) -> Path:
        assert self.prompts is not None, "the experiment refuses its few-shot arm without this folder"
        return self.prompts


def _read(lead: str, reply: str) -> bool | None:
    return marked_wrong(f"{lead} {reply.strip()}")
