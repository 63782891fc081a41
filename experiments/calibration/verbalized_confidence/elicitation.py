"""Asking one model about one item how sure it is: in one step or two, and once more where something is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from experiments.calibration.verbalized_confidence.prompts import Arm, ask_answer, ask_both, ask_confidence
from experiments.shared import answers
from experiments.shared.confidence import PLACEHOLDERS, after_thought, read_confidence, tagged
from harness import Item, Probability, Prompt, Subject, Text
from harness.tasks.refusals import refuses

Fate = Literal["attempted", "refused", "truncated", "unparsed", "ungraded"]

CONFIDENCE_TOKENS = 10
"""Cap on a reply that is to hold nothing but a confidence between tags."""

FORCED_TOKENS: Mapping[str, int] = {"percent": 4, "probability": 4, "words": 6}
"""Tokens decoded after a forced "<confidence>"."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What was said up to now.

    Attributes:
        prompt: the latest request; text: the reply to it, without thinking.
        ended: whether that reply ended by itself and was not cut off.
        tokens: length of the reply that is to give the answer, thinking included.
        answer, confidence: as read; None where the form was not kept.
    """

    prompt: Prompt
    text: str
    ended: bool
    tokens: int
    answer: str | None
    confidence: Probability | None = None

    def fate(self, arm: Arm) -> Fate:
        """What became of the request, before grading.

        A text that was cut off while reasoning is truncated, whatever doubts it holds; a short one may be a refusal.
        """
        doubts = self.text if self.answer is None and (self.ended or not arm.budget) else self.answer or ""
        if refuses(doubts):
            return "refused"
        if self.answer is None or self.confidence is None:
            return "unparsed" if self.ended else "truncated"
        return "attempted"


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Asks about one item.

    Attributes:
        phrases: probability of each phrase of the scale "words".
        max_tokens: cap on a reply, the reasoning apart.
        sampling: temperature, top_p and draw of all requests.
    """

    item: Item
    subject: Subject
    phrases: Mapping[str, float]
    max_tokens: int
    sampling: Mapping[str, Any]

    async def stated(self, arm: Arm) -> Said:
        """What the model says when asked; after a refusal or without an answer there is no second request."""
        if not arm.two:
            prompt = ask_both(self.item, arm, self.phrases)
            return self._read(arm, prompt, await self._reply(arm, prompt, self.max_tokens))
        if arm.budget:
            prompt = ask_answer(self.item, arm)
            said = self._read(arm, prompt, await self._reply(arm, prompt, self.max_tokens))
        else:
            prompt = answers.ask(self.item)
            reply = await self._generate(prompt, answers.MAX_TOKENS, ["\n"])
            answer = reply.text.strip()
            said = Said(prompt=prompt, text=answer, ended=True, tokens=len(reply.tokens), answer=answer or None)
        return said if said.answer is None or said.fate(arm) == "refused" else await self._reflected(arm, said)

    async def forced(self, arm: Arm, said: Said) -> Said:
        """What was said, with whatever is missing in it decoded after the opening tag; a refusal stays one.

        Thinking that was cut off is not continued: the model answers without it.
        """
        if said.fate(arm) in {"attempted", "refused"}:
            return said
        if said.answer is None:
            if arm.two and not arm.budget:
                return said  # an empty short answer, in a request without tags
            begun = _before(said.text, "answer")
            reply = await self._generate(Prompt(said.prompt.messages, begun), self.max_tokens, ["<", "\n"])
            answer = reply.text.strip()
            known = answer and answer.lower() not in PLACEHOLDERS
            text = f"{begun}{answer}</answer>"
            said = replace(said, text=text, ended=True, answer=answer if known else None)
            if said.answer is None:
                return said
            if arm.two:
                said = await self._reflected(arm, said)
        if said.confidence is None:
            begun = _before(said.text, "confidence")
            most = FORCED_TOKENS[arm.scale]
            reply = await self._generate(Prompt(said.prompt.messages, begun), most, ["<", "\n"])
            confidence = read_confidence(reply.text, arm.scale, self.phrases)
            said = replace(said, text=begun + reply.text, ended=True, confidence=confidence)
        return said

    async def _reflected(self, arm: Arm, said: Said) -> Said:
        """The second request, about the whole first reply."""
        prompt = ask_confidence(self.item, arm, said.text.strip(), self.phrases)
        reply = await self._reply(arm, prompt, CONFIDENCE_TOKENS)
        second = self._read(arm, prompt, reply)
        return replace(second, answer=said.answer, tokens=said.tokens)

    async def _reply(self, arm: Arm, prompt: Prompt, max_tokens: int) -> Text:
        # A model that reasons may write the closing tag in its thoughts: it ends by its own end token alone.
        return await self._generate(prompt, arm.budget + max_tokens, [] if arm.budget else ["</confidence>"])

    async def _generate(self, prompt: Prompt, max_tokens: int, stop: list[str]) -> Text:
        return await self.subject.generate(prompt, max_tokens=max_tokens, stop=stop, **self.sampling)

    def _read(self, arm: Arm, prompt: Prompt, reply: Text) -> Said:
        text, ended = after_thought(reply.text), reply.finish == "stop"
        confidence = tagged(text, "confidence", ended=ended)
        return Said(
            prompt=prompt,
            text=text,
            ended=ended,
            tokens=len(reply.tokens),
            answer=tagged(text, "answer", ended=ended),
            confidence=None if confidence is None else read_confidence(confidence, arm.scale, self.phrases),
        )


def _before(text: str, tag: str) -> str:
    """A reply up to its last <tag>, if there is one, and then that tag."""
    kept = text.rpartition(f"<{tag}>")[0] if f"<{tag}>" in text else text
    return f"{kept.strip()}\n<{tag}>".lstrip()
