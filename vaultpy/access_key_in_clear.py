"""An access key in clear in one of AWS's ini files: where it stands, and the file's text without it."""

from __future__ import annotations

from vaultpy.config import CREDENTIALS_FILE
from vaultpy.config_lines import lines_that_set, settings_in, split_lines, without_lines
from vaultpy.config_text import IniText
from vaultpy.errors import ConfigMalformed
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.credentials import AccessKey

KEY_ID = "aws_access_key_id"
SECRET = "aws_secret_access_key"  # noqa: S105  # the name of a setting
MFA_DEVICE = "aws_mfa_device"
SESSION_TOKENS = ("aws_session_token", "aws_security_token")


class InClear(Value):
    """Where an access key stands in clear: the section with `header` of the file at `path`.

    With `whole`, what aws-mfa keeps beside the key goes with it, and the header if nothing else is there.
    `variable` is the one that names the file.
    """

    __slots__ = ("header", "path", "variable", "whole")
    header: str
    path: str
    variable: str
    whole: bool

    def __init__(
        self, path: str, header: str, *, whole: bool = False, variable: str = CREDENTIALS_FILE
    ) -> None:
        self._set(path=path, header=header, whole=whole, variable=variable)

    def __str__(self) -> str:
        return f"[{self.header}] of {self.path}"


def holds(text: str, place: InClear, access_key: AccessKey) -> bool | None:
    """Tell whether `access_key` is what stands at `place`; None where no key does.

    Raises ConfigMalformed.
    """
    section = IniText(text, place.path).sections().get(place.header)
    if section is None or not {KEY_ID, SECRET} & section.settings.keys():
        return None
    id_and_secret = section.settings.get(KEY_ID), section.settings.get(SECRET)
    return id_and_secret == (access_key.id, access_key.secret.reveal())


def lines_with(text: str, access_key: AccessKey) -> list[int]:
    """Return the lines, counted from 1, in which the secret stands, be it in a comment."""
    secret = access_key.secret.reveal()
    return [at for at, line in enumerate(split_lines(text), 1) if secret in line]


def without_key(text: str, place: InClear) -> str:
    """Return `text` without the lines that set the key at `place`; every other byte stays.

    Comments and blank lines are no settings, so they stay too, and so does the header of what is then an
    empty section unless `whole`. Raises ConfigMalformed for a mistake anywhere in the text.
    """
    sections = IniText(text, place.path).sections()
    section = sections[place.header]
    unwanted = {KEY_ID, SECRET, *([MFA_DEVICE] if place.whole else [])}
    lines = split_lines(text)
    dropped = lines_that_set(unwanted, lines, section)
    left = {name: one.settings for name, one in sections.items()}
    left[place.header] = {k: v for k, v in section.settings.items() if k not in unwanted}
    body = range(section.line, section.end)
    if place.whole and not any(lines[at].strip() for at in body if at not in dropped):
        dropped.add(section.line - 1)
        del left[place.header]
    kept = without_lines(lines, dropped)
    if settings_in(kept, place.path) != left:
        problem = "its indentation does not let the key be taken out"
        raise ConfigMalformed(path=place.path, line=section.line, problem=problem)
    return kept
