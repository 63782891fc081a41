"""What an experiment is: a protocol over items, the columns it returns, and the metrics and figures over them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from harness.calls.calls import Capability
from harness.figures import Figure
from harness.items import Item
from harness.metrics.metric import Metric
from harness.outcomes import Outcome
from harness.subject.subject import Subject


class Experiment(ABC):
    """Base class: make a frozen dataclass of it, whose fields are the experiment's settings.

    The class docstring opens with the claim under test, the paper, and one real item.
    `protocol` awaits nothing but its subject and takes random numbers only from `subject.rng`, before it lets several
    questions run at once, so that repeating it against the store gives the same outcome in whatever order answers come.
    """

    outcome: ClassVar[type[Outcome]]
    metrics: ClassVar[tuple[Metric, ...]]
    figures: ClassVar[tuple[Figure, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ("question",)
    """Item fields that the protocol reads; a task without them is refused."""

    def asks(self) -> frozenset[Capability]:
        """What the subject's engine must be able to do; one that cannot is refused before it is loaded."""
        return frozenset({"generate", "choose"})

    def train_items(self) -> int:
        """How many items `prepare` wants; they are proven disjoint from the test items."""
        return 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Any:
        """Fits whatever the protocol needs on training items (few-shot blocks, probes); None by default."""
        return None

    @abstractmethod
    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Outcome | Sequence[Outcome]:
        """Asks the subject about one item and returns its row, or one row per arm."""
