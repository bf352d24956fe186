"""A terminal's screen as a small SVG picture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from support.screen import Screen

_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace"
_SIZE = 14
_WIDTH = 8.43
_HEIGHT = 19
_MARGIN = 16
# Each group of words is put at its column, so that tables stand also in a font that is not ours.
_WORDS = re.compile(r"\S+(?: \S+)*")


class Theme(NamedTuple):
    """The colours of a terminal, by pyte's names."""

    background: str
    edge: str
    text: str
    colours: dict[str, str]


# xterm's own, the least kind of those in use: what can be read in these can be read in the others.
_XTERM = {
    "red": "#cd0000",
    "green": "#00cd00",
    "brown": "#cdcd00",
    "blue": "#0000ee",
    "magenta": "#cd00cd",
    "cyan": "#00cdcd",
}
# Most terminals show bold colours brighter on dark.
DARK = Theme("#16181d", "#16181d", "#e5e5e5", _XTERM | {"red": "#f14c4c", "magenta": "#d670d6"})
LIGHT = Theme("#ffffff", "#d0d7de", "#000000", _XTERM)


def svg(screen: Screen, theme: Theme) -> str:
    """Return the picture. Its edge is seen where the page has the terminal's background."""
    width = round(screen.columns * _WIDTH + 2 * _MARGIN)
    height = len(screen.lines) * _HEIGHT + 2 * _MARGIN
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    frame = f'x="0.5" y="0.5" width="{width - 1}" height="{height - 1}"'
    font = f'font-family="{_FONT}" font-size="{_SIZE}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
        f'<g {font} fill="{theme.text}">',
        f'<rect {frame} rx="8" fill="{theme.background}" stroke="{theme.edge}"/>',
    ]
    for row in range(len(screen.lines)):
        y = _MARGIN + row * _HEIGHT + _SIZE
        for run in screen.runs(row):
            style = ' font-weight="bold"' if run.bold else ""
            if run.colour != "default":
                style += f' fill="{theme.colours[run.colour]}"'
            for words in _WORDS.finditer(run.text):
                x = _MARGIN + (run.column + words.start()) * _WIDTH
                length = len(words[0]) * _WIDTH
                place = f'x="{x:.1f}" y="{y}" textLength="{length:.1f}"'
                parts.append(f"<text {place}{style}>{escape(words[0])}</text>")
    return "\n".join([*parts, "</g>", "</svg>", ""])
