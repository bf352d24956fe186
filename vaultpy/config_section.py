"""What the sections of AWS's ini files say: configparser's rules without its cost.

The rules are those of `configparser.RawConfigParser` with its defaults, which is how botocore reads these
files (botocore/configloader.py): a header may be indented, a line indented deeper than its setting continues
it, `=` and `:` delimit, `#` and `;` begin comment lines only, keys are case-insensitive, and what is there
twice is a mistake.
"""

from __future__ import annotations

IGNORED = "DEFAULT"
"""The section that configparser takes for the defaults of all others."""


def read_sections(lines: list[str]) -> list[Section]:
    """Read all sections; a section's first mistake stands in its `problem`.

    Settings before the first header are the `problem` of a section without header. Lines are numbered from 0:
    an empty one before a file's first makes that number 1.
    """
    reader = _Reader()
    reader.read(lines)
    return reader.sections


def nested(value: str) -> dict[str, str]:
    """Return the settings of an indented block, as in `s3 =` with `key = value` lines below it.

    Its keys keep their case, as botocore has it. Raises ValueError where a line has no `=`.
    """
    pairs = [line.split("=", 1) for line in value.splitlines() if line.strip()]
    return {key.strip(): content.strip() for key, content in pairs}


class Section:
    """What one section says: raw values by lower-cased key, and where it stands.

    `line` is the header's line, `end` the last line that belongs to its content (its number), and `indent`
    the blanks before its last setting (or its header): there, with those blanks, one more setting fits.
    """

    __slots__ = ("end", "header", "indent", "line", "problem", "settings")

    def __init__(self, header: str, line: int, indent: str) -> None:
        self.header = header
        self.line = self.end = line
        self.indent = indent
        self.settings: dict[str, str] = {}
        self.problem: tuple[int, str] | None = None


class _Reader:
    """configparser's state from line to line."""

    __slots__ = ("_depth", "_key", "_parts", "sections")

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self._key = ""
        self._parts: list[str] = []
        self._depth = 0

    def read(self, lines: list[str]) -> None:
        for at, line in enumerate(lines):
            content = line.strip()
            if not content:
                self._parts.append("")
            elif content[0] not in "#;":
                self._content(at, line[: line.index(content[0])], content)
        self._close_setting()

    def _content(self, at: int, indent: str, content: str) -> None:
        if self._key and len(indent) > self._depth:
            self._parts.append(content)
            self.sections[-1].end = at
            return
        self._close_setting()
        self._depth = len(indent)
        close = content.rfind("]")
        if content[0] == "[" and close > 1:
            self.sections.append(Section(content[1:close], at, indent))
        elif not self.sections:
            self.sections.append(Section("", at, indent))
            self._mistake(at, "a setting before the first [profile]")
        else:
            self._setting(at, indent, content)

    def _setting(self, at: int, indent: str, content: str) -> None:
        section = self.sections[-1]
        key, delimiter, value = content.partition("=")
        if ":" in key:
            key, delimiter, value = content.partition(":")
        key = key.rstrip().lower()
        if not (key and delimiter):
            self._mistake(at, "neither a [profile], a comment nor a setting (key = value)")
        elif key in section.settings:
            self._mistake(at, f"{key} is there twice in [{section.header}]")
        else:
            self._key, self._parts = key, [value.strip()]
            section.settings[key] = ""
            section.end, section.indent = at, indent

    def _close_setting(self) -> None:
        if self._key:
            section, value = self.sections[-1], "\n".join(self._parts).rstrip()
            section.settings[self._key] = value
            if value.startswith("\n") and not all("=" in line for line in value.splitlines() if line.strip()):
                self._mistake(section.end, f"the block under {self._key} has a line without =")
        self._key, self._parts = "", []

    def _mistake(self, at: int, problem: str) -> None:
        section = self.sections[-1]
        section.problem = section.problem or (at, problem)
