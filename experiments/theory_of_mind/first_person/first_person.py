"""First-person stories: does a model read minds better when it is told that one of them is its own?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

from experiments.shared.rotations import in_all_rotations
from experiments.theory_of_mind.first_person.rows import ARMS, Answered, Telling
from experiments.theory_of_mind.first_person.rules import RULES
from experiments.theory_of_mind.sentences import listing
from harness import ArmedExperiment, Bars, Choice, Item, Metric, Probability, Prompt, Subject, metrics, option_mass
from harness.arms import Shared, together
from harness.calls.calls import Capability

BY_ORDER, PAIR = ("arm", "order"), ("correct_third", "correct")
EQUAL: metrics.Where = {"against": "third person"}
LOWERED: metrics.Where = {"against": "second order"}
ASKED: metrics.Where = {"rule": "none"}


class Question(NamedTuple):
    """A question of an item: the number of its probe, and the story that is shown before it."""

    probe: int
    shows: str


@dataclass(frozen=True, kw_only=True)
class FirstPerson(ArmedExperiment[Telling, None]):
    """Claim: models follow a false belief better where it is their own ("you") than where it is somebody else's.

    Hou et al. 2024, "EgoSocialArena", arXiv 2410.06195; stories of our own.
    Item: a family of stories, among them "Ariel, Wren and Kai were in the attic, where there were three closed
    containers: a box, a bag and a jar. [...] Wren put the ring in the box. Kai hummed a tune. Ariel left the room.
    Wren moved the ring into the bag." "Where will Ariel look for the ring?" (box); first person: "You, Wren and Kai
    [...]", "Where will you look for the ring?".

    Arms at equal order, in which nothing but a pronoun differs: third; first ("you" are asked about); bystander you
    ("you" are Kai, and Ariel is asked about). Without minds, by name and as "you": facts (where one person put a thing
    first or last, in the words of the stories) and arithmetic (sums in words). The person effect is
    D = accuracy(this person) - accuracy(third), paired by story and question.
    The arm "paper's conversion" makes the outer mind of a second-order question "you" ("Where does Wren think Ariel
    will look?" becomes "Where do you think Ariel will look?"). It lowers the order, so that its gain
    (conversion_gain) is no effect of the person.
    Controls: no story; shuffled story (of another family); rules without any idea of minds, on the same rows.

    Options are read by exact probability in all three rotations of their list, which holds every swap of places.
    Differs from the paper: no system message that announces an event "related to you", no free answers, no options in
    the first person ("I am happy"), and no questions about feelings. A reader of the first person is told of moves that
    "you" did not see; the question is about "you" in the story, as in the paper.
    """

    arms: Sequence[str] = (*ARMS, *(f"rule: {rule}" for rule in RULES))

    all_arms: ClassVar = {**ARMS, **{f"rule: {rule}": Telling(rule=rule) for rule in RULES}}
    texts: ClassVar = {
        "question": "$story\n\n$question\nAnswer with one of these: $options.",
        "no_story": "$question\nAnswer with one of these: $options.",
    }
    papers: ClassVar = ("hou2024egosocialarena",)
    outcome: ClassVar = Answered
    item_fields: ClassVar = ("probes", "other_story")
    metrics: ClassVar = (
        *metrics.each(("correct",), metrics.accuracy),
        *metrics.each(("correct",), metrics.accuracy, suffix="_by_order", by=BY_ORDER),
        *metrics.each(("correct",), metrics.accuracy, suffix="_by_condition", by=(*BY_ORDER, "condition")),
        Metric("person_effect", metrics.delta, PAIR, BY_ORDER, EQUAL),
        Metric("conversion_gain", metrics.delta, PAIR, BY_ORDER, LOWERED),
        *metrics.mean_probabilities("p_gold", suffix="_by_order", by=BY_ORDER, where=ASKED),
        *metrics.means("listed_first", where=ASKED),
        *metrics.mean_probabilities(option_mass="mass", where=ASKED),
    )
    gates: ClassVar = (option_mass("correct", "correct_third", "p_gold", "listed_first"),)
    figures: ClassVar = (
        Bars("correct", by="order", where={"domain": "belief", "rule": "none"}),
        Bars("correct", by="condition", where={"order": 1, "rule": "none"}),
    )

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"choose"} if any(arm.rule == "none" for arm in self.chosen.values()) else ())

    async def begin(self, item: Item, subject: Subject, fitted: None) -> Shared[Question, Answered]:
        return Shared(lambda question: self.answer(item, question, subject))

    async def ask(
        self, arm: Telling, common: Shared[Question, Answered], item: Item, subject: Subject, fitted: None
    ) -> list[Answered]:
        probes: Sequence[Mapping[str, Any]] = item.fields["probes"]
        wanted = (arm.domain, arm.person)
        mine = [n for n, fields in enumerate(probes) if (fields["domain"], fields["person"]) == wanted]
        if arm.rule != "none":
            return [row_of(probes[n], item.gold[n], RULES[arm.rule](probes[n])) for n in mine]
        rows = await together(common.get(Question(n, arm.shows)) for n in mine)
        if arm.against == "nothing":
            return rows
        made_of = {key(fields, fields["order"]): n for n, fields in enumerate(probes) if fields["person"] == "third"}
        before = [made_of[key(probes[n], probes[n]["from_order"])] for n in mine]
        thirds = await together(common.get(Question(n, arm.shows)) for n in before)
        return [replace(row, correct_third=third.correct) for row, third in zip(rows, thirds, strict=True)]

    async def answer(self, item: Item, question: Question, subject: Subject) -> Answered:
        """The most probable option of a question, by the mean over all rotations of the options."""
        fields, gold = item.fields["probes"][question.probe], item.gold[question.probe]
        told = {"own": fields["story"], "other": item.fields["other_story"], "none": ""}[question.shows]
        forms = {option: [f" {option}"] for option in fields["options"]}

        async def ask(order: Sequence[str]) -> Choice:
            values = {"question": fields["question"], "options": listing(order, "or")}
            text = self.text("question", story=told, **values) if told else self.text("no_story", **values)
            return await subject.choose(Prompt.user(text, fields["stem"]), forms)

        read = await in_all_rotations(fields["options"], ask)
        return replace(
            row_of(fields, gold, read.best),
            p_gold=Probability(read.p[gold]),
            mass=Probability(read.mass),
            listed_first=read.listed_first,
        )


def key(fields: Mapping[str, Any], order: int) -> tuple[str, str, int]:
    """Domain, condition and order: a question in the third person has no other one with the same."""
    return fields["domain"], fields["condition"], order


def row_of(fields: Mapping[str, Any], gold: str, answer: str) -> Answered:
    """The row of an answer, as far as a rule has it, too."""
    told = {name: fields[name] for name in ("condition", "order", "from_order")}
    return Answered(**told, gold=gold, answer=answer, correct=answer == gold, fate="answered")
