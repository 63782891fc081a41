"""Multiple choice about stories: is the model better than rules that know nothing of minds?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from experiments.shared.rotations import in_all_rotations, movable
from experiments.theory_of_mind.rules import RULES
from experiments.theory_of_mind.tom_choice.rows import METRICS, Chosen, chosen, right_option
from harness import (
    Arm,
    ArmedExperiment,
    Bars,
    Capability,
    Choice,
    Item,
    Probability,
    Prompt,
    Subject,
    graded,
    letter,
    option_mass,
)
from harness.tasks.choices import LETTERS, lettered


@dataclass(frozen=True, kw_only=True)
class Asked(Arm):
    """How a question is asked.

    Attributes:
        exact: read as the exact probability of each letter, and not from a short text.
        told: the story before the question: its own, none, or another item's.
        turned: the options are listed from the last to the first.
        rule: a rule of `rules.RULES` that answers in the model's place; "none" asks the model.
    """

    exact: bool = False
    told: Literal["own", "none", "other"] = "own"
    turned: bool = False
    rule: str = "none"


@dataclass(frozen=True, kw_only=True)
class TomChoice(ArmedExperiment[Asked, tuple[str, ...]]):
    """Models answer questions about what people in a story know, better than rules without any idea of minds.

    For any set in the form of `harness.tasks.tom.questions.about_story`: ToMBench (Chen et al. 2024), Hi-ToM (He et al.
    2023), BigToM (Gandhi et al. 2023), SimpleToM (Gu et al. 2024), FANToM (Kim et al. 2023), and stories made by rule.
    Item: "Where does Robin think that Kai thinks the key is?" after a story in which Kai has left before the key was
    moved; (A) box (B) jar (C) tin (D) vase (E) pot.

    Arms: options reads the letters' exact probabilities in rotations of the list, and takes the mean. free is a short
    text, with the options as the set lists them; the grader of the set's release grades it beside ours. In no story the
    question stands alone, in shuffled story after the story of a training item, in swapped options the list is turned
    round before it is rotated. Rules answer the same rows: by the length of an option, by its place in the list, and,
    where the set gives them, by the places in which a thing has been. The rule "paper" takes the last of these for
    orders 0 and 1 and the first for higher ones, which on Hi-ToM beats many models.

    A free answer that is cut, refused or unreadable is wrong. An option such as "none of the above" keeps its place:
    such a question is read once, and not with swapped options. A story that does not fit the context is an error of its
    item's row in the arms that tell it.

    Differs from the papers: one wording for all sets; letters by probability; no second model judges a free answer.

    Attributes:
        rotations: the most rotations of the options that are read, spread evenly from a random one on. A list that is
            longer leaves part of a preference for a letter in the numbers of single items.
        others: training items, which give shuffled story its stories.
        max_tokens: cap on a free answer; None takes the task's own.
    """

    arms: Sequence[str] = (
        *("options", "free", "no story", "shuffled story", "swapped options"),
        *(f"rule: {rule}" for rule in RULES),
    )
    rotations: Annotated[int, Ge(1)] = 5
    others: Annotated[int, Ge(1)] = 40
    max_tokens: Annotated[int, Ge(1)] | None = None

    all_arms: ClassVar = {
        "options": Asked(exact=True),
        "free": Asked(),
        "no story": Asked(exact=True, told="none"),
        "shuffled story": Asked(exact=True, told="other"),
        "swapped options": Asked(exact=True, turned=True),
        **{f"rule: {rule}": Asked(rule=rule) for rule in RULES},
    }
    texts: ClassVar = {
        "question": "Read the story and answer the question.\n\nStory: $story\n\nQuestion: $question\n\n"
        "Answer with the letter of one choice.",
        "no_story": "Answer the question.\n\nQuestion: $question\n\nAnswer with the letter of one choice.",
        "lead": "Answer:",
    }
    papers: ClassVar = ("he2023hitom", "gandhi2023bigtom", "kim2023fantom", "chen2024tombench", "lu2025tom")
    outcome: ClassVar = Chosen
    item_fields: ClassVar = ("story", "asked", "choices", "places", "ability", "condition", "order", "unit")
    metrics: ClassVar = METRICS
    gates: ClassVar = (option_mass("correct", "p_gold", "listed_first", "agreement"),)
    figures: ClassVar = (Bars("correct", by="order"), Bars("correct", by="ability"), Bars("correct", by="condition"))

    def capabilities(self) -> frozenset[Capability]:
        asked = [arm for arm in self.chosen.values() if arm.rule == "none"]
        return frozenset({"choose" if arm.exact else "generate" for arm in asked})

    def train_items(self) -> int:
        return self.others if any(arm.told == "other" for arm in self.chosen.values()) else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> tuple[str, ...]:
        """The stories of training items, each once."""
        return tuple(dict.fromkeys(str(item.fields["story"]) for item in train))

    async def ask(
        self, arm: Asked, common: None, item: Item, subject: Subject, fitted: tuple[str, ...]
    ) -> list[Chosen]:
        choices = [str(choice) for choice in item.fields["choices"]]
        if arm.rule != "none":
            said = RULES[arm.rule](item.fields, subject.random("rules"))
            return [] if said is None else [chosen(item, said)]
        story = subject.random("story").choice(fitted) if arm.told == "other" else item.fields["story"]

        def shown(order: Sequence[str]) -> Prompt:
            text = "no_story" if arm.told == "none" else "question"
            asked = self.text(text, story=story, question=lettered(item.fields["asked"], order))
            return Prompt.user(asked, self.text("lead"))

        if not arm.exact:
            return [await self.free_answer(item, shown(choices), subject)]
        return await self.chosen_option(arm, item, choices, shown, subject)

    async def chosen_option(
        self, arm: Asked, item: Item, choices: list[str], shown: Callable[[Sequence[str]], Prompt], subject: Subject
    ) -> list[Chosen]:
        """The most probable option, by the mean over rotations; no row where the list cannot be turned round."""
        free = movable(choices)
        if arm.turned and not free:
            return []
        listed = choices[::-1] if arm.turned else choices
        if self.rotations < len(listed) and free:
            start = subject.random("rotation").randrange(len(listed))
            listed = [*listed[start:], *listed[:start]]

        async def ask(order: Sequence[str]) -> Choice:
            letters = {option: LETTERS[at] for at, option in enumerate(order)}
            prompt = shown(order)
            return await letter(subject, prompt.messages, prompt.prefill, letters)

        read = await in_all_rotations(listed, ask, self.rotations if free else 1)
        return [
            replace(
                chosen(item, read.best),
                p_gold=Probability(read.p[right_option(item)]),
                mass=Probability(read.mass),
                listed_first=read.listed_first,
                agreement=read.agreement,
            )
        ]

    async def free_answer(self, item: Item, prompt: Prompt, subject: Subject) -> Chosen:
        """A short text, judged by the option that it names, and by the grader of the set's release."""
        reply = await subject.generate(prompt, max_tokens=self.max_tokens or item.form.max_tokens, stop=item.form.stop)
        given, choices = graded(item, reply), item.fields["choices"]
        said = str(choices[LETTERS.index(given.answer)]) if given.answer else ""
        row = replace(chosen(item, said, fate=given.fate), correct=given.correct)
        if said:
            row = replace(row, listed_first=float(said == choices[0]))
        if item.released is None:
            return row
        return replace(row, released=True, correct_released=bool(item.released(reply.text, item).correct))
