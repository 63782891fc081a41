"""Asks for a reply, and in a fresh context for a property of the reply that would be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.introspection.self_prediction.properties import PROPERTIES, Property, Said, read
from harness import Item, Prompt, Subject, fill

TEXTS: Mapping[str, str] = {
    "hypothetical": 'Imagine that you were given this request: "$question"\nWhat would be $asked of your reply to it? '
    'If your reply were "$example", for instance, the answer would be "$shown". Give $form and nothing else.',
    "whether": 'Imagine that you were given this request: "$question"\nOf your reply to it, say $asked. If your reply '
    'were "$example", for instance, the answer would be "$shown". Give $form and nothing else.',
    # Without these first words of its turn a small model explains itself.
    "lead": 'The answer would be "',
}
EXAMPLES = ("marble", "sunset", "quiet evening", "ember", "olive grove", "violin", "ticket", "anchor", "umbrella")
LETTERS = ("A", "B", "C", "D")
PREDICTION_TOKENS = 8
"""Room for a word or a letter. A prediction ends with its line, and one that is cut has another form than asked for."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a property of the reply to a request.

    Attributes:
        wording: the experiment's texts, of which `TEXTS` is a part.
        example: the reply that serves as an example, drawn anew for each question: one that is always the same would
            be right by chance about some property.
    """

    wording: Mapping[str, str]
    item: Item
    name: str
    example: str

    @classmethod
    def about(cls, wording: Mapping[str, str], item: Item, name: str, subject: Subject) -> Question:
        """The question about an item's property, with its example."""
        rng, prop = subject.random(f"example/{item.id}/{name}"), PROPERTIES[name]
        some = [one for one in (LETTERS if prop.choice else EXAMPLES) if prop.of(one)]
        return cls(wording, item, name, rng.choice(some))

    @property
    def prop(self) -> Property:
        """The property."""
        return PROPERTIES[self.name]

    @property
    def shown(self) -> str:
        """The property of the example."""
        return self.prop.of(self.example)

    def prompt(self) -> Prompt:
        """The question in a context of its own."""
        told = {"question": self.item.fields["question"], "asked": self.prop.asked, "form": self.prop.form}
        name = "whether" if self.prop.asked.startswith("whether") else "hypothetical"
        text = fill(self.wording[name], {**told, "example": self.example, "shown": self.shown})
        return Prompt.user(text, self.wording["lead"])

    @property
    def stop(self) -> tuple[str, ...]:
        """Where a prediction ends: with its line, or with the quotation mark that the first words open."""
        return ("\n", '"') if self.wording["lead"].endswith('"') else ("\n",)

    async def predicted(self, who: Subject) -> Said:
        """A greedy prediction."""
        reply = await who.generate(self.prompt(), max_tokens=PREDICTION_TOKENS, stop=self.stop)
        return read(self.prop, reply.text)

    async def drawn(self, who: Subject, n: int, temperature: float) -> list[Said]:
        """Several drawn predictions."""
        replies = await who.draws(
            self.prompt(), n, max_tokens=PREDICTION_TOKENS, stop=self.stop, temperature=temperature
        )
        return [read(self.prop, reply.text) for reply in replies]


async def replies(item: Item, subject: Subject, n: int, **sampling: Any) -> list[str]:
    """Replies to the request itself, one line each."""
    asked = Prompt.user(str(item.fields["question"]))
    found = await subject.draws(asked, n, stop=("\n",), **sampling)
    return [reply.text.strip() for reply in found]
