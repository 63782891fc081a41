"""Reads items from a set on the Hugging Face hub or from a local file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from harness.errors import HarnessError
from harness.tasks.base import Task
from harness.tasks.hub_sets import UNKNOWN, licence, read_hub
from harness.tasks.rows import Made, ReadItems, Row, Rows, files_in, make_items, read_file


@dataclass(frozen=True, kw_only=True)
class HubTask(Task):
    """A task over rows. A subclass says in `item` how a row becomes an item.

    A subclass may set class attributes: `release` (where the authors' files are), `licence` (of the data, as the
    release names it) and `files` (patterns of the files to read in a folder that `path` names).

    Attributes:
        hub: id of the set on the hub, or a local folder in the hub's layout (test.jsonl, data/train-00000.parquet);
            "" for a set that is not on the hub.
        config: its configuration (subset), if it has several.
        split: the split under test.
        train_split: the split of the training items; None takes them from the pool.
        revision: commit, tag or branch on the hub; None is the newest. The manifest names the commit that was read.
        path: a local file instead of the hub (JSONL, JSON, CSV, TSV, Parquet); the folder of a set of several files.
        train_path: a local file of training items.
        max_broken: share of broken rows that are left out; with more of them the set is refused. One broken row is
            let pass in a set of any size, with 0 none.
    """

    release: ClassVar[str] = ""
    licence: ClassVar[str] = ""
    files: ClassVar[Sequence[str]] = ()
    hub: str
    config: str | None = None
    split: str = "test"
    train_split: str | None = None
    revision: str | None = None
    path: str | None = None
    train_path: str | None = None
    max_broken: float = 0.05
    duplicates: Literal["error", "drop"] = "drop"

    @abstractmethod
    def item(self, row: Row) -> Made:
        """The item of a row, several of a row with several questions, None to pass the row over.

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

    def read(self, path: Path) -> Rows:
        """The rows of a local file."""
        return read_file(path)

    def load(self) -> ReadItems:
        if self.path:
            return self._local(self.path)
        if not self.hub:
            where = f" ({self._published()})" if self.release else ""
            raise HarnessError(f"task {self.name!r}: give task.path=FILE or task.hub=ORG/NAME{where}")
        return self.items(read_hub(self.hub, self.config, self.split, self.revision))

    def _local(self, path: str) -> ReadItems:
        return ReadItems.joined([self.items(self.read(file)) for file in files_in(path, self.files)])

    def load_train(self) -> ReadItems | None:
        # A local test file is not mixed with the hub's training split: they may be of different editions.
        if self.train_path:
            return self._local(self.train_path)
        if self.path or not self.train_split:
            return None
        return self.items(read_hub(self.hub, self.config, self.train_split, self.revision))

    def source(self) -> str:
        if not self.path and self.hub:
            named = licence(self.hub, self.revision)
            return f"data set {self.hub}, licence {self.licence if named == UNKNOWN and self.licence else named}"
        place = f"file {self.path}" if self.path else "a file of yours (task.path)"
        return f"{place}; {self._published()}" if self.release else place

    def _published(self) -> str:
        return f"the set is published at {self.release}, licence {self.licence or UNKNOWN}"
