"""Defines an experiment: a protocol over items, the columns it returns, and the metrics and figures over them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic

from typing_extensions import TypeVar

from harness.calls.calls import Capability
from harness.figures import Figure
from harness.items import Item
from harness.metrics.metric import Metric
from harness.outcomes import ItemResult, Kind, Outcome, Table, column_kinds
from harness.prompting.wording import fill, filled_in
from harness.statistics.gates import Gate
from harness.subject.subject import Subject

Fitted = TypeVar("Fitted", default=Any)
"""The type of the fit: `prepare` returns it and `protocol` takes it."""


@dataclass(frozen=True, slots=True)
class Part:
    """Another model that a protocol asks: a judge, a rival, a critic.

    Attributes:
        capabilities: the capabilities that its engine needs.
        stand_in: whether the subject plays the part when the config names nobody. The run says so.
        several: whether several models may play it at once.
    """

    capabilities: frozenset[Capability] = frozenset({"generate"})
    stand_in: bool = True
    several: bool = False


@dataclass(frozen=True, kw_only=True)
class Experiment(ABC, Generic[Fitted]):
    """Base class: make a frozen, keyword-only dataclass of it, whose fields are the experiment's settings.

    The class docstring opens with the claim under test, the paper, and one real item.
    `protocol` awaits only its subject and takes random numbers only from `subject.random(name)`. A replay against the
    store then gives the same outcome in any order of the answers.

    Attributes:
        wording: fixed texts of the protocol by name, as `string.Template`s. They replace texts of the same name in the
            class attribute `texts`.
        fitted: directory of a run whose fit is used in place of `prepare`; no training items are then needed.

    Raises:
        HarnessError: a text that the protocol does not have, or one with a placeholder that it does not fill.
    """

    wording: Mapping[str, str] = field(default_factory=dict)
    fitted: Path | None = None

    papers: ClassVar[tuple[str, ...]] = ()
    """The papers that the protocol follows: keys of the nearest references.bib, in the folder of its file or above."""
    texts: ClassVar[Mapping[str, str]] = {}
    outcome: ClassVar[type[Outcome]]
    metrics: ClassVar[tuple[Metric, ...]]
    figures: ClassVar[tuple[Figure, ...]] = ()
    parts: ClassVar[Mapping[str, Part]] = {}
    """The other models that the protocol asks, by the names under which `subject.role` and the config know them."""
    item_fields: ClassVar[tuple[str, ...]] = ("question",)
    """Item fields that the protocol reads; a task without them is refused."""
    gates: ClassVar[tuple[Gate, ...]] = ()
    """Conditions for verdicts that rest on certain columns, such as `option_mass()` for probabilities."""

    @classmethod
    def columns(cls) -> dict[str, Kind]:
        """The kind of every column that metrics and figures may read."""
        return {"item": "text", "group": "text", "error": "text", **column_kinds(cls.outcome)}

    def __post_init__(self) -> None:
        object.__setattr__(self, "wording", filled_in(self.wording, self.texts, "experiment.wording"))

    def text(self, name: str, **values: object) -> str:
        """A fixed text of the protocol with its placeholders filled."""
        return fill(self.wording[name], values)

    def capabilities(self) -> frozenset[Capability]:
        """The capabilities that the subject's engine needs; an engine without them is refused before it is loaded."""
        return frozenset({"generate", "choose"})

    def needed_parts(self) -> Mapping[str, Part]:
        """The parts that are asked with the present settings; all by default."""
        return self.parts

    def train_items(self) -> int:
        """The number of items for `prepare`; the harness proves them disjoint from the test items."""
        return 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Fitted:
        """Fits on training items what the protocol needs (few-shot blocks, probes); None by default.

        The run keeps the result (`harness.runs.fitted`). Return numbers, texts, `Array`s, and tuples, mappings and
        dataclasses of these, and declare the return type, so that another run can read it.
        """
        return None  # type: ignore[return-value]

    @abstractmethod
    async def protocol(self, item: Item, subject: Subject, fitted: Fitted) -> Outcome | Sequence[Outcome]:
        """Asks the subject about one item and returns its row, or one row per arm."""

    def table(self, results: Sequence[ItemResult]) -> Table:
        """The outcomes of all items as columns."""
        return Table.build(self.outcome, results)
