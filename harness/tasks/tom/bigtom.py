"""BigToM: beliefs and actions of somebody who did or did not see a change (Gandhi et al. 2023, arXiv 2306.15448)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, get_args

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.hub import HubTask
from harness.tasks.rows import ReadItems, Row, Rows, read_file
from harness.tasks.tom.questions import about_story, shuffled, story_name
from harness.tasks.tom.released import letter_bigtom

COLUMNS = (
    *("story", "aware", "unaware", "act if aware", "act if unaware", "belief question", "desire question"),
    *("action question", "belief if aware", "desire if aware", "action if aware", "belief if unaware"),
    *("desire if unaware", "action if unaware", "random event", "aware of random event", "unaware of random event"),
    *("origin", "number"),
)
"""The columns of the release's file, which has no header."""

Ability = Literal["forward belief", "forward action", "backward belief"]
Condition = Literal["true belief", "false belief", "true control", "false control"]
InitialBelief = Literal["hidden", "shown"]
_SENTENCES = 5


@dataclass(frozen=True, kw_only=True)
class BigToM(HubTask):
    """Questions with two options, assembled from templates as the release's `generate_conditions` does.

    Not known to be on the hub. `path` names data/bigtom/bigtom.csv of github.com/cicl-stanford/procedural-evals-tom
    (200 templates; separated by ";", without a header), or a folder with it. Licence: MIT.

    A template is a story of five sentences (setting, desire, percept, belief, an event that makes the belief wrong)
    and sentences that continue it. Forward belief and forward action tell whether the person sees the event, and ask
    what the person believes or will do. Backward belief tells what the person does, and asks for the belief. In a
    control, an event without bearing takes the place of the first, so that the first belief stays right whether it is
    seen or not. The two controls of backward belief are the same text in the release: here they are one, the "true
    control".

    Fields: "ability", "condition" (true or false belief, true or false control), "initial_belief" ("hidden": without
    the fourth sentence, which states the belief; "shown"). Group: the template. Unit: the true-belief and the
    false-belief item of one template and question, or its controls. A constant answer has never both items of a pair
    right, because the order of the options depends on the template alone.

    Left out: percept to belief, where the release's key names the belief after the event, of which its story does not
    tell; desires, of which many templates have equal options.

    Attributes:
        abilities: what is asked: forward belief, forward action, backward belief.
        conditions: how the story goes on: true belief, false belief, true control, false control.
        initial_belief: whether the story states the belief at the start: hidden, shown, or both.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "github.com/cicl-stanford/procedural-evals-tom (data/bigtom/bigtom.csv)"
    licence: ClassVar[str] = "MIT"
    files: ClassVar[Sequence[str]] = ("bigtom.csv", "bigtom/bigtom.csv", "data/bigtom/bigtom.csv")
    name: str = "bigtom"
    hub: str = ""
    abilities: Sequence[Ability] = get_args(Ability)
    conditions: Sequence[Condition] = get_args(Condition)
    initial_belief: Sequence[InitialBelief] = ("hidden",)

    def load(self) -> ReadItems:
        for name, given, known in (
            ("abilities", self.abilities, get_args(Ability)),
            ("conditions", self.conditions, get_args(Condition)),
            ("initial_belief", self.initial_belief, get_args(InitialBelief)),
        ):
            if not given or not set(given) <= set(known):
                raise HarnessError(f"task.{name}={list(given)}: give some of {', '.join(known)}")
        return super().load()

    def read(self, path: Path) -> Rows:
        return read_file(path, columns=COLUMNS, separator=";")

    def item(self, row: Row) -> list[Item]:
        return list(self._items(row))

    def _items(self, row: Row) -> Iterator[Item]:
        sentences = [sentence(part) for part in row.text("story").split(". ")]
        if len(sentences) != _SENTENCES:
            raise row.broken(f"the story has {len(sentences)} sentences; want {_SENTENCES}")
        for shown in self.initial_belief:
            start = sentences[: 4 if shown == "shown" else 3]
            for ability in self.abilities:
                for condition in self.conditions:
                    if (ability, condition) != ("backward belief", "false control"):
                        yield self._item(
                            row, start, event=sentences[4], ability=ability, condition=condition, shown=shown
                        )

    def _item(
        self,
        row: Row,
        start: Sequence[str],
        *,
        event: str,
        ability: Ability,
        condition: Condition,
        shown: InitialBelief,
    ) -> Item:
        control = condition.endswith("control")
        knows = "aware" if condition == "true belief" else "unaware"
        happens = sentence(row.text("random event")) if control else event
        if ability == "backward belief":
            last = row.text(f"act if {knows}")
        elif control:
            last = row.text("aware of random event" if condition == "true control" else "unaware of random event")
        else:
            last = row.text(knows)
        answer = "action" if ability == "forward action" else "belief"
        options = [row.text(f"{answer} if aware"), row.text(f"{answer} if unaware")]
        group = story_name(row.text("story"))
        choices, right = shuffled(options, 0 if knows == "aware" else 1, f"{group} {answer}")
        return about_story(
            row.where,
            story=" ".join([*start, happens, sentence(last)]),
            asked=row.text(f"{answer} question"),
            choices=choices,
            right=right,
            group=group,
            ability=ability,
            condition=condition,
            order=1 if answer == "belief" else None,
            unit=f"{group} {ability} {'control' if control else 'belief'} {shown}",
            more={"initial_belief": shown},
            released=letter_bigtom,
        )


def sentence(text: str) -> str:
    """The text with a full stop at its end, if it has no mark there."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", '"')) else f"{text}."
