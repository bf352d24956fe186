"""A table for people, as wide as the window, and for pipes one line a row."""

from __future__ import annotations

import os
import sys
import unicodedata
from typing import TYPE_CHECKING

from vaultpy.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = "  "
_NOTHING = "-"


def columns_of_stdout() -> int | None:
    """Return the width of the window that stdout leads to; None where that is none, or a dumb one."""
    if os.environ.get("TERM") == "dumb":  # perhaps a screen reader's, to which a line is what is said at once
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except OSError:
        return None


def table(rows: Sequence[Sequence[str]], columns: int | None) -> list[str]:
    """Return the lines that show `rows`, the first of them the headings; a `-` stands for an empty text.

    Where a row is wider than `columns`, its last cells go to lines of their own, indented; what is wider by
    itself is folded between words. Nothing is cut: names and ARNs are there to be copied.
    """
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        for number, group in enumerate(_fold(widths, columns)):
            if number and not any(row[column] for column in group):
                continue
            cells = [_padded(row[column] or _NOTHING, widths[column]) for column in group]
            line = _GAP.join(cells).rstrip()
            lines += fold(line, columns or sys.maxsize, _GAP) if number else [line]
    return lines


def _fold(widths: list[int], columns: int | None) -> list[list[int]]:
    """Return the numbers of the cells of each line of a row."""
    groups, used = [[0]], widths[0]
    for column, width in enumerate(widths[1:], 1):
        used += len(_GAP) + width
        if columns is None or used <= columns:
            groups[-1].append(column)
        else:
            groups.append([column])
            used = len(_GAP) + width
    return groups


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    """Return how many columns a terminal gives to `text`: East Asian letters take two, accents apart none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)
