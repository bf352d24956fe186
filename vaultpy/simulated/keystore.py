"""A keystore in memory: behaves as the real ones do, and forgets everything with the process."""

from __future__ import annotations

from typing import Generic, TypeVar

Text = TypeVar("Text")


class MemoryKeystore(Generic[Text]):
    """Items by name; `Text` is whatever type the program keeps its secrets in.

    While `failure` is set, every method raises it: a keystore that is locked or missing. `asked` counts the
    calls, failed ones included: whether a program opened its keystore at all.
    """

    def __init__(self, name: str = "system", failure: Exception | None = None) -> None:
        self.name = name
        self.file = ""
        self.failure = failure
        self.asked = 0
        self._items: dict[str, Text] = {}

    def get(self, item: str) -> Text | None:
        """Return the text of `item`, or None if there is none."""
        return self._answering().get(item)

    def set(self, item: str, text: Text) -> None:
        """Store `text` under `item`, in place of what was there."""
        self._answering()[item] = text

    def delete(self, item: str) -> None:
        """Remove `item`; a missing one is no error."""
        self._answering().pop(item, None)

    def _answering(self) -> dict[str, Text]:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return self._items
