"""The arms of the experiment, and the row of one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from experiments.theory_of_mind.first_person.stories import Person
from harness import Arm, GradedAnswer, Probability


@dataclass(frozen=True, kw_only=True)
class Telling(Arm):
    """The story that is told, to whom, and the arm that its answers are set against.

    Attributes:
        person: who is "you".
        domain: beliefs, or what needs no mind to be read: facts about places, and sums.
        shows: the story before the question: its own, none, or another family's.
        against: "third person" sets each answer against that to the same question in the third person, at equal order;
            "second order" sets the paper's conversion against the second-order question that it was made of.
        rule: a rule of `rules.RULES` that answers in the model's place; "none" asks the model.
    """

    person: Person = "third"
    domain: Literal["belief", "facts", "arithmetic"] = "belief"
    shows: Literal["own", "none", "other"] = "own"
    against: Literal["nothing", "third person", "second order"] = "nothing"
    rule: str = "none"


ARMS = {
    "third": Telling(),
    "first": Telling(person="first", against="third person"),
    "bystander you": Telling(person="bystander", against="third person"),
    "paper's conversion": Telling(person="converted", against="second order"),
    "facts third": Telling(domain="facts"),
    "facts you": Telling(domain="facts", person="first", against="third person"),
    "arithmetic third": Telling(domain="arithmetic"),
    "arithmetic you": Telling(domain="arithmetic", person="first", against="third person"),
    "no story": Telling(shows="none"),
    "no story first": Telling(shows="none", person="first", against="third person"),
    "shuffled story": Telling(shows="other"),
}


@dataclass(frozen=True, kw_only=True)
class Answered(GradedAnswer):
    """One answer to one question.

    Attributes:
        condition: of the story, see `stories`; the kind of a fact or a sum.
        order: how many minds deep the question goes as it is asked, 0 to 2; from_order: the order of the question in
            the third person that it was made of. They differ in the paper's conversion alone.
        gold: the right option.
        p_gold: probability of the right option given that one of the three is said.
        mass: probability that any of them is said.
        listed_first: share of the rotations in which the option that is listed first is the most probable one, in
            [0, 1]; without an effect of position it is 1/3.
        correct_third: whether the question that it was made of is answered rightly in the third person, on the same
            story; None in arms that are set against nothing.
    """

    condition: str
    order: int
    from_order: int
    gold: str
    p_gold: Probability | None = None
    mass: Probability | None = None
    listed_first: float | None = None
    correct_third: bool | None = None
