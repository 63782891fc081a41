"""Asks one model about one item how sure it is: in one step or two, and once more where something is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from experiments.calibration.verbalized_confidence.prompts import Requests
from experiments.shared import answers
from experiments.shared.confidence import PLACEHOLDERS, after_thought, read_confidence, tagged
from experiments.shared.stated_confidence import FORCED_TOKENS
from harness import Probability, Prompt, Subject, Text
from harness.items import SHORT
from harness.tasks.refusals import refuses

Status = Literal["attempted", "refused", "truncated", "unparsed", "ungraded"]

CONFIDENCE_TOKENS = 10
"""Cap on a reply that is to hold nothing but a confidence between tags."""


@dataclass(frozen=True, kw_only=True)
class Elicited:
    """What the model has said up to now.

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


@dataclass(frozen=True, kw_only=True)
class Elicitation:
    """Asks about one item in one arm.

    Attributes:
        max_tokens: cap on a reply, the reasoning apart.
        sampling: temperature, top_p and draw of all requests.
    """

    requests: Requests
    subject: Subject
    max_tokens: int
    sampling: Mapping[str, Any]

    def status(self, said: Elicited) -> Status:
        """What became of the requests, before grading.

        A text that was cut off while reasoning is truncated, whatever doubts it holds; a short one may be a refusal.
        """
        whole = said.answer is None and (said.ended or not self.requests.arm.reasoned)
        if refuses(said.text if whole else said.answer or ""):
            return "refused"
        if said.answer is None or said.confidence is None:
            return "unparsed" if said.ended else "truncated"
        return "attempted"

    async def stated(self) -> Elicited:
        """What the model says when asked; after a refusal or without an answer there is no second request."""
        arm = self.requests.arm
        if arm.steps == 1:
            return await self._reply(self.requests.both(), self.max_tokens)
        if arm.reasoned:
            said = await self._reply(self.requests.answer(), self.max_tokens)
        else:
            prompt = answers.ask(self.requests.item)
            reply = await self._generate(prompt, SHORT.max_tokens, ["\n"])
            answer = reply.text.strip()
            said = Elicited(prompt=prompt, text=answer, ended=True, tokens=reply.new_tokens, answer=answer or None)
        return said if said.answer is None or self.status(said) == "refused" else await self._reflected(said)

    async def forced(self, said: Elicited) -> Elicited:
        """What was said, with whatever is missing in it decoded after the opening tag; a refusal stays one.

        Thinking that was cut off is not continued: the model answers without it.
        """
        arm = self.requests.arm
        if self.status(said) in {"attempted", "refused"}:
            return said
        if said.answer is None:
            if arm.steps == 2 and not arm.reasoned:
                return said  # an empty short answer, in a request without tags
            begun = _before(said.text, "answer")
            reply = await self._generate(Prompt(said.prompt.messages, begun), self.max_tokens, ["<", "\n"])
            answer = reply.text.strip()
            known = answer and answer.lower() not in PLACEHOLDERS
            said = replace(said, text=f"{begun}{answer}</answer>", ended=True, answer=answer if known else None)
            if said.answer is None:
                return said
            if arm.steps == 2:
                said = await self._reflected(said)
        if said.confidence is None:
            begun = _before(said.text, "confidence")
            most = FORCED_TOKENS[arm.scale]
            reply = await self._generate(Prompt(said.prompt.messages, begun), most, ["<", "\n"])
            confidence = read_confidence(reply.text, arm.scale, self.requests.phrases)
            said = replace(said, text=begun + reply.text, ended=True, confidence=confidence)
        return said

    async def _reflected(self, said: Elicited) -> Elicited:
        """The second request, about the whole first reply."""
        second = await self._reply(self.requests.confidence(said.text.strip()), CONFIDENCE_TOKENS)
        return replace(second, answer=said.answer, tokens=said.tokens)

    async def _reply(self, prompt: Prompt, max_tokens: int) -> Elicited:
        arm = self.requests.arm
        if arm.reasoned:
            # A model that reasons may write the closing tag in its thoughts: it ends by its own end token alone.
            reply = await self._generate(prompt, self.requests.tokens + max_tokens, [])
        else:
            reply = await self._generate(prompt, max_tokens, ["</confidence>"])
        text, ended = after_thought(reply.text), reply.finish == "stop"
        confidence = tagged(text, "confidence", ended=ended)
        return Elicited(
            prompt=prompt,
            text=text,
            ended=ended,
            tokens=reply.new_tokens,
            answer=tagged(text, "answer", ended=ended),
            confidence=None if confidence is None else read_confidence(confidence, arm.scale, self.requests.phrases),
        )

    async def _generate(self, prompt: Prompt, max_tokens: int, stop: list[str]) -> Text:
        return await self.subject.generate(prompt, max_tokens=max_tokens, stop=stop, **self.sampling)


def _before(text: str, tag: str) -> str:
    """A reply up to its last <tag>, if there is one, and then that tag."""
    kept = text.rpartition(f"<{tag}>")[0] if f"<{tag}>" in text else text
    return f"{kept.strip()}\n<{tag}>".lstrip()
