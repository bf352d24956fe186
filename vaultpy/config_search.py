"""A section of AWS's ini files found in the whole file, where nothing else in there can be meant.

To cut thousands of sections apart takes longer than all else that a warm start does, and a copy of them takes
its time too. So a plain header is first searched for as it stands, in the bytes that were read, and with it
whatever could be another spelling. Where that leaves a doubt, and for every other question, there is
`config_text.IniText`; the answers are the same.
"""

from __future__ import annotations

from vaultpy.config_section import IGNORED, read_sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.config_section import Section
    from vaultpy.config_text import IniText

_DEFAULT = "default"
# With these a header can be spelled otherwise (config_text.words), or a line end otherwise.
_SIGNS = (b"'", b'"', b"\\", b"\t", b"\r")


class IniFile:
    """What a file holds, as UTF-8; each method answers, and raises, as that of IniText does.

    A warm start searches a whole file backwards: that takes `rfind` half the time of `find` or less.
    """

    __slots__ = ("_cut", "_data", "_headers", "_is_plain", "_path", "_settings", "_starts")

    def __init__(self, data: bytes, path: str) -> None:
        """Raise ConfigMalformed when something other than comments stands before the first section."""
        self._path = path
        self._data = data
        self._cut: IniText | None = None
        self._headers: dict[tuple[str, str], str | None] = {}
        self._settings: dict[str, dict[str, str]] = {}
        self._starts: dict[str, int] = {}  # of headers that stand alone
        self._is_plain = not any(sign in data for sign in _SIGNS) and data.rfind(b" ]") < 0
        first = self._bracket(0)
        if b"\r" in data or not self._is_header(first) or self._read(0, first):
            self._sections()

    def _bracket(self, start: int) -> int:
        """Return where the next line that begins with a bracket does; the file's end if there is none.

        `start` is a line's beginning.
        """
        if self._data.startswith(b"[", start):
            return start
        before = self._data.find(b"\n[", start)
        return len(self._data) if before < 0 else before + 1

    def _is_header(self, at: int) -> bool:
        """Tell whether the line `at` there, which begins with a bracket, is a header; true at the end."""
        end = self._data.find(b"\n", at)
        return at == len(self._data) or self._data.rfind(b"]", at, end if end >= 0 else None) > at + 1

    def _read(self, start: int, end: int) -> list[Section]:
        return read_sections(self._data[start:end].decode().split("\n"))

    def _sections(self) -> IniText:
        if self._cut is None:
            from vaultpy.config_text import IniText

            self._cut = IniText(self._data.decode(), self._path)
        return self._cut

    def __contains__(self, header: str) -> bool:
        return _bytes(f"[{header}]") in self._data and header in self._sections()

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
        candidates, mark = [plain], _bytes(f" {name}]")
        if (kind, name) == ("profile", _DEFAULT):
            candidates, mark = [plain, name], _bytes(f"{name}]")
        if not self._is_plain or any(sign in mark[1:] for sign in (b" ", *_SIGNS)):
            return self._sections().header_of(kind, name)
        at = self._data.rfind(mark)
        if at < 0:
            return None
        for header in candidates:
            if self._is_alone(header, mark, at):
                return header
        return self._sections().header_of(kind, name)

    def _is_alone(self, header: str, mark: bytes, at: int) -> bool:
        """Tell whether `mark`, found `at` as the last, stands there only, at the end of the header's line."""
        line = _bytes(f"[{header}]")
        end = at + len(mark)
        start = end - len(line)
        is_line = (
            start >= 0
            and self._data.startswith(line, start)
            and self._data[max(start - 1, 0) : start] in {b"", b"\n"}
            and self._data[end : end + 1] in {b"", b"\n"}
        )
        if not is_line or "\n" in header or self._data.rfind(mark, 0, end - 1) >= 0:
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
                is_there = _bytes(f"[{header}]") in self._data
                return self._sections().settings(header) if is_there else None
            self._settings[header] = found
        return dict(self._settings[header])

    def _settings_alone(self, header: str) -> dict[str, str] | None:
        """Return the settings of a section whose bounds and content leave no doubt."""
        if header == IGNORED or not self._is_plain:
            return None
        if header not in self._starts:
            mark = _bytes(f"[{header}]")
            at = self._data.rfind(mark)
            if at < 0 or not self._is_alone(header, mark, at):
                return None
        start = self._starts[header]
        end = self._bracket(start + len(_bytes(header)) + 2)
        if not self._is_header(end):  # but a setting whose key begins with a bracket
            return None
        first, *others = self._read(start, end)
        return None if first.problem or any(it.header == header for it in others) else first.settings


def _bytes(text: str) -> bytes:
    """Return `text` as it stands in a file; what no file can hold stands in none."""
    return text.encode("utf-8", "surrogatepass")
