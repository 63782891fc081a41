"""Reads items from a set on the Hugging Face hub or from a local file."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from harness.items import Item
from harness.tasks.base import Task
from harness.tasks.rows import Rows, read_file, read_hub


@dataclass(frozen=True, kw_only=True)
class HubTask(Task):
    """A task over rows. A subclass says in `items` how rows become items.

    Attributes:
        hub: id of the set on the hub.
        config: its configuration (subset), if it has several.
        split: the split under test.
        train_split: the split of the training items; None takes them from the pool.
        revision: commit, tag or branch on the hub; None is the newest.
        path: a local file instead of the hub (JSONL, JSON, CSV, TSV, Parquet).
        train_path: a local file of training items.
    """

    hub: str
    config: str | None = None
    split: str = "test"
    train_split: str | None = None
    revision: str | None = None
    path: str | None = None
    train_path: str | None = None

    @abstractmethod
    def items(self, rows: Rows) -> list[Item]:
        """The items of the rows, in their order.

        Raises:
            HarnessError: a column or value is missing; the message names file and row.
        """

    def load(self) -> list[Item]:
        if self.path:
            return self.items(read_file(self.path))
        return self.items(read_hub(self.hub, self.config, self.split, self.revision))

    def load_train(self) -> list[Item] | None:
        # A local test file is not mixed with the hub's training split: they may be of different editions.
        if self.train_path:
            return self.items(read_file(self.train_path))
        if self.path or not self.train_split:
            return None
        return self.items(read_hub(self.hub, self.config, self.train_split, self.revision))
