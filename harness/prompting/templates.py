"""Applies a model's chat template, whose behaviour it learns by trials, and checks the result word for word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from harness.errors import HarnessError, ItemError
from harness.prompting.prompts import Message, Role
from harness.prompting.tokens import NOTHING, Specials, Tokenizer

System = Literal["template", "none", "merge"]
"""What happens to system messages.

template: the template decides; a system message that it adds of its own is left, and noted.
none: no system message unless the prompt has one. A template that would insert a default gets an empty one.
merge: a prompt's system message is put in front of its first user message, for templates without a system role.
"""

DATE = date(2024, 7, 26)
"""The date for templates if the config names none: the default of Llama 3.1's template."""

_GIVEN = frozenset(
    {"messages", "tools", "documents", "add_generation_prompt", "continue_final_message", "chat_template"}
    | {"conversation", "tokenize", "tokenizer_kwargs", "padding", "truncation", "max_length", "return_tensors"}
    | {"return_dict", "return_assistant_tokens_mask", "raise_exception", "strftime_now"}
    | {"bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"}
)
_SWITCHED = frozenset({"yes", "no", "on", "off", "true", "false", "y", "n", "none", "null"})
_MARK = re.compile("\ue000(\\d+)\ue001")


@dataclass(frozen=True, slots=True)
class Frame:
    """The text that a template writes around the messages of a conversation.

    Attributes:
        before: the text before each message, in the order in which the template writes them.
        order: index of each of these messages in the conversation.
        end: the text after the last one: where the model's turn begins.
    """

    before: tuple[str, ...]
    order: tuple[int, ...]
    end: str


class ChatTemplate:
    """A tokenizer's chat template with its variables.

    Args:
        tokenizer: one that has a template.
        system: treatment of system messages, see `System`.
        day: the date told to templates that write one: prompts never depend on the clock.
        variables: passed to the template beside the messages, as {"enable_thinking": False}.

    Attributes:
        default_system: the text that the template inserts before the first message of a prompt without a system
            message, special tokens left out; None without one.
        notes: notes for the user about this template, one sentence each.

    Raises:
        HarnessError: the template cannot be parsed or does not end; a variable that it does not look at or that is
            not for the user to set; system="none" and it has something to say even so.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        system: System = "template",
        day: date = DATE,
        variables: Mapping[str, Any] = NOTHING,
    ) -> None:
        self._tokenizer = tokenizer
        self._system = system
        self._asked = day, variables
        self._variables = _all_variables(tokenizer.template or "", tokenizer.variables, day, variables)
        self._frames: dict[tuple[tuple[Role, bool], ...], Frame] = {}
        self._specials = Specials(tokenizer.specials)
        self._silenced = False
        self.default_system = self._said_before(Message("user", "?"))
        if system == "none" and self.default_system is not None:
            self._silence(self.default_system)
        self.notes = tuple(self._notes(day))

    def with_variables(self, more: Mapping[str, Any]) -> ChatTemplate:
        """The same template, given further variables."""
        day, variables = self._asked
        return ChatTemplate(self._tokenizer, self._system, day, {**variables, **more})

    def write(self, messages: Sequence[Message]) -> str:
        """The conversation up to where the model's turn begins, every message in it word for word.

        Raises:
            ItemError: the template refuses the conversation, or drops or changes a message (spaces and line breaks
                around it may go).
        """
        messages = tuple(messages)
        if self._system == "merge":
            messages = merged(messages)
        elif self._silenced and messages[0].role != "system":
            messages = (Message("system", ""), *messages)
        text = self._chat(messages)
        self._check(text, messages)
        return text

    def _chat(self, messages: Sequence[Message]) -> str:
        try:
            return self._tokenizer.chat(messages, self._variables)
        except ItemError as error:
            if self._system != "merge" and messages[0].role == "system":
                raise ItemError(
                    f"{error}; model.system=merge puts its system message before the user's words"
                ) from error
            raise

    def _check(self, text: str, messages: Sequence[Message]) -> None:
        frame = self._frame(messages)
        if not text.startswith(frame.before[0] if frame.before else frame.end):
            raise ItemError(f"the chat template begins this conversation in a way of its own: {text[:60]!r}")
        place = 0
        for i, index in enumerate(frame.order):
            place += len(frame.before[i])
            content = messages[index].content
            last = i + 1 == len(frame.order)
            after = frame.end if last else frame.before[i + 1]
            for said in (content, content.rstrip(), content.lstrip(), content.strip()):
                if text.startswith(said + after, place) and (not last or len(text) == place + len(said + after)):
                    place += len(said)
                    break
            else:
                raise _changed(messages[index])

    def _frame(self, messages: Sequence[Message]) -> Frame:
        """The frame of all conversations of these roles, in which the same messages are empty."""
        shape = tuple((message.role, message.content != "") for message in messages)
        if shape not in self._frames:
            marked = [Message(role, f"\ue000{i}\ue001" if full else "") for i, (role, full) in enumerate(shape)]
            *before, end = _MARK.split(self._tokenizer.chat(marked, self._variables))
            order = tuple(map(int, before[1::2]))
            self._frames[shape] = Frame(tuple(before[::2]), order, end)
        frame = self._frames[shape]
        for i, message in enumerate(messages):
            if message.content and i not in frame.order:
                raise _changed(message)
        return frame

    def _said_before(self, *messages: Message) -> str | None:
        """Text that the template inserts before the last of these messages, which is the user's first."""
        try:
            first = self._frame(messages).before[-1]
        except ItemError:
            return None
        try:
            again = self._frame((Message("user", "?"), Message("assistant", "!"), Message("user", "?"))).before[2]
        except ItemError:
            again = first
        # Text that also precedes a later turn of the user is only the heading of a turn.
        first, again = self._specials.without(first), self._specials.without(again)
        heading = next(n for n in range(len(first), -1, -1) if again.endswith(first[len(first) - n :]))
        said = first[: len(first) - heading]
        return re.sub(r"^\s*(?:system|developer)\b[\s:]*", "", said, flags=re.IGNORECASE).strip() or None

    def _silence(self, default: str) -> None:
        try:
            self._chat((Message("system", ""), Message("user", "?")))
        except ItemError as error:
            raise HarnessError(
                f"model.system=none: the chat template writes {default[:80]!r}, and refuses an empty system message "
                "instead; set model.system=template"
            ) from error
        said = self._said_before(Message("system", ""), Message("user", "?"))
        if said is not None:
            raise HarnessError(
                f"model.system=none: the chat template writes {said[:80]!r} even where the system message is empty; "
                "set model.system=template"
            )
        self._silenced = True
        self.default_system = None

    def _notes(self, day: date) -> list[str]:
        system, user, said = Message("system", "?"), Message("user", "?"), Message("assistant", "!")
        notes = []
        if self.default_system is not None:
            notes.append(
                f"the chat template adds a system message: {self.default_system!r}; model.system=none drops it where "
                "the template allows that"
            )
        try:
            if self._system != "merge" and self._frame((system, user, said, user)).order != (0, 1, 2, 3):
                notes.append("the chat template moves the system message away from the beginning of a conversation")
        except ItemError as error:
            notes.append(f"no system messages: {error}; model.system=merge puts them before the first user message")
        read = self._tokenizer.variables or frozenset()
        if read & {"strftime_now", "date_string"}:
            notes.append(f"the chat template may write the date: it is told {day} (model.date), never the clock's")
        return notes

    @property
    def opening(self) -> str:
        """The template's text at the start of the model's turn after a user's words; "" if it refuses them."""
        try:
            return self._frame((Message("user", "?"),)).end
        except ItemError:
            return ""


def merged(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The conversation with its leading system message in front of the first user message, a blank line between.

    Raises:
        ItemError: no user message follows the system message.
    """
    if not messages or messages[0].role != "system":
        return tuple(messages)
    if len(messages) < 2 or messages[1].role != "user":
        raise ItemError("model.system=merge: no user message follows the system message, into which it could be put")
    return (Message("user", f"{messages[0].content}\n\n{messages[1].content}"), *messages[2:])


def _all_variables(
    template: str, read: frozenset[str] | None, day: date, variables: Mapping[str, Any]
) -> Mapping[str, Any]:
    for name, value in variables.items():
        if name in _GIVEN:
            fix = "set model.date" if name == "strftime_now" else "remove it"
            raise HarnessError(f"model.template.{name}: the harness itself gives the template this; {fix}")
        if read is not None and name not in read:
            known = ", ".join(sorted(read - _GIVEN)) or "nothing but the messages"
            raise HarnessError(
                f"model.template.{name}: the model's chat template does not look at it (it reads {known})"
            )
        # A template tests whether a switch is false, and for it every text is true.
        if isinstance(value, str) and value.lower() in _SWITCHED and f"'{value}'" not in template.replace('"', "'"):
            raise HarnessError(
                f"model.template.{name}={value}: this is a text, which a template takes for true; write true or false"
            )
    # Templates ask for the date in two ways; both get the same day.
    dates = {"strftime_now": day.strftime, "date_string": day.strftime("%d %b %Y")}
    return {**{name: value for name, value in dates.items() if read is None or name in read}, **variables}


def _changed(message: Message) -> ItemError:
    return ItemError(f"the chat template drops or changes the {message.role} message {message.content[:60]!r}")
