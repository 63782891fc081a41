"""Reads items from a set on the Hugging Face hub or from a local file."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from harness.items import Item
from harness.tasks.base import Task
from harness.tasks.hub_sets import licence, read_hub
from harness.tasks.rows import ReadItems, Row, Rows, make_items, read_file


@dataclass(frozen=True, kw_only=True)
class HubTask(Task):
    """A task over rows. A subclass says in `item` how a row becomes an item.

    Attributes:
        hub: id of the set on the hub, or a local folder in the hub's layout (test.jsonl, data/train-00000.parquet).
        config: its configuration (subset), if it has several.
        split: the split under test.
        train_split: the split of the training items; None takes them from the pool.
        revision: commit, tag or branch on the hub; None is the newest. The manifest names the commit that was read.
        path: a local file instead of the hub (JSONL, JSON, CSV, TSV, Parquet).
        train_path: a local file of training items.
        max_broken: share of broken rows that are left out; with more of them the set is refused. One broken row is
            let pass in a set of any size, with 0 none.
    """

    hub: str
    config: str | None = None
    split: str = "test"
    train_split: str | None = None
    revision: str | None = None
    path: str | None = None
    train_path: str | None = None
    max_broken: float = 0.05

    @abstractmethod
    def item(self, row: Row) -> Item | None:
        """The item of a row, None to pass the row over.

        Raises:
            HarnessError: a column is missing.
            BrokenRow: the row has no question or no answer, or is broken in another way.
        """

    def items(self, rows: Rows) -> ReadItems:
        """The items of the rows, in their order.

        Raises:
            HarnessError: a column is missing, or too many rows are broken.
        """
        return make_items(rows, self.item, self.max_broken)

    def load(self) -> ReadItems:
        if self.path:
            return self.items(read_file(self.path))
        return self.items(read_hub(self.hub, self.config, self.split, self.revision))

    def load_train(self) -> ReadItems | None:
        # A local test file is not mixed with the hub's training split: they may be of different editions.
        if self.train_path:
            return self.items(read_file(self.train_path))
        if self.path or not self.train_split:
            return None
        return self.items(read_hub(self.hub, self.config, self.train_split, self.revision))

    def source(self) -> str:
        if self.path:
            return f"file {self.path}"
        return f"data set {self.hub}, licence {licence(self.hub, self.revision)}"
