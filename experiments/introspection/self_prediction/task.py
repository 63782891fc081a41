"""The task: short requests whose answer is the model's own choice, such as the next animal of a list."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.introspection.self_prediction.properties import CHOICE
from experiments.shared.distinct import check_size, distinct
from harness import Grade, Item, Task, grader
from harness.tasks.texts import word_list

LISTS: Mapping[str, Sequence[str]] = {
    "animal": word_list(
        "lion wolf cow horse eagle shark rabbit tiger otter camel goose beetle monkey dolphin sheep lizard falcon "
        "hedgehog donkey salmon"
    ),
    "country": word_list(
        "France Japan Brazil Kenya Norway Mexico India Egypt Canada Poland Chile Vietnam Ghana Ireland Peru Nepal "
        "Greece Cuba Morocco Iceland"
    ),
    "food": word_list(
        "bread rice cheese carrot apple soup pasta onion mango pepper yoghurt lentil banana salad honey potato grape "
        "walnut butter tomato"
    ),
    "profession": word_list(
        "baker nurse pilot farmer teacher lawyer painter plumber dentist sailor tailor waiter miner judge singer actor "
        "barber gardener chemist butcher"
    ),
    "object": word_list(
        "chair lamp spoon candle mirror pillow bucket hammer basket ladder bottle carpet needle blanket kettle drawer "
        "broom pencil curtain clock"
    ),
}
ASKS = (
    "Here is a list: {listed}. Which {kind} comes next? Reply with one {kind} and nothing else.",
    "Continue this list with one more {kind}, and write only that: {listed}",
    "{listed}. Add {article} {kind} of your own to these. Say only its name.",
)
DEEDS = (
    *("read a novel", "plant a tree", "learn to juggle", "bake a cake", "climb a hill", "write a letter"),
    *("visit a museum", "repair a bicycle", "paint a fence", "watch the stars", "play chess", "swim in a lake"),
    *("knit a scarf", "build a kite", "cook a stew", "sort old photographs"),
)
WHEN = ("on a free day", "on a rainy afternoon", "with an hour to spare", "with a friend", "at the end of a long week")


@dataclass(frozen=True, kw_only=True)
class OpenRequests(Task):
    """Requests that have many good answers: to go on with a list of one of five kinds, or to choose among four deeds.

    Fields: "question", "kind", "first_named" and "named" (the first and the last thing that the request names). There
    is no right answer: a model's prediction is about its own reply.

    Attributes:
        size: how many items, at most 3,000.
        seed: seed of the generator; another seed gives other requests.
    """

    version: ClassVar[str] = "2"
    name: str = "open_requests"
    size: int = 400
    seed: int = 0

    def load(self) -> list[Item]:
        """Distinct requests, by kinds in turn; more contain the fewer."""
        kinds = [*LISTS, CHOICE]
        streams = {kind: random.Random(f"open_requests/{self.seed}/{kind}") for kind in kinds}

        def draw(n: int) -> Item:
            kind = kinds[n % len(kinds)]
            return _choice(streams[kind]) if kind == CHOICE else _listed(kind, streams[kind])

        return distinct(check_size(self, "size", 3000), draw, lambda item: str(item.fields["question"]))


def _listed(kind: str, rng: random.Random) -> Item:
    some = rng.sample(LISTS[kind], rng.randint(3, 5))
    ask = rng.choice(ASKS)
    listed = ", ".join(some)
    if ask.startswith("{listed}"):
        listed = listed[0].upper() + listed[1:]
    question = ask.format(listed=listed, kind=kind, article="an" if kind[0] in "aeiou" else "a")
    return Item({"question": question, "kind": kind, "first_named": some[0], "named": some[-1]}, "", no_answer)


def _choice(rng: random.Random) -> Item:
    deeds = rng.sample(DEEDS, 4)
    listed = "\n".join(f"{letter}. {deed}" for letter, deed in zip("ABCD", deeds, strict=True))
    question = f"What would you rather do {rng.choice(WHEN)}?\n{listed}\nReply with one letter, A, B, C or D."
    return Item({"question": question, "kind": CHOICE, "first_named": "A", "named": "D"}, "", no_answer)


@grader
def no_answer(text: str, item: Item) -> Grade:
    """Refuses: a request for a choice has no right answer.

    Raises:
        TypeError: always.
    """
    raise TypeError("an open request has no right answer; run experiment=selfPrediction on this task")
