"""Text on its way to a person: made harmless, compared, and durations read and written."""

from __future__ import annotations

import vaultpy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_CHARACTERS = 20
_LONGEST_SECONDS = 10**9
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Python calls these printable, but they show as nothing: fillers, joiners, variation selectors.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10))))
_MORE_VARIATION_SELECTORS = range(0xE0100, 0xE01F0)


def printable(text: str) -> str:
    """Return `text` with everything escaped that could move a cursor, reorder a line or hide in it."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if _is_seen(c) else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def _is_seen(character: str) -> bool:
    if character in _INVISIBLE or ord(character) in _MORE_VARIATION_SELECTORS:
        return False
    return character.isprintable() or character == "\u00a0"


def near(name: str, names: list[str]) -> list[str]:
    """Return up to three of `names` that someone who typed `name` may have meant, best first."""
    from difflib import get_close_matches

    folded = {candidate.casefold(): candidate for candidate in names}
    return [folded[match] for match in get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]


def has_control_sequences(environ: Mapping[str, str]) -> bool:
    """Tell whether a terminal can write over what it shows."""
    return environ.get("TERM", "dumb") != "dumb"


def wants_colour(environ: Mapping[str, str]) -> bool:
    """Tell whether whoever sits at a terminal has nothing against bold and coloured words."""
    return has_control_sequences(environ) and not environ.get("NO_COLOR")


def fold(text: str, columns: int, label: str = "", *, copied: bool = False) -> list[str]:
    """Return `label` and `text` in lines of up to `columns`, broken between words, the later ones indented.

    With `copied`, what stands behind a colon or from a bracket on stays in one piece: it may be a command.
    """
    ends = [at for at in (text.find(": ") + 1, text.find(" (")) if at > 0] if copied else []
    end = min(ends, default=len(text))
    first, *words = text[:end].split(" ")
    lines = [label + first]
    for word in [*words, *([text[end + 1 :]] if ends else [])]:
        if len(lines[-1]) + len(word) < columns:
            lines[-1] += f" {word}"
        else:
            lines.append(f"  {word}")
    return lines


def parse_duration(text: str) -> int:
    """Return the seconds that `text` means: `90m`, `8h`, `1h30m`, or plain seconds; raises BadDuration."""
    text = text.strip()
    plain = text if text.endswith(tuple(_UNITS)) else text + "s" * text.isdecimal()
    total, digits = 0, ""
    for character in plain[:_LONGEST_CHARACTERS]:
        if character in "0123456789":
            digits += character
        elif digits and character in _UNITS:
            total, digits = total + int(digits) * _UNITS[character], ""
        else:
            raise vaultpy.errors.BadDuration(text=text)
    if digits or not 0 < total <= _LONGEST_SECONDS or len(plain) > _LONGEST_CHARACTERS:
        raise vaultpy.errors.BadDuration(text=text)
    return total


def show_duration(seconds: float) -> str:
    """Return `seconds` in at most two units, as in `2d 3h`, `1h 05m`, `4m 10s`, `9s`."""
    left = max(0, round(seconds))
    if left >= 86400:  # noqa: PLR2004  # a day
        return f"{left // 86400}d {left % 86400 // 3600}h"
    if left >= 3600:  # noqa: PLR2004  # an hour
        return f"{left // 3600}h {left % 3600 // 60:02}m"
    if left >= 60:  # noqa: PLR2004  # a minute
        return f"{left // 60}m {left % 60:02}s"
    return f"{left}s"


def clock_text(offset: float) -> str:
    """Say how far a clock is `behind` or `ahead of` one that is `offset` seconds ahead of it."""
    return f"{show_duration(abs(offset))} {'behind' if offset > 0 else 'ahead of'}"


def clock_wrong(offset: float) -> vaultpy.errors.ClockWrong:
    """Return the error for an AWS clock that is `offset` seconds ahead of this computer's."""
    return vaultpy.errors.ClockWrong(off=clock_text(offset))
