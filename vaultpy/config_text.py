"""AWS's ini files as text: where each section is, and which one is meant by a profile's name.

The rules are those of `vaultpy.config_section`, but only what is asked for is parsed: out of thousands of
sections that costs one pass of `str.split` instead of tens of milliseconds.
"""

from __future__ import annotations

import vaultpy
from vaultpy.config_section import IGNORED, Section, read_sections

_BLANKS = " \t"
_QUOTES = "'\""
_ESCAPABLE_IN_QUOTES = '"\\'
_KIND_AND_NAME = 2


def words(header: str) -> list[str]:
    """Split what stands in a header's brackets as `shlex.split` does; [] where that raises ValueError.

    (`shlex` itself would import `re`, which costs a warm start 5 ms.)
    """
    if not is_special(header):
        return [word for word in header.split(" ") if word]
    found: list[str] = []
    word: list[str] | None = None
    quote = ""
    characters = iter(header)
    for c in characters:
        if c == "\\" and quote != "'":
            escaped = next(characters, "")
            if not escaped:
                return []
            kept = c if quote and escaped not in _ESCAPABLE_IN_QUOTES else ""
            word = _with(word, kept + escaped)
        elif c == quote:
            quote = ""
        elif not quote and c in _QUOTES:
            quote, word = c, word or []
        elif quote or c not in _BLANKS:
            word = _with(word, c)
        elif word is not None:
            found.append("".join(word))
            word = None
    if quote:
        return []
    return found if word is None else [*found, "".join(word)]


def _with(word: list[str] | None, more: str) -> list[str]:
    """Return `word`, kept in pieces because a file may make it a million characters long, with `more`."""
    if word is None:
        return [more]
    word.append(more)
    return word


def name_in(header: str, kind: str) -> str | None:
    """Return NAME when the header means `[kind NAME]`; botocore looks at the first word's beginning only."""
    if not header.startswith(kind):
        return None
    parts = words(header)
    return parts[1] if len(parts) == _KIND_AND_NAME else None


def is_special(text: str) -> bool:
    """Tell whether `words` takes more of `text` than blanks for a sign."""
    return "'" in text or '"' in text or "\\" in text or "\t" in text


def _cut(text: str) -> tuple[list[str], list[str]]:
    """Cut `text` at each line that begins with a header; return the blocks, and the header of each.

    The first block is what stands before all headers, and its header is empty.
    """
    pieces = text.split("\n[")
    lines = [piece.partition("\n")[0] for piece in pieces[1:]]
    all_lines = "\n".join([*lines, ""])
    if all_lines.count("]\n") == len(lines) and "]" not in lines:  # a loop would take thousands twice as long
        return pieces, ["", *all_lines.split("]\n")[:-1]]
    blocks, headers = pieces[:1], [""]
    for piece, line in zip(pieces[1:], lines, strict=True):
        close = line.rfind("]")
        if close > 0:
            blocks.append(piece)
            headers.append(line[:close])
        else:  # a setting whose key begins with a bracket
            blocks[-1] += "\n[" + piece
    return blocks, headers


class IniText:
    """A file's text, and where its sections start; `[DEFAULT]` is left out."""

    __slots__ = ("_blocks", "_has_repeated", "_path", "_places", "_unusual")

    def __init__(self, text: str, path: str) -> None:
        """Raise ConfigMalformed when something other than comments stands before the first section."""
        self._path = path
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._blocks, headers = _cut(f"\n{text}\n")
        headers, numbers = self._with_indented(headers, has_more=text.count("[") >= len(headers))
        self._places = dict(zip(headers, numbers, strict=True))
        self._has_repeated = len(self._places) < len(headers)
        self._places.pop(IGNORED, None)
        self._unusual: dict[str, list[str]] = {}

    def _with_indented(self, headers: list[str], *, has_more: bool) -> tuple[list[str], list[int]]:
        """Return all headers with their blocks' numbers.

        An indented line in brackets is a header or not depending on the lines before it, so that such blocks
        are parsed.
        """
        if not (has_more or self._blocks[0].strip()):
            return headers[1:], list(range(1, len(headers)))
        found: list[str] = []
        numbers: list[int] = []
        for number, header in enumerate(headers):
            block = self._blocks[number]
            if number and "[" not in block:
                found.append(header)
                numbers.append(number)
            elif block.strip():
                for section in self._parse(number):
                    if not section.header:
                        self._sound([section])
                    found.append(section.header)
                    numbers.append(number)
        return found, numbers

    def _parse(self, number: int) -> list[Section]:
        """Return the sections of one block, their lines counted from the block's first."""
        text = "[" + self._blocks[number] if number else self._blocks[number]
        return read_sections(text.split("\n"))

    def _parse_all(self) -> list[Section]:
        return read_sections("\n[".join(self._blocks).split("\n"))

    def __contains__(self, header: str) -> bool:
        return header in self._places

    def headers(self) -> list[str]:
        """Return what stands in the brackets of each section, in the file's order."""
        return list(self._places)

    def settings(self, header: str | None) -> dict[str, str] | None:
        """Return what the section says whose brackets hold exactly `header`; None if there is none.

        Raises ConfigMalformed for a mistake in that section.
        """
        if header is None or header not in self._places:
            return None
        found = [s for s in self._parse(self._places[header]) if s.header == header]
        if self._has_repeated or found[0].problem:
            found = [s for s in self._parse_all() if s.header == header]
        return self._sound(found).settings

    def _sound(self, found: list[Section]) -> Section:
        if len(found) > 1:
            line, problem = found[1].line, f"[{found[1].header}] is there twice"
        elif found[0].problem:
            line, problem = found[0].problem
        else:
            return found[0]
        raise vaultpy.errors.ConfigMalformed(path=self._path, line=line, problem=problem)

    def sections(self) -> dict[str, Section]:
        """Parse everything; raises ConfigMalformed for any mistake in the file."""
        found: dict[str, list[Section]] = {}
        for section in self._parse_all():
            if section.header != IGNORED:
                found.setdefault(section.header, []).append(section)
        return {header: self._sound(same) for header, same in found.items()}

    def header_of(self, kind: str, name: str) -> str | None:
        """Return the header that means `[kind name]`; of several spellings the last, as in botocore.

        A profile's section is `[profile name]`, and `[default]` too.
        """
        plain = f"{kind} {name}"
        meant = [plain] if plain in self._places and words(plain) == [kind, name] else []
        meant += [header for header in self._unusually_spelled(kind) if name_in(header, kind) == name]
        if kind == "profile" and name == "default" and name in self._places:
            meant.append(name)
        if len(meant) > 1:
            meant.sort(key=self.headers().index)
        return meant[-1] if meant else None

    def _unusually_spelled(self, kind: str) -> list[str]:
        """Return the headers that may mean `[kind name]` without being spelled `kind name`."""
        if kind not in self._unusual:
            begun = [header for header in self._places if header.startswith(kind)]
            text = "\n".join(["", *begun])
            if is_special(text) or not len(begun) == text.count(" ") == text.count(f"\n{kind} "):
                begun = [it for it in begun if it.count(" ") != 1 or it[len(kind)] != " " or is_special(it)]
            else:  # thousands, and all of them plain
                begun = []
            self._unusual[kind] = begun
        return self._unusual[kind]
