"""The lines of an AWS ini file, for whoever changes some of them and leaves every other byte as it is."""

from __future__ import annotations

import io

from vaultpy.config_text import IniText

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.config_section import Section


def split_lines(text: str) -> list[str]:
    """Return the lines with their ends: line feed, carriage return, or both."""
    return list(io.StringIO(text, newline=""))


def newline_of(lines: list[str]) -> str:
    """Return the end that the last line with one has; a line feed where none has."""
    ends = (line[len(line.rstrip("\r\n")) :] for line in reversed(lines))
    return next((end for end in ends if end), "\n")


def is_ended(line: str) -> bool:
    """Tell whether the line has its end, which a file's last one may lack."""
    return line.endswith(("\n", "\r"))


def lines_that_set(keys: set[str], lines: list[str], section: Section) -> set[int]:
    """Return which lines, counted from 0, set one of `keys` in the section; by `config_section`'s rules."""
    found: set[int] = set()
    depth: int | None = None
    is_wanted = False
    for at in range(section.line, section.end):
        content = lines[at].strip()
        if not content or content[0] in "#;":
            continue
        indent = lines[at].index(content[0])
        if depth is None or indent <= depth:  # else it continues the setting before
            depth = indent
            is_wanted = content.partition("=")[0].partition(":")[0].rstrip().lower() in keys
        if is_wanted:
            found.add(at)
    return found


def without_lines(lines: list[str], dropped: set[int]) -> str:
    """Return the text of the lines but for those `dropped`, counted from 0."""
    return "".join(line for at, line in enumerate(lines) if at not in dropped)


def settings_in(text: str, path: str) -> dict[str, dict[str, str]]:
    """Return what each section says, by its header: what must be so after a change too.

    Raises ConfigMalformed for a mistake anywhere in the text.
    """
    return {header: dict(section.settings) for header, section in IniText(text, path).sections().items()}
