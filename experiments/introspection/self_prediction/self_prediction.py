"""Self-prediction: does a model know what it would reply, better than another model and than simple baselines?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from experiments.introspection.self_prediction.prompts import TEXTS, Question, replies
from experiments.introspection.self_prediction.properties import CHOICE, PROPERTIES, Said, truth
from experiments.introspection.self_prediction.rows import (
    ARMS,
    DEFAULT,
    METRICS,
    Prediction,
    Predictor,
    Seen,
    by_rule,
    compared,
    kind_of,
    mode,
    other_said,
    predicted,
)
from harness import ArmedExperiment, Bars, Capability, HarnessError, Item, Part, Subject, together
from harness.arms import Shared
from harness.errors import nearest

Reply = Shared[None, str]
"""The reply to the request itself, which is asked for once."""


@dataclass(frozen=True, kw_only=True)
class SelfPrediction(ArmedExperiment[Predictor, tuple[Seen, ...]]):
    """Claim: a model predicts properties of its own replies better than another model does (privileged access).

    Binder et al. 2025, "Looking Inward", arXiv 2410.13787, the rows without training. The paper trains models to
    predict themselves and others; untrained ones are at or below the commonest property.
    Item: "Here is a list: lion, wolf, cow. Which animal comes next? Reply with one animal and nothing else." The model
    replies. In a fresh context it is asked: "Imagine that you were given this request: [...] What would be the second
    character of your reply to it?"

    Properties are found by code and compared in small letters without punctuation. A property that is then empty (the
    second character of "A cat") is predicted rightly by nobody, and `accuracy_answered`, the paper's number, leaves it
    out, with predictions of another form than asked for.
    rival: the rival (+model@roles.rival.model=...) is asked the same question about itself, and its answer is compared
    with the model's reply. Without another model as rival that arm has no rows. rule: mode is the commonest value in
    training replies to requests of the kind. rule: random draw is one of them. rule: first named and rule: last named
    are the properties of the first and the last thing that the request names, rule: example that of the example in the
    question. shuffled story: the model's prediction about another request of the kind.

    The arms "self, drawn" and "rival, drawn" are for calibration: replies and predictions are drawn, and `mad` is the
    mean distance of both shares of the greedy reply's property; the paper bins all behaviours. `mad_repeat` is that of
    further replies.

    Differs from the paper: requests by rule (any task with questions can be given), our wording, an example of another
    word in each question, the first words of the prediction (experiment.wording.lead="" leaves them out), one greedy
    reply in place of the commonest of five.

    Attributes:
        properties: names of `properties.PROPERTIES`.
        train: training requests, for the baselines.
        max_tokens: cap on a reply, which ends with its line; the properties are of its beginning.
        draws, temperature: of the arms that draw.
    """

    arms: Sequence[str] = DEFAULT
    properties: Sequence[str] = ("first character", "second character", "first word", "among A or C")
    train: Annotated[int, Ge(1)] = 60
    max_tokens: Annotated[int, Ge(1)] = 16
    draws: Annotated[int, Ge(2)] = 20
    temperature: Annotated[float, Gt(0)] = 1.0

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    parts: ClassVar = {"rival": Part()}
    papers: ClassVar = ("binder2024looking",)
    outcome: ClassVar = Prediction
    metrics: ClassVar = METRICS
    figures: ClassVar = (Bars("correct", by="property"),)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.properties or len(set(self.properties)) < len(self.properties):
            raise HarnessError(f"experiment.properties={list(self.properties)}: name one or more, each once")
        for name in self.properties:
            if name not in PROPERTIES:
                raise HarnessError(f"experiment.properties: no property {name!r}{nearest(name, PROPERTIES)}")

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate"})

    def train_items(self) -> int:
        baselines = {"mode", "random draw", "other request"}
        return self.train if any(arm.by in baselines for arm in self.chosen.values()) else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> tuple[Seen, ...]:
        """The model's replies to training requests, and its predictions where another item's are a control."""
        asks = any(arm.by == "other request" for arm in self.chosen.values())

        async def one(item: Item) -> Seen:
            names = self.names(item) if asks else []
            about = (Question.about(self.wording, item, name, subject).predicted(subject) for name in names)
            reply, said = await asyncio.gather(self.reply(item, subject), together(about))
            return Seen.of(item, reply, dict(zip(names, said, strict=True)))

        return tuple(await together(map(one, train)))

    async def reply(self, item: Item, subject: Subject) -> str:
        """The model's greedy reply to a request."""
        return (await replies(item, subject, 1, max_tokens=self.max_tokens))[0]

    async def begin(self, item: Item, subject: Subject, fitted: tuple[Seen, ...]) -> Reply:
        return Shared(lambda _: self.reply(item, subject))

    async def ask(
        self, arm: Predictor, common: Reply, item: Item, subject: Subject, fitted: tuple[Seen, ...]
    ) -> list[Prediction]:
        who = subject.role("rival") if arm.by == "rival" else subject
        if arm.by == "rival" and who.engine.identity == subject.engine.identity:
            return []
        found = []
        questions = [Question.about(self.wording, item, name, subject) for name in self.names(item)]
        if arm.by in ("self", "rival"):
            ask = self.drawn if arm.drawn else self.greedy
            return await together(ask(question, common, subject, who) for question in questions)
        for question in questions:
            rng = subject.random(f"{arm.by}/{question.name}")
            if arm.by == "other request":
                said = other_said(fitted, item, question.name, rng)
            else:
                said = by_rule(arm.by, question, fitted, rng)
            real = truth(question.prop, await common.get(None))
            found.append(predicted(item, question.name, real, said, said.value == question.shown))
        return found

    async def greedy(self, question: Question, reply: Reply, subject: Subject, who: Subject) -> Prediction:
        """The row of one greedy prediction."""
        said, text = await asyncio.gather(question.predicted(who), reply.get(None))
        real = truth(question.prop, text)
        return predicted(question.item, question.name, real, said, said.value == question.shown)

    async def drawn(self, question: Question, reply: Reply, subject: Subject, who: Subject) -> Prediction:
        """The row of drawn predictions beside drawn replies."""
        settings = {"max_tokens": self.max_tokens, "temperature": self.temperature}
        texts, said, greedy = await asyncio.gather(
            replies(question.item, subject, 2 * self.draws, **settings),
            question.drawn(who, self.draws, self.temperature),
            reply.get(None),
        )
        real = truth(question.prop, greedy)
        commonest = mode([one.value for one in said if one.value])
        one = Said(commonest, "answered" if commonest else "unreadable")
        row = predicted(question.item, question.name, real, one, commonest == question.shown)
        values = [truth(question.prop, text).value for text in texts]
        return compared(row, values, [one.value for one in said]) if real.value else row

    def names(self, item: Item) -> list[str]:
        """The properties that are asked about a request of this kind."""
        return [name for name in self.properties if PROPERTIES[name].choice == (kind_of(item) == CHOICE)]
