"""Which error two lines on a screen are: by the words that each class of `vaultpy.errors` always has."""

from __future__ import annotations

import inspect
import re
from string import Formatter
from typing import TYPE_CHECKING, NamedTuple

from vaultpy import errors

if TYPE_CHECKING:
    from vaultpy.errors import VaultpyError

_HEADING = re.compile(r"^# ---- (.*?) -+$", re.MULTILINE)
_CLASS = re.compile(r"^class (\w+)\(", re.MULTILINE)


class Lines(NamedTuple):
    """The two lines of an error, without `vaultpy: error: ` and `vaultpy: hint: `."""

    message: str
    hint: str

    @classmethod
    def of(cls, error: str, hint: str) -> Lines:
        """Take the two lines as they are shown."""
        assert error.startswith("vaultpy: error: "), error
        assert hint.startswith("vaultpy: hint: "), hint
        return cls(error.removeprefix("vaultpy: error: "), hint.removeprefix("vaultpy: hint: "))


def sections() -> dict[str, list[type[VaultpyError]]]:
    """Return the headings of errors.py, each with its classes, in the order of the file."""
    parts = _HEADING.split(inspect.getsource(errors))[1:]
    return {
        heading: [getattr(errors, name) for name in _CLASS.findall(text)]
        for heading, text in zip(parts[::2], parts[1::2], strict=True)
    }


def classes() -> list[type[VaultpyError]]:
    """Return every error that can be raised, in the order of the file: all but the root."""
    return [error for found in sections().values() for error in found]


def recognized(lines: Lines) -> type[VaultpyError] | None:
    """Return the class whose message and hint these are; of several, the one with the most fixed words."""
    found = [error for error in classes() if _fits(error.message, lines.message, error.hint, lines.hint)]
    return max(found, key=lambda error: len(_fixed(error.message) + _fixed(error.hint)), default=None)


def _fits(message: str, shown_message: str, hint: str, shown_hint: str) -> bool:
    pairs = ((message, shown_message), (hint, shown_hint))
    return all(re.fullmatch(_pattern(template), shown) for template, shown in pairs)


def _pattern(template: str) -> str:
    return "".join(
        re.escape(literal) + ("" if name is None else ".+")
        for literal, name, _, _ in Formatter().parse(template)
    )


def _fixed(template: str) -> str:
    return "".join(literal for literal, *_ in Formatter().parse(template))
