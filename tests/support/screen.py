"""What a terminal of a given size shows of the bytes that a program wrote to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyte

if TYPE_CHECKING:
    from pyte.screens import Char


class Run(NamedTuple):
    """Neighbouring characters of one look, from `column` on; `colour` is a name of pyte's.

    A wide character, and one with accents apart, ends its run.
    """

    column: int
    text: str
    colour: str
    bold: bool


class Screen:
    """A screen of `columns`, as high as what is written to it."""

    def __init__(self, output: str, columns: int, rows: int = 400) -> None:
        """Draw `output`, carriage returns included, as a pseudo-terminal has it."""
        self.columns = columns
        self._screen = pyte.Screen(columns, rows)
        pyte.Stream(self._screen).feed(output)
        height = 1 + max((row for row, text in enumerate(self._screen.display) if text.strip()), default=-1)
        self._cells = [self._row(row) for row in range(height)]

    def _row(self, row: int) -> list[Char]:
        line = self._screen.buffer[row]
        return [line[column] for column in range(self.columns)]

    @property
    def lines(self) -> list[str]:
        """The rows from the top to the last with anything on it."""
        return ["".join(cell.data for cell in row).rstrip() for row in self._cells]

    def runs(self, row: int) -> list[Run]:
        """Return what stands in a row, spaces at its end left out."""
        found: list[Run] = []
        for column, cell in enumerate(self._cells[row]):
            last = found[-1] if found else None
            if not cell.data:  # the right half of a wide character
                continue
            goes_on = last is not None and last.column + len(last.text) == column
            if last is not None and goes_on and (last.colour, last.bold) == (cell.fg, cell.bold):
                found[-1] = last._replace(text=last.text + cell.data)
            else:
                found.append(Run(column, cell.data, cell.fg, cell.bold))
        while found and not found[-1].text.strip():
            found.pop()
        return found

    def column_of(self, text: str, row: int) -> int:
        """Return where `text`, of plain characters, begins in a row; raises ValueError where it is not."""
        return "".join((cell.data or " ")[0] for cell in self._cells[row]).index(text)

    def colours(self) -> set[str]:
        """Return the names of the colours that something is written in."""
        rows = range(len(self._cells))
        return {run.colour for row in rows for run in self.runs(row) if run.text.strip()}
