"""Asks one model about one item how sure it is: in one step or two, and once more where something is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from experiments.calibration.verbalized_confidence.prompts import Requests
from experiments.shared import answers, stated_confidence
from experiments.shared.tags import tagged, untagged
from harness import Graded, Probability, Prompt, Subject, Text, graded
from harness.tasks.fates import ungraded
from harness.tasks.texts import after_thought, words

_CLOSING = "</confidence>"


@dataclass(frozen=True, kw_only=True)
class Elicited:
    """The model's statements so far.

    Attributes:
        prompt: the latest request; text: the reply to it, without thinking.
        source: the reply that is to give the answer.
        answer, confidence: as read between the tags; None where the form was not kept.
    """

    prompt: Prompt
    text: str
    source: Text
    answer: str | None
    confidence: Probability | None = None

    @property
    def in_form(self) -> bool:
        """Whether answer and confidence stand in the form that was asked for."""
        return self.answer is not None and self.confidence is not None


@dataclass(frozen=True, kw_only=True)
class Elicitation:
    """Asks about one item in one arm.

    Attributes:
        begun: whether the model's turn is begun by the opening tag. Never where it reasons first.
        answer_tokens, confidence_tokens: cap on the tokens of an answer, a confidence, without the reasoning.
        sampling: temperature, top_p and draw of all requests.
    """

    requests: Requests
    subject: Subject
    begun: bool
    answer_tokens: int
    confidence_tokens: int
    sampling: Mapping[str, Any]

    def graded(self, said: Elicited) -> Graded:
        """The answer with its grade: the tagged one, or else what the reply says outside of the tags.

        A model that answers in its own words has answered, also without the form.
        """
        if said.answer is not None:
            return graded(self.requests.item, said.answer)
        reply = replace(said.source, text=after_thought(said.source.text))
        own = untagged(reply.text)
        return graded(self.requests.item, replace(reply, text=own)) if words(own) else ungraded(reply)

    async def stated(self) -> Elicited:
        """The model's statement when asked. After a refusal or without an answer there is no second request."""
        arm = self.requests.arm
        if arm.steps == 1:
            prompt = await self._after(self.requests.both())
            if not self.begun:
                return await self._reply(prompt, self.answer_tokens + self.confidence_tokens)
            said = await self._answer_after(prompt, "")
            return said if said.answer is None else await self._confidence_after(said)
        if arm.reasoned:
            said = await self._reply(await self._after(self.requests.answer()), self.answer_tokens)
        else:
            item = self.requests.item
            prompt = await self._after(answers.ask(item))
            reply = await self._generate(prompt, item.form.max_tokens, item.form.stop)
            text = reply.text.strip()
            given = text if text and reply.finish == "stop" else None
            said = Elicited(prompt=prompt, text=text, source=reply, answer=given)
        fate = self.graded(said).fate
        done = fate == "refused" or (said.answer is None and fate != "answered")
        return said if done else await self._reflected(said)

    async def forced(self, said: Elicited) -> Elicited:
        """The statement, with missing parts decoded after the opening tag; a refusal stays a refusal.

        An answer that the reply gives outside of the tags is not asked for again. Thinking that was cut off is not
        continued: the model answers without it.
        """
        arm, found = self.requests.arm, self.graded(said).fate
        if said.in_form or found == "refused":
            return said
        if said.answer is None and found != "answered":
            if arm.steps == 2 and not arm.reasoned:
                return said  # an empty short answer, in a request without tags
            said = await self._answer_after(said.prompt, said.text)
            if said.answer is None:
                return said
        if arm.steps == 2 and said.confidence is None and said.prompt.messages == self.requests.answer().messages:
            said = await self._reflected(said)
        return said if said.confidence is not None else await self._confidence_after(said)

    async def _reflected(self, said: Elicited) -> Elicited:
        """The second request, about the whole first reply."""
        prompt = await self._after(self.requests.confidence(said.text.strip()))
        if self.begun:
            return await self._confidence_after(replace(said, prompt=prompt, text=""))
        second = await self._reply(prompt, self.confidence_tokens)
        return replace(second, answer=said.answer, source=said.source)

    async def _after(self, prompt: Prompt) -> Prompt:
        """A request after the thought of the arm; all that is said to it follows this one thought."""
        return await self.requests.arm.after(self.subject, prompt, **self.sampling)

    async def _reply(self, prompt: Prompt, max_tokens: int) -> Elicited:
        arm = self.requests.arm
        if arm.reasoned:
            # A model that reasons may write the closing tag in its thoughts: it ends by its own end token alone.
            reply = await self._generate(prompt, self.requests.tokens + max_tokens, [])
        else:
            reply = await self._generate(prompt, max_tokens, [_CLOSING])
        text, ended = after_thought(reply.text), reply.finish == "stop"
        if ended and not arm.reasoned and _CLOSING not in text and "<confidence>" in text:
            text += _CLOSING  # which stopped the reply and is therefore not part of it
        stated = tagged(text, "confidence", ended=ended)
        return Elicited(
            prompt=prompt,
            text=text,
            source=reply,
            answer=tagged(text, "answer", ended=ended),
            confidence=None if stated is None else self.requests.scaled.read(stated),
        )

    async def _answer_after(self, prompt: Prompt, text: str) -> Elicited:
        """The answer after its opening tag, which ends what the model has said."""
        before = _before(text, "answer")
        answer, reply = await stated_confidence.begun(
            self.subject, prompt, before, "answer", max_tokens=self.answer_tokens, **self.sampling
        )
        said = f"{before}\n<answer>{answer}</answer>".lstrip() if answer else before
        return Elicited(prompt=prompt, text=said, source=reply, answer=answer)

    async def _confidence_after(self, said: Elicited) -> Elicited:
        before = _before(said.text, "confidence")
        stated, reply = await stated_confidence.begun(
            self.subject, said.prompt, before, "confidence", max_tokens=self.confidence_tokens, **self.sampling
        )
        text = f"{before}\n<confidence>{reply.text.strip()}".lstrip()
        return replace(said, text=text, confidence=None if stated is None else self.requests.scaled.read(stated))

    async def _generate(self, prompt: Prompt, max_tokens: int, stop: Any) -> Text:
        return await self.subject.generate(prompt, max_tokens=max_tokens, stop=stop, **self.sampling)


def _before(text: str, tag: str) -> str:
    """A reply up to its last <tag>, if there is one."""
    return (text.rpartition(f"<{tag}>")[0] if f"<{tag}>" in text else text).strip()
