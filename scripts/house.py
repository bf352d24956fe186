"""The picture of the house: its rooms and the modules in them, and who imports whom, read from the code.

The rooms are those that tests/test_architecture.py keeps.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from test_architecture import CLI, CORE, DEMO, EDGES, MODULES, SERVER, SIMULATED, WARM, WIRING, ours

if TYPE_CHECKING:
    from collections.abc import Iterable

_COLUMNS, _COLUMN, _ROW, _LINE = 5, 152, 17, 44
_LEFT, _TITLE, _GAP = 16, 34, 30
_LANE, _HEAD = 23, 7
_KEY = (
    "An arrow: a module here imports one there, at its head or in a function. "
    '<tspan class="warm">Bold</tspan>: loaded by a warm start.'
)
_STYLE = """
  text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #333 }
  .title { font: bold 15px system-ui, sans-serif }
  .note { font: 12px system-ui, sans-serif; fill: #777 }
  .warm { font-weight: bold; fill: #9a3412 }
  rect { fill: #fafafa; stroke: #bbb }
  path { fill: none; stroke: #64748b; stroke-width: 1.3 }
  .head { fill: #64748b; stroke: none }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117 }
    text { fill: #d0d7de } .warm { fill: #fdba74 } .note { fill: #9198a1 }
    rect { fill: #161b22; stroke: #3d444d }
    path { stroke: #8b98a9 } .head { fill: #8b98a9 }
  }
"""


class Room(NamedTuple):
    """A box: its title, what it is, and the modules in it; `top` is where it begins."""

    title: str
    note: str
    modules: list[str]
    top: int

    @property
    def height(self) -> int:
        """How high the box is."""
        rows = -(-len(self.modules) // _COLUMNS)
        return _TITLE + rows * _ROW + 8

    @property
    def middle(self) -> float:
        """Where arrows begin and end, if they are alone."""
        return self.top + self.height / 2


def text() -> str:
    """Return the picture, for docs/pictures/house.svg."""
    rooms = _rooms()
    arrows = _arrows(rooms)
    edge = _LEFT + _COLUMNS * _COLUMN
    width, height = edge + (len(arrows) + 1) * _LANE, rooms[-1].top + rooms[-1].height + _LINE
    note = f'class="note" x="{_LEFT}" y="{height - 16}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
        "<title>The rooms of vaultpy, and which imports from which</title>",
        f"<style>{_STYLE}</style>",
        *(line for room in rooms for line in _box(room)),
    ]
    for lane, arrow in enumerate(arrows, 1):
        lines += _arrow(*arrow, edge, edge + lane * _LANE)
    lines.append(f"<text {note}>{_KEY}</text>")
    return "\n".join([*lines, "</svg>\n"])


def _rooms() -> list[Room]:
    plan = (
        ("the entry point", "the only one", {"__main__"}),
        ("command line", "words in, one call, lines out; typer", CLI),
        ("demo", "the main job on simulated parts", DEMO),
        ("server", "credentials over HTTP, on this computer alone", SERVER),
        ("wiring", "which real object stands behind which port", WIRING),
        ("edges", "one third-party library each", EDGES),
        ("core", "the standard library only", CORE),
        ("simulated", "a YubiKey, AWS and a keystore; imports nothing of the others", SIMULATED),
    )
    assert set().union(*(modules for _, _, modules in plan)) == set(MODULES), "a module has no room"
    rooms: list[Room] = []
    for title, note, modules in plan:
        if modules:
            top = rooms[-1].top + rooms[-1].height + _GAP if rooms else _GAP
            rooms.append(Room(title, note, sorted(modules), top))
    return rooms


def _arrows(rooms: list[Room]) -> list[tuple[Room, Room]]:
    found = [
        (one, other)
        for one in rooms
        for other in rooms
        if one is not other and any(ours(module) & set(other.modules) for module in one.modules)
    ]
    return sorted(found, key=lambda arrow: (abs(arrow[1].top - arrow[0].top), arrow[0].top))


def _box(room: Room) -> Iterable[str]:
    yield f'<rect x="{_LEFT}" y="{room.top}" width="{_COLUMNS * _COLUMN}" height="{room.height}" rx="6"/>'
    yield (
        f'<text class="title" x="{_LEFT + 12}" y="{room.top + 22}">{escape(room.title)}'
        f'<tspan class="note" dx="12">{escape(room.note)}</tspan></text>'
    )
    rows = -(-len(room.modules) // _COLUMNS)
    for at, module in enumerate(room.modules):
        column, row = divmod(at, rows)
        name = module.rpartition(".")[2]
        warm = ' class="warm"' if module in WARM else ""
        x, y = _LEFT + 12 + column * _COLUMN, room.top + _TITLE + 12 + row * _ROW
        yield f'<text{warm} x="{x}" y="{y}">{escape(name)}</text>'


def _arrow(one: Room, other: Room, edge: int, lane: int) -> Iterable[str]:
    """Draw an arrow out of `one`, down its own lane, and into `other`; its height there follows the lane."""
    share = (lane - edge) / _LANE / 20
    start = one.top + one.height * (0.15 + 0.7 * share)
    end = other.top + other.height * (0.1 + 0.8 * share)
    yield f'<path d="M{edge} {start:.0f}H{lane}V{end:.0f}H{edge + _HEAD}"/>'
    yield f'<path class="head" d="M{edge} {end:.0f}l{_HEAD} -4v8z"/>'
