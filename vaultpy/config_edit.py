"""Adding profiles to AWS's config file, taking access keys and settings out: all that is changed there.

Every other byte stays: comments, order, newline style, permissions, and the symlink if the file is one. The
file is replaced as a whole under a lock beside it (`.<name>.vaultpy-lock`), which keeps out a second vaultpy;
what another program changes between reading and replacing is noticed and read again.
"""
# The core does without pathlib, whose import is slow:
# ruff: noqa: PTH103, PTH113, PTH118

from __future__ import annotations

import os

from vaultpy.access_key_in_clear import holds, without_key
from vaultpy.config import CONFIG_FILE, decode, read_bytes
from vaultpy.config_lines import (
    is_ended,
    lines_that_set,
    newline_of,
    settings_in,
    split_lines,
    without_lines,
)
from vaultpy.config_section import IGNORED
from vaultpy.config_text import IniText
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

    from vaultpy.access_key_in_clear import InClear
    from vaultpy.config_section import Section
    from vaultpy.credentials import AccessKey
    from vaultpy.errors import VaultpyError

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
    text = decode(read_bytes(os.path.realpath(path), CONFIG_FILE), path, CONFIG_FILE)
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

    edit(place.path, change, unwritable, place.variable)
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
    variable: str = CONFIG_FILE,
) -> None:
    """Replace the text of the file at `path` by what `change` makes of it, as a whole or not at all.

    `change` is called again when the file turns out to have changed meanwhile. Where it changes nothing,
    nothing is written, so that a file which cannot be written serves too. Raises ConfigUnreadable and
    ConfigUnwritable, or what `unwritable` makes of the reason; `variable` is the one that names the file.
    """
    refused = unwritable or (lambda reason: ConfigUnwritable(path=path, reason=reason))
    target = os.path.realpath(path)
    if not os.path.isfile(target) and os.path.lexists(target):
        raise refused("it is not a regular file")
    text = decode(read_bytes(target, variable), path, variable)
    if change(text) == text:
        return
    directory, name = os.path.split(target)
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
        with locked(os.path.join(directory, f".{name}.vaultpy-lock")):
            if not any(_replaced(path, target, change, variable) for _ in range(_ATTEMPTS)):
                raise refused("another program keeps changing it")
    except OSError as error:
        raise refused(error.strerror) from error


def _replaced(path: str, target: str, change: Callable[[str], str], variable: str) -> bool:
    old = read_bytes(target, variable)
    new = change(decode(old, path, variable)).encode()
    if read_bytes(target, variable) != old:
        return False
    if new != old:
        replace_file(target, new)
    return True


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
    if settings_in(extended, path) != wanted:
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
    lines = split_lines(text)
    kept = without_lines(lines, lines_that_set({key}, lines, sections[header]))
    wanted = settings_in(text, path)
    del wanted[header][key]
    if settings_in(kept, path) != wanted:
        problem = f"its indentation does not let {key} be taken out"
        raise ConfigMalformed(path=path, line=sections[header].line, problem=problem)
    return kept


def _appended(text: str, header: str, settings: list[str]) -> str:
    lines = split_lines(text)
    newline = newline_of(lines)
    if lines and not is_ended(lines[-1]):
        text += newline
    if lines and lines[-1].strip():
        text += newline
    return text + "".join(line + newline for line in [f"[{header}]", *settings])


def _inserted(text: str, section: Section, settings: list[str]) -> str:
    lines = split_lines(text)
    newline = newline_of(lines)
    if settings and not is_ended(lines[section.end - 1]):
        lines[section.end - 1] += newline
    lines[section.end : section.end] = [section.indent + setting + newline for setting in settings]
    return "".join(lines)
