"""Reads probabilities off a model, the same way in every experiment: a letter in parentheses, yes or no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.calls.interventions import Intervention
from harness.calls.thoughts import Thought
from harness.prompting.endings import MergedOption
from harness.prompting.prompts import Message, Prompt
from harness.subject.choices import Choice
from harness.subject.subject import Subject


async def letter(
    subject: Subject,
    turns: Sequence[Message],
    lead: str,
    letters: Mapping[str, str],
    *,
    thought: Thought | str | None = None,
    interventions: Sequence[Intervention] = (),
) -> Choice:
    """Exact probabilities of lettered options after the words that lead to the letter.

    The prompt ends with "lead (" and the bare letter is read. A tokenizer that joins "(A" into one token is asked
    after "lead" instead, for " (A" and " A" together; the run notes which of the two was done.

    Args:
        turns: the conversation so far.
        lead: the first words of the model's turn, without the parenthesis: "Answer:".
        letters: the letter of each option.
        thought: a thought before the answer, see `Subject.choose`.

    Raises:
        ItemError: the prompt cannot be rendered, or does not fit.
    """
    turns = tuple(turns)
    try:
        bare = {option: (at,) for option, at in letters.items()}
        return await subject.choose(Prompt(turns, f"{lead} ("), bare, thought=thought, interventions=interventions)
    except MergedOption:
        subject.renderer.note('the tokenizer joins "(A" into one token: letters are read as " (A" and " A"')
        whole = {option: (f" ({at}", f" {at}") for option, at in letters.items()}
        return await subject.choose(Prompt(turns, lead), whole, thought=thought, interventions=interventions)


async def yes_no(
    subject: Subject,
    prompt: Prompt,
    *,
    thought: Thought | str | None = None,
    interventions: Sequence[Intervention] = (),
) -> Choice:
    """Exact probabilities of "yes" and "no" as the model's next word, capitalised or not.

    The word follows a space if the prompt has begun the model's turn ("Answer:"), and no space otherwise.

    Args:
        thought: a thought before the answer, see `Subject.choose`.

    Raises:
        ItemError: the prompt cannot be rendered, or does not fit.
    """
    space = " " if prompt.prefill else ""
    options = {word: (f"{space}{word.capitalize()}", f"{space}{word}") for word in ("yes", "no")}
    return await subject.choose(prompt, options, thought=thought, interventions=interventions)
