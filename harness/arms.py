"""Asks the variants (arms) of a protocol side by side about every item. An arm that fails leaves the others intact."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Generic, TypeVar

from harness.errors import BaseHarnessError, HarnessError, ItemError, nearest
from harness.experiment import Experiment, Fitted
from harness.faults import fault_of
from harness.items import Item
from harness.outcomes import Failed, ItemResult, Kind, Outcome, Table, column_kinds, rows_of
from harness.subject.subject import Subject


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One variant of a protocol. A subclass names its factors as fields.

    Factors are texts, labels (bool) or numbers. They become outcome columns, so that metrics, claims and figures can
    select and group by them.
    """


A = TypeVar("A", bound=Arm)
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


async def together(questions: Iterable[Awaitable[T]]) -> list[T]:
    """Asks everything at once; gives the answers in the order of the questions."""
    return list(await asyncio.gather(*questions))


class Shared(Generic[K, T]):
    """Answers that several arms of an item share. Each is asked once, when the first arm wants it.

    An error reaches only the arms that wanted the answer. Answers that all arms need are better asked in `begin`.

    Args:
        ask: asks for the answer of a key.
    """

    def __init__(self, ask: Callable[[K], Awaitable[T]]) -> None:
        self._ask = ask
        self._asked: dict[K, asyncio.Future[T]] = {}

    async def get(self, key: K) -> T:
        """The answer of a key."""
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(self._ask(key))
        return await self._asked[key]


@dataclass(frozen=True, kw_only=True)
class ArmedExperiment(Experiment[Fitted], Generic[A, Fitted]):
    """An experiment whose arms are asked side by side about every item.

    An arm that cannot be asked about an item (a prompt that is too long) leaves a row with its error; the other arms of
    the item keep theirs.

    Attributes:
        arms: names of the arms that run; the class attribute `all_arms` lists them all.

    Raises:
        HarnessError: no arm, one that does not exist, or one that is named twice.
    """

    arms: Sequence[str] = ()

    all_arms: ClassVar[Mapping[str, Arm]]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.arms:
            raise HarnessError(f"experiment.arms is empty; choose among {', '.join(self.all_arms)}")
        for name in self.arms:
            if name not in self.all_arms:
                raise HarnessError(f"experiment.arms: there is no arm {name!r}{nearest(name, self.all_arms)}")
            if list(self.arms).count(name) > 1:
                raise HarnessError(f"experiment.arms: {name!r} is named twice")

    @property
    def chosen(self) -> dict[str, A]:
        """The arms that run, by name."""
        return {name: self.all_arms[name] for name in self.arms}  # type: ignore[misc]

    async def begin(self, item: Item, subject: Subject, fitted: Fitted) -> Any:
        """Asks, once, the calls that all arms of an item share (the first answers)."""
        return None

    @abstractmethod
    async def ask(
        self, arm: A, common: Any, item: Item, subject: Subject, fitted: Fitted
    ) -> Outcome | Sequence[Outcome]:
        """Asks about one item in one arm; the rows are labelled with the arm's name afterwards."""

    async def protocol(self, item: Item, subject: Subject, fitted: Fitted) -> list[Outcome]:
        common = await self.begin(item, subject, fitted)

        async def one(name: str, arm: A) -> list[Outcome]:
            try:
                rows = rows_of(await self.ask(arm, common, item, subject, fitted), self.outcome)
            except ItemError as error:
                return [Failed(arm=name, error=str(error))]
            except BaseHarnessError:
                raise
            except Exception as error:  # as in the runner: one arm that trips must not take the others with it
                fault = fault_of(error)
                return [Failed(arm=name, error=fault.text, fault=fault.place)]
            return [row.labelled(name) for row in rows]

        return [row for rows in await together(one(*arm) for arm in self.chosen.items()) for row in rows]

    @classmethod
    def factor_kinds(cls) -> dict[str, Kind]:
        """The kind of each factor column.

        Raises:
            TypeError: a factor has a type that is no column type, or the name of an outcome column.
        """
        kinds = column_kinds(type(next(iter(cls.all_arms.values()))))
        if twice := kinds.keys() & column_kinds(cls.outcome).keys():
            raise TypeError(f"{cls.__name__}: factor and outcome column have the same name: {', '.join(sorted(twice))}")
        return kinds

    @classmethod
    def columns(cls) -> dict[str, Kind]:
        return {**super().columns(), **cls.factor_kinds()}

    def table(self, results: Sequence[ItemResult]) -> Table:
        factors = {name: asdict(arm) for name, arm in self.all_arms.items()}
        return Table.build(self.outcome, results, factors, self.factor_kinds())
