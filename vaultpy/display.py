"""Whether a window can be opened on a Linux desktop: what the variables of X11 and Wayland say."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def has_display(environ: Mapping[str, str]) -> bool:
    """Tell whether one of `DISPLAYS` names a display."""
    return any(environ.get(name) for name in DISPLAYS)
