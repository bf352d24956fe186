"""A section of AWS's ini files found in the whole text, where nothing else in there can be meant.

To cut thousands of sections apart takes longer than all else that a warm start does. So a plain header is
first searched for as it stands, and with it whatever could be another spelling. Where that leaves a doubt,
and for every other question, there is `config_text.IniText`; the answers are the same.
"""

from __future__ import annotations

from vaultpy.config_section import read_sections
from vaultpy.config_text import IGNORED, IniText, is_special, words

_DEFAULT = "default"


class IniFile:
    """A file's text; each method answers, and raises, as that of IniText does."""

    __slots__ = ("_cut", "_headers", "_is_plain", "_path", "_settings", "_starts", "_text")

    def __init__(self, text: str, path: str) -> None:
        """Raise ConfigMalformed when something other than comments stands before the first section."""
        self._path = path
        self._text = f"\n{text}\n"
        self._cut: IniText | None = None
        self._headers: dict[tuple[str, str], str | None] = {}
        self._settings: dict[str, dict[str, str]] = {}
        self._starts: dict[str, int] = {}  # of headers that stand alone: the newline before each
        # Blanks before the bracket, quotes and the like are other spellings of a header.
        self._is_plain = not (is_special(text) or "\r" in text or " ]" in text)
        first = self._text.find("\n[")
        before = self._text if first < 0 else self._text[:first]
        if not self._is_header(first) or read_sections(before.split("\n")):
            self._sections()

    def _is_header(self, at: int) -> bool:
        """Tell whether the line after the newline at `at`, which begins with a bracket, is a header.

        True for -1, where there is no such line.
        """
        return at < 0 or self._text.rfind("]", at, self._text.index("\n", at + 1)) > at + 2

    def _sections(self) -> IniText:
        if self._cut is None:
            self._cut = IniText(self._text[1:-1], self._path)
        return self._cut

    def __contains__(self, header: str) -> bool:
        return f"[{header}]" in self._text and header in self._sections()

    def headers(self) -> list[str]:
        """Return what stands in the brackets of each section, in the file's order."""
        return self._sections().headers()

    def header_of(self, kind: str, name: str) -> str | None:
        """Return the header that means `[kind name]`; of several spellings the last."""
        if (kind, name) not in self._headers:
            self._headers[kind, name] = self._search(kind, name)
        return self._headers[kind, name]

    def _search(self, kind: str, name: str) -> str | None:
        plain = f"{kind} {name}"
        candidates, mark = [plain], f" {name}]"
        if (kind, name) == ("profile", _DEFAULT):
            candidates, mark = [plain, name], f"{name}]"
        if not (self._is_plain and words(plain) == [kind, name]):
            return self._sections().header_of(kind, name)
        at = self._text.find(mark)
        if at < 0:
            return None
        for header in candidates:
            if self._is_alone(header, mark, at):
                return header
        return self._sections().header_of(kind, name)

    def _is_alone(self, header: str, mark: str, at: int) -> bool:
        """Tell whether `mark`, found `at`, stands there only, at the end of a line that is the header."""
        line = f"\n[{header}]\n"
        start = at + len(mark) - len(line) + 1
        alone = "\n" not in header and self._text.startswith(line, start) and start >= 0
        if not alone or self._text.find(mark, at + 1) >= 0:
            return False
        self._starts[header] = start
        return True

    def section(self, kind: str, name: str | None) -> dict[str, str] | None:
        """Return the settings of `[kind name]`; None if there is none, or no name."""
        return None if name is None else self.settings(self.header_of(kind, name))

    def settings(self, header: str | None) -> dict[str, str] | None:
        """Return what the section says whose brackets hold exactly `header`; None if there is none."""
        if header is None:
            return None
        if header not in self._settings:
            found = self._settings_alone(header)
            if found is None:
                return self._sections().settings(header) if f"[{header}]" in self._text else None
            self._settings[header] = found
        return dict(self._settings[header])

    def _settings_alone(self, header: str) -> dict[str, str] | None:
        """Return the settings of a section whose bounds and content leave no doubt."""
        if header == IGNORED or not self._is_plain:
            return None
        if header not in self._starts:
            mark = f"[{header}]"
            at = self._text.find(mark)
            if at < 0 or not self._is_alone(header, mark, at):
                return None
        start = self._starts[header] + 1
        end = self._text.find("\n[", start)
        if not self._is_header(end):  # but a setting whose key begins with a bracket
            return None
        lines = self._text[start : end if end >= 0 else None].split("\n")
        first, *others = read_sections(lines)
        return None if first.problem or any(it.header == header for it in others) else first.settings
