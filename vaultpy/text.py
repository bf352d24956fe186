"""Text on its way to a person: made harmless, compared, and durations read and written."""

from __future__ import annotations

import vaultpy

_LONGEST_CHARACTERS = 20
_LONGEST_SECONDS = 10**9
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def near(name: str, names: list[str]) -> list[str]:
    """Return up to three of `names` that someone who typed `name` may have meant, best first."""
    from difflib import get_close_matches

    folded = {candidate.casefold(): candidate for candidate in names}
    return [folded[match] for match in get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]


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
