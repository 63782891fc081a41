"""Self-recognition after the Chirper study: does a model tell posts that it wrote from another author's?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from experiments.theory_of_mind.self_recognition.measures import picked
from experiments.theory_of_mind.self_recognition.prompts import TEXTS, Writer
from experiments.theory_of_mind.self_recognition.rows import BAG, READERS, Reader, Recognised
from experiments.theory_of_mind.self_recognition.rules import fit, length, pick, rule_score
from harness import (
    ArmedExperiment,
    Capability,
    Item,
    Metric,
    Part,
    Probability,
    Prompt,
    Score,
    Subject,
    metrics,
    option_mass,
    together,
)

OWN: metrics.Where = {"is_own": True, "copy": False}
OF_TWO: metrics.Where = {**OWN, "by": "question"}
COPIED: metrics.Where = {"is_own": True, "copy": True}
ODD_WORDS = ("teapot", "lantern", "walrus", "gravel", "trombone", "pretzel")


@dataclass(frozen=True, kw_only=True)
class SelfRecognition(ArmedExperiment[Reader, Mapping[str, float]]):
    """Models recognise posts that they wrote themselves, better than the text of the posts alone gives away.

    After Luo 2023, arXiv 2309.08614, a case study of accounts that are driven by models. Its prompts and formulas are
    not known to us: all prompts, stimuli and numbers here are our own.
    Item: account "@plain_pete", bio "You are practical and have no time for fine words. You run a hardware store.",
    topic "rainy days". The model writes a post of at most 40 tokens as this account, at temperature 1. A post of
    somebody else about the same topic stands beside it. The model is asked which of the two it wrote, in both orders,
    and of each alone whether it wrote it. Options are read as exact probabilities.

    Arms, on the same posts: the question to the model (self), to the model that is not told its account (no account),
    and to another model (other model); the mean log-probability of a token of the post, given account and topic
    (perplexity as written) or neither (perplexity); and rules: the longer and the shorter post, words shared with the
    bio, and a bag of words, fitted on posts about other topics. A model that does not beat all of these finds a text
    familiar, or fits it to its account. The copy checks ask whether a text is the post just written, word for word.
    With the writing in the conversation that compares two texts, and is a control.

    Foreign posts come from the part rival: as another account (the default) or as the same one; or they are lines made
    by rule. Where nobody plays the rival, the subject does. It writes as another account, so that an account is
    recognised and not a model, and the arms "self" and "other model" are the same.

    Left out of the study: false-belief tasks with an account, improvement by feedback, and which of all accounts wrote
    a post. Rewards and conflicts as in experiment influence.

    Attributes:
        foreign: who wrote the other post. The same account needs another model: +model@roles.rival.model=NAME
        max_tokens: cap on a post.
        training: items, about other topics, on which the bag of words is fitted.
    """

    arms: Sequence[str] = tuple(READERS)
    foreign: Literal["other account", "same account", "lines"] = "other account"
    max_tokens: Annotated[int, Ge(1)] = 40
    training: Annotated[int, Ge(2)] = 44

    all_arms: ClassVar = READERS
    texts: ClassVar = TEXTS
    item_fields: ClassVar = ("account", "bio", "topic", "other", "other_bio", "line")
    parts: ClassVar = {"rival": Part(capabilities=frozenset({"generate", "choose"}))}
    papers: ClassVar = ("luo2023chirper",)
    outcome: ClassVar = Recognised
    metrics: ClassVar = (
        Metric("auroc", metrics.auroc, ("score", "is_own"), where={"copy": False}),
        Metric("picks_own", picked, ("picks",), where=OWN),
        *metrics.mean_probabilities("p_pick_own", where=OF_TWO),
        *metrics.means("listed_first", where=OF_TWO),
        *metrics.mean_probabilities("pick_mass", where=OF_TWO),
        *metrics.means("hits_less_false_alarms", where=COPIED),
        *metrics.mean_probabilities("p_yes", by=("arm", "shown"), where={"by": "question"}),
        *metrics.mean_probabilities(option_mass="mass", where={"by": "question"}),
        *metrics.means("words", by=("shown",), where={"arm": "self"}),
    )
    gates: ClassVar = (
        option_mass("score", "p_yes", "hits_less_false_alarms"),
        option_mass("picks", "p_pick_own", metric="pick_mass"),
    )

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate", "choose", "score"})

    def needed_parts(self) -> Mapping[str, Part]:
        return {"rival": replace(self.parts["rival"], stand_in=self.foreign != "same account")}

    def train_items(self) -> int:
        return self.training if BAG in self.arms else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Mapping[str, float]:
        pairs = await together(self.begin(item, subject, {}) for item in train)
        return fit((post, own) for pair in pairs for post, own in zip(pair, (True, False), strict=True))

    async def begin(self, item: Item, subject: Subject, fitted: Mapping[str, float]) -> tuple[str, str]:
        """The account's own post, and somebody else's."""
        own = self.post(Writer.of(self.wording, item.fields), subject)
        if self.foreign == "lines":
            return await own, item.fields["line"]
        other = Writer.of(self.wording, item.fields, other=self.foreign == "other account")
        first, second = await together([own, self.post(other, subject.role("rival"))])
        return first, second

    async def post(self, writer: Writer, subject: Subject) -> str:
        """A post without the quotation marks around it; "" where the model wrote none."""
        reply = await subject.generate(writer.writing(), max_tokens=self.max_tokens, temperature=1.0, stop=("\n",))
        return reply.text.strip().strip('"“”').strip()

    async def ask(
        self, arm: Reader, common: tuple[str, str], item: Item, subject: Subject, fitted: Mapping[str, float]
    ) -> list[Recognised]:
        texts = dict(zip(("own", "foreign"), common, strict=True))
        if arm.copy:
            texts["own with an odd word"] = with_odd_word(common[0], subject)
        name = item.fields["account"] or "none"
        rows = [
            Recognised(account=name, shown=shown, is_own=shown == "own", words=length(text))  # type: ignore[arg-type]
            for shown, text in texts.items()
        ]
        if not all(map(length, common)):
            return [replace(row, reason="a post has no words") for row in rows]
        writer, reader = Writer.of(self.wording, item.fields), subject.role("rival") if arm.other else subject
        if arm.by == "question":
            asking = writer if arm.told or arm.copy else writer.without_account()
            return await self.asked(arm, asking, reader, rows, list(texts.values()))
        bio = item.fields["bio"]
        if arm.by == "rule":
            scores = [rule_score(arm.rule, text, bio, fitted) for text in common]
        else:
            prompt = writer.writing() if arm.told else Prompt.user(self.text("write_anything"), self.text("post"))
            read = await together(subject.score(prompt, f" {text}") for text in common)
            scores = [one.logprob / len(one.tokens) for one in read]
        rows = [replace(row, score=Score(score)) for row, score in zip(rows, scores, strict=True)]
        return [replace(rows[0], picks=pick(*scores)), rows[1]]

    async def asked(
        self, arm: Reader, writer: Writer, reader: Subject, rows: Sequence[Recognised], texts: Sequence[str]
    ) -> list[Recognised]:
        """The rows of the question whether the reader wrote a post, or of the copy check."""
        if arm.copy:
            choices = await together(writer.copied(reader, texts[0], text, history=arm.told) for text in texts)
        else:
            choices = await together(writer.wrote(reader, text) for text in texts)
        yes = [choice.p["yes"] for choice in choices]
        found = [
            replace(row, reader=reader.model, score=Score(p), p_yes=Probability(p), mass=Probability(choice.mass))
            for row, p, choice in zip(rows, yes, choices, strict=True)
        ]
        if arm.copy:
            said, *alarms = (p > 0.5 for p in yes)
            return [replace(found[0], hits_less_false_alarms=said - fmean(alarms)), *found[1:]]
        two = await writer.which(reader, *texts)
        p, choice = Probability(two.p["own"]), pick(two.p["own"], two.p["foreign"])
        mass = Probability(two.mass)
        first = replace(found[0], p_pick_own=p, pick_mass=mass, listed_first=two.listed_first, picks=choice)
        return [first, *found[1:]]


def with_odd_word(text: str, subject: Subject) -> str:
    """A text with one word more that does not belong into it."""
    rng, said = subject.random("odd word"), text.split(" ")
    at = rng.randrange(1, len(said) + 1)
    return " ".join([*said[:at], rng.choice(ODD_WORDS), *said[at:]])
