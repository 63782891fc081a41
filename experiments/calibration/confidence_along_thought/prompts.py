"""Prompts that ask for answer and confidence together (Yoon et al. 2025, shortened), and a thought without content."""

from __future__ import annotations

from collections.abc import Mapping

from harness import Item, Probability, Prompt, Subject, Thought, fill

CLASSES: Mapping[str, str] = {
    "A": "almost no chance", "B": "highly unlikely", "C": "chances are slight", "D": "unlikely",
    "E": "less than even", "F": "better than even", "G": "likely", "H": "very good chance",
    "I": "highly likely", "J": "almost certain",
}  # fmt: skip
"""The paper's ten classes of confidence, each a tenth of the way from 0 to 1, by the letters that we give them."""

LETTERS = {name: letter for letter, name in CLASSES.items()}

TEXTS: Mapping[str, str] = {
    "question": "Think about the question step by step until you have an answer. Then assess how likely this answer is "
    "to be correct, and choose the class of your confidence:\n$classes\n\nReply with nothing but a short answer and, "
    "in place of X, the letter of the class:\nAnswer: your answer\nConfidence: (X)\n\nQuestion: $question",
    "answer": "Answer:",
    "confidence": "Confidence:",
    "filler": "Let me think. ",
}


def asked(wording: Mapping[str, str], item: Item) -> Prompt:
    """The request for an answer and a class of confidence, with the model's turn begun by the answer's lead."""
    classes = "\n".join(f"({letter}) {name}" for letter, name in CLASSES.items())
    values = {"classes": classes, "question": item.fields["question"]}
    return Prompt.user(fill(wording["question"], values), wording["answer"])


def expected(p: Mapping[str, float]) -> Probability:
    """The mean of the classes' middles (0.05, 0.15, ... 0.95), weighted by the probability of each class."""
    return Probability(sum(p[name] * (i + 0.5) / len(LETTERS) for i, name in enumerate(LETTERS)))


def filler(wording: Mapping[str, str], own: Thought, subject: Subject) -> Thought:
    """A thought of as many tokens as the model's own, which says nothing. It begins with the same space, which models
    put behind the mark, and is closed by force."""
    tokenizer = subject.renderer.tokenizer
    shown = tokenizer.decode(own.tokens)
    space = shown.removesuffix(shown.lstrip())
    tokens = tuple(tokenizer.encode(space + wording["filler"] * len(own.tokens))[: len(own.tokens)])
    return Thought(tokenizer.decode(tokens).strip(), tokens, own.opening, (), "forced")
