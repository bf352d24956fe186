"""A section of AWS's credentials file with temporary credentials, as aws-mfa writes it: read and put in.

The end stands there as `expiration`, in UTC. `vaultpy_session` tells for which question they are; it is a
digest, and the SDKs know no such setting.
"""

from __future__ import annotations

import time

from vaultpy.access_key_in_clear import KEY_ID, SECRET, SESSION_TOKENS
from vaultpy.config_lines import is_ended, lines_that_set, newline_of, settings_in, split_lines
from vaultpy.config_text import IniText
from vaultpy.errors import ConfigMalformed, LongTermKeyThere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.config_section import Section
    from vaultpy.credentials import Credentials

EXPIRATION = "expiration"
SESSION = "vaultpy_session"
_STAMP = "%Y-%m-%d %H:%M:%S"
_LONG_TERM = "AKIA"


def settings_of(credentials: Credentials, session: str) -> dict[str, str]:
    """Return what is written, secrets included, in its order."""
    return {
        KEY_ID: credentials.access_key_id,
        SECRET: credentials.secret_access_key.reveal(),
        SESSION_TOKENS[0]: credentials.session_token.reveal(),
        EXPIRATION: stamp(credentials.expiration),
        SESSION: session,
    }


def stamp(expiration: int) -> str:
    """Return the end as it is written: `2026-11-21 16:00:00`, in UTC."""
    return time.strftime(_STAMP, time.gmtime(expiration))


def end_of(text: str, path: str, name: str, session: str) -> int | None:
    """Return when the credentials of `session` in section `name` end; None if they are not all there.

    Raises LongTermKeyThere and ConfigMalformed.
    """
    section = _section(text, path, name)
    settings = section.settings if section else {}
    if settings.get(SESSION) != session or not all(
        settings.get(key) for key in (KEY_ID, SECRET, SESSION_TOKENS[0])
    ):
        return None
    from calendar import timegm

    try:
        return timegm(time.strptime(settings.get(EXPIRATION, ""), _STAMP))
    except ValueError:
        return None


def with_settings(text: str, path: str, name: str, settings: dict[str, str]) -> str:
    """Return `text` with these settings in section `name`, in the place of what it said by the same keys.

    An old `aws_security_token` goes, for SDKs may take it first. Every other byte stays. Raises
    LongTermKeyThere and ConfigMalformed.
    """
    section = _section(text, path, name)
    lines = split_lines(text)
    newline = newline_of(lines)
    new = [f"{key} = {value}{newline}" for key, value in settings.items()]
    if section is None:
        if lines and not is_ended(lines[-1]):
            lines[-1] += newline
        blank = [newline] if lines and lines[-1].strip() else []
        put = "".join([*lines, *blank, f"[{name}]{newline}", *new])
    else:
        put = _replaced(lines, section, new, {*settings, SESSION_TOKENS[1]}, newline)
    _check(text, put, path, name, settings)
    return put


def _replaced(lines: list[str], section: Section, new: list[str], keys: set[str], newline: str) -> str:
    """Put the `new` lines where the first of `keys` is set, or at the section's end; drop the old ones."""
    if not is_ended(lines[section.end - 1]):
        lines[section.end - 1] += newline
    dropped = lines_that_set(keys, lines, section)
    at = min(dropped, default=section.end)
    kept = [(number, line) for number, line in enumerate(lines) if number not in dropped]
    before = [line for number, line in kept if number < at]
    after = [line for number, line in kept if number >= at]
    return "".join([*before, *(section.indent + line for line in new), *after])


def _section(text: str, path: str, name: str) -> Section | None:
    """Return the section, None where there is none; raises LongTermKeyThere."""
    section = IniText(text, path).sections().get(name)
    if section is None:
        return None
    key_id = section.settings.get(KEY_ID, "")
    is_temporary = any(section.settings.get(key) for key in SESSION_TOKENS)
    has_key = bool(key_id or section.settings.get(SECRET))
    if has_key and (key_id.startswith(_LONG_TERM) or not is_temporary):
        raise LongTermKeyThere(name=name, path=path, key_id=key_id)
    return section


def _check(text: str, put: str, path: str, name: str, settings: dict[str, str]) -> None:
    """Raise ConfigMalformed unless the new text says what the old one did, and `settings`."""
    wanted = settings_in(text, path)
    wanted.setdefault(name, {}).update(settings)
    wanted[name].pop(SESSION_TOKENS[1], None)
    if settings_in(put, path) != wanted:
        before = IniText(text, path).sections()
        line = before[name].line if name in before else 1
        raise ConfigMalformed(path=path, line=line, problem="its indentation leaves no place for credentials")
