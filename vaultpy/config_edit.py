"""Adding profiles to AWS's config file, taking access keys and settings out: all that is changed there.

Every other byte stays: comments, order, newline style, permissions, and the symlink if the file is one. The
file is replaced as a whole under a lock beside it (`.<name>.vaultpy-lock`), which keeps out a second vaultpy;
what another program changes between reading and replacing is noticed and read again.
"""
# The core does without pathlib, whose import is slow:
# ruff: noqa: PTH103, PTH113, PTH118

from __future__ import annotations

import io
import os

from vaultpy.config import decode, read_bytes
from vaultpy.config_section import IGNORED
from vaultpy.config_text import IniText
from vaultpy.credentials_text import holds, lines_of, without_key
from vaultpy.errors import (
    BadConfigValue,
    BadProfileName,
    ConfigMalformed,
    ConfigUnwritable,
    KeyStays,
    ProfileExists,
)
from vaultpy.state import locked, replace_file
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.config_section import Section
    from vaultpy.credentials import AccessKey
    from vaultpy.credentials_text import InClear
    from vaultpy.errors import VaultpyError

_VARIABLE = "AWS_CONFIG_FILE"
_NAME_MARKS = ".-_/@+"
_ATTEMPTS = 5


class NewProfile(Value):
    """A profile to write: its name, and its settings as (key, value) in their order."""

    __slots__ = ("name", "settings")
    name: str
    settings: tuple[tuple[str, str], ...]

    def __init__(self, name: str, settings: tuple[tuple[str, str], ...]) -> None:
        self._set(name=name, settings=settings)


def add_profiles(path: str, profiles: list[NewProfile]) -> list[str]:
    """Write `profiles` into the config file at `path`, and return the names of the sections that are new.

    A profile that exists gets the settings that it lacks. The file is made if it is missing (0600, in a
    directory made 0700). All of it is written or nothing: raises ProfileExists where a setting has another
    value, BadProfileName, BadConfigValue for a value that would not read back, ConfigMalformed,
    ConfigUnreadable and ConfigUnwritable.
    """
    added: list[str] = []

    def change(text: str) -> str:
        added.clear()
        for profile in profiles:
            text, is_new = _with_profile(text, profile, path)
            if is_new:
                added.append(profile.name)
        return text

    edit(path, change)
    return added


def check_profiles(path: str, profiles: list[NewProfile]) -> None:
    """Raise whatever `add_profiles` would raise for what stands in the file now; write nothing."""
    text = _decode(read_bytes(os.path.realpath(path), _VARIABLE), path)
    for profile in profiles:
        text, _ = _with_profile(text, profile, path)


def take_out_key(place: InClear, access_key: AccessKey) -> bool:
    """Take `access_key` out of where it stands in clear, and leave every other byte.

    A file without a key there is left alone. False, and nothing is changed, where another key stands there by
    now. Raises ConfigMalformed, ConfigUnreadable and KeyStays.
    """
    found: list[bool | None] = []

    def change(text: str) -> str:
        found.append(holds(text, place, access_key))
        return without_key(text, place) if found[-1] else text

    def unwritable(reason: str | None) -> KeyStays:
        return KeyStays(key_id=access_key.id, path=place.path, reason=reason)

    edit(place.path, change, unwritable)
    return found[-1] is not False


def take_out_setting(path: str, name: str, key: str, value: str) -> bool:
    """Take `key` out of the section of profile `name`, if it is `value` there; tell whether it was.

    Every other byte stays. Raises ConfigMalformed, ConfigUnreadable and ConfigUnwritable.
    """
    found: list[bool] = []

    def change(text: str) -> str:
        header = IniText(text, path).header_of("profile", name)
        section = IniText(text, path).sections()[header] if header is not None else None
        found.append(section is not None and section.settings.get(key) == value)
        return _without(text, path, header, key) if header is not None and found[-1] else text

    edit(path, change)
    return found[-1]


def edit(
    path: str,
    change: Callable[[str], str],
    unwritable: Callable[[str | None], VaultpyError] | None = None,
) -> None:
    """Replace the text of the file at `path` by what `change` makes of it, as a whole or not at all.

    `change` is called again when the file turns out to have changed meanwhile. Where it changes nothing,
    nothing is written, so that a file which cannot be written serves too. Raises ConfigUnreadable and
    ConfigUnwritable, or what `unwritable` makes of the reason.
    """
    refused = unwritable or (lambda reason: ConfigUnwritable(path=path, reason=reason))
    target = os.path.realpath(path)
    if not os.path.isfile(target) and os.path.lexists(target):
        raise refused("it is not a regular file")
    text = _decode(read_bytes(target, _VARIABLE), path)
    if change(text) == text:
        return
    directory, name = os.path.split(target)
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
        with locked(os.path.join(directory, f".{name}.vaultpy-lock")):
            if not any(_replaced(path, target, change) for _ in range(_ATTEMPTS)):
                raise refused("another program keeps changing it")
    except OSError as error:
        raise refused(error.strerror) from error


def _replaced(path: str, target: str, change: Callable[[str], str]) -> bool:
    old = read_bytes(target, _VARIABLE)
    new = change(_decode(old, path)).encode()
    if read_bytes(target, _VARIABLE) != old:
        return False
    if new != old:
        replace_file(target, new)
    return True


def _decode(data: bytes, path: str) -> str:
    return decode(data, path, _VARIABLE)


def _with_profile(text: str, profile: NewProfile, path: str) -> tuple[str, bool]:
    """Return `text` with the profile in it, and whether its section is new."""
    ini = IniText(text, path)
    sections = ini.sections()
    header = ini.header_of("profile", profile.name)
    if header is None:
        header = _new_header(profile.name)
        extended = _appended(text, header, _checked(profile, profile.settings, path))
    else:
        missing = _missing(sections[header], profile, path)
        extended = _inserted(text, sections[header], _checked(profile, missing, path))
    wanted = {name: section.settings for name, section in sections.items()}
    wanted[header] = {**wanted.get(header, {}), **dict(profile.settings)}
    if {name: section.settings for name, section in IniText(extended, path).sections().items()} != wanted:
        line = sections[header].line if header in sections else 1
        raise ConfigMalformed(path=path, line=line, problem="its indentation leaves no place for a setting")
    return extended, header not in sections


def check_name(name: str) -> None:
    """Raise BadProfileName unless `name` can be that of a new profile."""
    if not name or not all(c.isalnum() or c in _NAME_MARKS for c in name) or name == IGNORED:
        raise BadProfileName(profile=name)


def _new_header(name: str) -> str:
    check_name(name)
    return name if name == "default" else f"profile {name}"


def _missing(section: Section, profile: NewProfile, path: str) -> tuple[tuple[str, str], ...]:
    for key, value in profile.settings:
        if section.settings.get(key, value) != value:
            raise ProfileExists(profile=profile.name, path=path, key=key)
    return tuple((key, value) for key, value in profile.settings if key not in section.settings)


def _checked(profile: NewProfile, settings: tuple[tuple[str, str], ...], path: str) -> list[str]:
    for key, value in settings:
        if not value or value != value.strip() or not value.isprintable():
            wanted = "a line of text without blanks around it"
            raise BadConfigValue(profile=profile.name, key=key, value=value, wanted=wanted, path=path)
    return [f"{key} = {value}" for key, value in settings]


def _without(text: str, path: str, header: str, key: str) -> str:
    """Return `text` without the lines that set `key` in the section."""
    sections = IniText(text, path).sections()
    lines, _ = _lines(text)
    dropped = lines_of(lines, sections[header], {key})
    kept = "".join(line for at, line in enumerate(lines) if at not in dropped)
    wanted = {name: dict(section.settings) for name, section in sections.items()}
    del wanted[header][key]
    if {name: section.settings for name, section in IniText(kept, path).sections().items()} != wanted:
        problem = f"its indentation does not let {key} be taken out"
        raise ConfigMalformed(path=path, line=sections[header].line, problem=problem)
    return kept


def _appended(text: str, header: str, settings: list[str]) -> str:
    lines, newline = _lines(text)
    if lines and not _is_ended(lines[-1]):
        text += newline
    if lines and lines[-1].strip():
        text += newline
    return text + "".join(line + newline for line in [f"[{header}]", *settings])


def _inserted(text: str, section: Section, settings: list[str]) -> str:
    lines, newline = _lines(text)
    if settings and not _is_ended(lines[section.end - 1]):
        lines[section.end - 1] += newline
    lines[section.end : section.end] = [section.indent + setting + newline for setting in settings]
    return "".join(lines)


def _lines(text: str) -> tuple[list[str], str]:
    """Return the lines with their ends, and the end that the last of them has."""
    lines = list(io.StringIO(text, newline=""))
    ends = (line[len(line.rstrip("\r\n")) :] for line in reversed(lines) if _is_ended(line))
    return lines, next(ends, "\n")


def _is_ended(line: str) -> bool:
    return line.endswith(("\n", "\r"))
