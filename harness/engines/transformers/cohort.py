"""A cohort: unfinished texts that are decoded together, in one window of keys and values that rows join and leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engines.transformers.decoding import Draft

if TYPE_CHECKING:
    from harness.engines.transformers.keys_values import Layout, Window


class Cohort:
    """Unfinished texts that are decoded together; `window` holds everything but their last token."""

    def __init__(self, layout: Layout, width: int) -> None:
        self._layout = layout
        self._width = width
        self.drafts: list[Draft] = []
        self.window: Window | None = None

    @property
    def width(self) -> int:
        """Columns that the longest of them may come to need."""
        return max((draft.width for draft in self.drafts), default=self._width)

    @property
    def size(self) -> int:
        """Texts in it."""
        return len(self.drafts)

    def make_room(self, rows: int, length: int, width: int) -> None:
        """Makes sure that some more rows can join and everybody can have another token. May run out of memory.

        Args:
            length, width: of the longest that will join, now and at its end.
        """
        from harness.engines.transformers.keys_values import Window

        self._trim()
        old, rows = self.window, len(self.drafts) + rows
        if old is not None and rows <= old.capacity and length <= old.end < old.columns:
            return
        length = max(length, *(draft.length - 1 for draft in self.drafts), 0)
        width = max(width, *(draft.width for draft in self.drafts), 0)
        capacity = rows if old is None or rows <= old.capacity else max(rows, 3 * old.capacity // 2)
        # Half a width to spare: the rows are moved back to the left only once in so many steps.
        new = Window(self._layout, max(capacity, old.capacity if old else 0), width + width // 2)
        new.rows, new.end = len(self.drafts), length
        if old is not None and self.drafts:
            n = length - (old.end - old.begin)
            for given, own in zip(old.planes, new.planes, strict=True):
                own[:, : old.rows, :, n:length] = given[:, : old.rows, :, old.begin : old.end]
        self.window = new
        self._trim()

    def join(self, draft: Draft, source: Window, row: int) -> None:
        """Takes a row over from the window in which it was read. Needs room made before."""
        assert self.window is not None
        n = draft.length - 1
        self.window.put(len(self.drafts), source.take(row, source.end - n, source.end), self.window.end)
        self.window.begin = min(self.window.begin, self.window.end - n) if self.drafts else self.window.end - n
        self.drafts.append(draft)
        self.window.rows = len(self.drafts)

    def leave(self, row: int) -> None:
        """Drops a row; the last one takes its place."""
        assert self.window is not None
        last = self.drafts.pop()
        if row < len(self.drafts):
            self.drafts[row] = last
            first, end = self.window.begin, self.window.end
            self.window.put(row, self.window.take(len(self.drafts), first, end), end)
        self.window.rows = len(self.drafts)

    def _trim(self) -> None:
        """Leaves out the columns that are padding in every row."""
        if self.window is not None and self.drafts:
            self.window.begin = self.window.end - max(draft.length - 1 for draft in self.drafts)
