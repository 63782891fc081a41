"""Writes thoughts into prompts (none, a given one, or the model's own), and removes them from replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.calls.calls import Text
from harness.calls.thoughts import Thought
from harness.errors import ItemError
from harness.prompting.prompts import Message, Prompt
from harness.prompting.rendered import ThinkingStyle
from harness.prompting.splitting import Splitter, unknown_marks, without_thought
from harness.prompting.templates import ChatTemplate
from harness.prompting.thinking import SWITCHES, Marks, Opening, Thinking, opens
from harness.prompting.tokens import Specials, Tokenizer


class Thoughts:
    """How the thoughts of one model are written.

    Args:
        template: its chat template; None for prompts in plain text, whose thoughts have the marks that are given.

    Attributes:
        settings: the user's settings of thoughts.
        marks: around a thought; None of a model that is not known to think.
        begun_by: who begins a thought.
        quiet: the chat template with thoughts switched off, where it can do that, else the template itself.
    """

    def __init__(
        self, tokenizer: Tokenizer, settings: Thinking, template: ChatTemplate | None, specials: Specials
    ) -> None:
        self.settings = settings
        self._tokenizer = tokenizer
        self._specials = specials
        opening = template.opening if template else ""
        self.marks = settings.marks((tokenizer.template or "") if template else "", opening)
        self.begun_by: Opening = opens(self.marks, opening) if self.marks else "model"
        self._splitter = Splitter(tokenizer, specials, self.marks) if self.marks else None
        self._switch = next((name for name in SWITCHES if template and name in (tokenizer.variables or ())), "")
        self.quiet = template
        if template and self.marks and self._switch:
            self.quiet = template.with_variables({self._switch: False})
        self._nothing = self._written_for_none(self.marks) if self.marks else ""

    def _written_for_none(self, marks: Marks) -> str:
        left = opens(marks, self.quiet.opening) if self.quiet else "model"
        if left == "template":
            return marks.close
        # A template that was told leaves it to the model, which was trained on that.
        return "" if left == "closed" or (self._switch and self.quiet) else marks.nothing

    @property
    def style(self) -> ThinkingStyle | None:
        """For the manifest."""
        if self.marks is None:
            return None
        of = self.settings
        return ThinkingStyle(self.marks.open, self.marks.close, self.begun_by, of.mode, of.tokens, of.overrun)

    @property
    def notes(self) -> list[str]:
        """Notes for the user about the model's thoughts, one sentence each."""
        if self.marks is None:
            if not self._switch:
                return []
            return [
                f"thinking is as the template's default has it, model.template.{self._switch} switches it; what the "
                "model writes around a thought is not known (model.thinking.open and model.thinking.close say it)"
            ]
        if self.begun_by == "closed":
            return []
        if self.settings.mode == "off":
            return [f"the model ({self.marks.shown}) answers without thoughts: model.thinking.mode=off"]
        then = "closed by force" if self.settings.overrun == "close" else "given up"
        return [
            f"the model thinks before it answers ({self.marks.shown}): at most {self.settings.tokens} tokens "
            f"(model.thinking.tokens), then its thought is {then}; model.thinking.mode=off is without thoughts"
        ]

    @property
    def splitter(self) -> Splitter:
        """Finds the marks in the model's text; only of a model that is known to think."""
        assert self._splitter is not None
        return self._splitter

    def awaited(self, prompt: Prompt) -> bool:
        """Whether the model is to think by itself before anything is asked of this prompt."""
        return self.can(prompt) and prompt.thought is None and not prompt.said and self.settings.mode == "own"

    def can(self, prompt: Prompt) -> bool:
        """Whether the model may think before it answers such a prompt."""
        return self.marks is not None and bool(prompt.messages) and self.begun_by != "closed"

    def of(self, prompt: Prompt) -> Thought | str | None:
        """The thought that stands in a prompt: "" is a closed empty one, None leaves the prompt as it is.

        Raises:
            ItemError: the thought that is given cannot be written.
        """
        thought = prompt.thought
        if self.marks is None or not prompt.messages:
            if thought and (isinstance(thought, str) or thought.ended != "none"):
                raise ItemError(
                    "a thought is given to a model that is not known to think; model.thinking.open and "
                    "model.thinking.close say what it writes around a thought"
                )
            return None
        if thought is None:
            # Words of the answer belong behind a thought, never into it.
            begun = self.begun_by != "closed" and (prompt.prefill or prompt.said)
            return "" if self.settings.mode == "off" or begun else None
        if isinstance(thought, Thought) and thought.ended == "cut":
            raise ItemError("this thought never ended, so that no answer can follow it")
        if isinstance(thought, Thought) and thought.again:
            raise ItemError(
                "the model thought again where its answer should have begun, so that its reply cannot be gone on from; "
                "ask anew (Prompt.then)"
            )
        if self.begun_by == "closed" and thought and (isinstance(thought, str) or thought.ended != "none"):
            raise ItemError(f"a thought is given, but the chat template leaves none: see model.template.{self._switch}")
        if isinstance(thought, str) and any(mark in thought for mark in (self.marks.start, self.marks.end)):
            raise ItemError(f"the thought {thought[:60]!r} holds a mark ({self.marks.shown}); leave the marks out")
        return thought

    def opened(self, thought: Thought | str) -> str:
        """The text between the template's text and the answer, for a thought without token ids."""
        if self.marks is None:
            return ""
        if isinstance(thought, Thought):
            return "" if self.begun_by == "closed" else self.marks.direct
        if not thought:
            return self._nothing
        return ("" if self.begun_by == "template" else self.marks.open) + thought.strip() + self.marks.close

    def closing(self, thought: Thought, written: str) -> str:
        """The text that leads from the model's own thought to its answer.

        Args:
            written: the text of all its ids.
        """
        assert self.marks is not None
        if not thought.closing:
            return self.marks.close.removeprefix("\n") if written.endswith("\n") else self.marks.close
        behind = written.rpartition(self.marks.end)[2]
        gap = self.marks.gap
        return gap.removeprefix(behind) if gap.startswith(behind) else ""

    def quoted(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """A conversation in which earlier answers stand without the thoughts before them."""
        if self.marks is None and not self.settings.detect:
            return tuple(messages)
        opened = self.begun_by == "template"
        return tuple(
            replace(one, content=without_thought(one.content, self.marks, opened)) if one.role == "assistant" else one
            for one in messages
        )

    def apart(self, reply: Text, before: Thought | None) -> Text:
        """The answer in a text that the model wrote after a thought, or without one; with its thoughts beside it."""
        if self._splitter is not None:
            return self._splitter.answer(reply, before)
        marks = unknown_marks(reply.text) if self.settings.detect else None
        return Splitter(self._tokenizer, self._specials, marks).answer(reply, before) if marks else reply
