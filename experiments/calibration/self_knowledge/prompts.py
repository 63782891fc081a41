"""The prompts of self-knowledge: questions that leave room for a refusal, and eight ways to ask for a judgement."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness import Message, Prompt

TEXTS: Mapping[str, str] = {
    "question": "Q: $question",
    "told": "Take the question literally and think about whether anybody can know the answer. If it cannot be "
    'answered, say "The answer is unknown." Otherwise answer briefly.\nQ: $question',
    "lead": "A:",
    # The words that all questions share come first: engines keep them between calls.
    "judgement": "$paraphrase Say Yes or No.\nQuestion: $question",
    "judgement_lead": "Answer:",
    "can_be_answered": "Can the question below be answered?",
    "impossible": "Is the question below impossible to answer?",
    "could_be_known": "Could a well-informed person know the answer to this question?",
    "unknown": "Is the answer to this question unknown to everybody?",
    "can_be_found": "Can the answer to this question be found from established facts?",
    "unknowable": "Does this question ask for something that nobody can know?",
    "all_exists": "Does everything that the question below speaks of exist?",
    "something_wrong": "Is something wrong with this question, so that it has no answer?",
}

PARAPHRASES: Mapping[str, bool] = {
    "can_be_answered": True,
    "impossible": False,
    "could_be_known": True,
    "unknown": False,
    "can_be_found": True,
    "unknowable": False,
    "all_exists": True,
    "something_wrong": False,
}
"""The judgements by the names of their texts, and whether "Yes" means that the question has an answer.

Half of them are turned round, so that a subject who says "Yes" to everything does not look consistent."""

DEMONSTRATIONS = (
    ("How many legs does a spider have?", "A spider has eight legs."),
    ("What will I dream of next Friday?", "Nobody can know a dream before it comes, so the answer is unknown."),
    ("Which gas do plants take from the air?", "Plants take carbon dioxide from the air."),
    ("Who was the first emperor of Antarctica?", "Antarctica never had an emperor, so the answer is unknown."),
    ("Who wrote the play Hamlet?", "William Shakespeare wrote Hamlet."),
    ("How many grains of sand lie in my left shoe?", "Nobody has counted them, so the answer is unknown."),
)
"""Questions and replies, half of which refuse, as in Yin et al. 2023; the words are ours."""


def replying(text: Callable[..., str], question: str, *, told: bool, shown: bool) -> Prompt:
    """A question whose reply may refuse.

    Args:
        text: fills a text of the experiment.
        told: whether the prompt says that refusing is allowed; shown: whether the demonstrations come first.
    """
    lead, turns = text("lead"), list[Message]()
    for asked, answer in DEMONSTRATIONS if shown else ():
        turns += (Message("user", text("question", question=asked)), Message("assistant", f"{lead} {answer}"))
    return Prompt((*turns, Message("user", text("told" if told else "question", question=question))), lead)


def judging(text: Callable[..., str], name: str, question: str) -> Prompt:
    """Whether a question has an answer, by the name of the paraphrase; yes or no comes next."""
    return Prompt.user(text("judgement", paraphrase=text(name), question=question), text("judgement_lead"))
