"""Access keys as other tools keep them: in clear in AWS's files, as aws-mfa does too, and in aws-vault."""

from __future__ import annotations

from vaultpy import access_key_input
from vaultpy.access_key_in_clear import (
    KEY_ID,
    MFA_DEVICE,
    SECRET,
    SESSION_TOKENS,
    InClear,
    lines_with,
)
from vaultpy.config import CONFIG_FILE, CREDENTIALS_FILE, decode, read_bytes
from vaultpy.config_text import IniText, name_in
from vaultpy.errors import VaultpyError
from vaultpy.profile import is_mfa_serial
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    from vaultpy.config_section import Section
    from vaultpy.credentials import AccessKey

    class AwsVault(Protocol):
        """The user's aws-vault."""

        def names(self) -> list[str]:
            """Return the names under which it keeps keys; raises AwsVaultFailed."""

        def access_key(self, name: str) -> AccessKey:
            """Have it hand out a key; raises BadKeyInput."""


LONG_TERM = "-long-term"


class FoundKey(Value):
    """An access key that another tool keeps and that is to be enrolled as `name`.

    `where` says where it is; one with a secret in a file of AWS's that does not end by itself is `in_clear`.
    `mfa_serial` is the device that the tool uses with it, if it says so. Where there is no `access_key`,
    `problem` says why.
    """

    __slots__ = ("access_key", "in_clear", "mfa_serial", "name", "problem", "where")
    name: str
    where: str
    access_key: AccessKey | None
    in_clear: InClear | None
    mfa_serial: str
    problem: str

    def __init__(  # noqa: PLR0913  # what is known of a key
        self,
        name: str,
        where: str,
        access_key: AccessKey | None,
        *,
        in_clear: InClear | None = None,
        mfa_serial: str = "",
        problem: str = "",
    ) -> None:
        self._set(name=name, where=where, access_key=access_key, in_clear=in_clear)
        self._set(mfa_serial=mfa_serial, problem=problem)


def in_files(credentials: str, config: str) -> list[FoundKey]:
    """Return what stands in clear in AWS's credentials file and config file, given by their paths.

    What aws-mfa keeps is named as a problem: it goes by another name. Raises ConfigMalformed and
    ConfigUnreadable.
    """
    found = []
    for header, section in _with_key(credentials, CREDENTIALS_FILE):
        place = InClear(credentials, header)
        if _is_of_aws_mfa(header, section):
            problem = "aws-mfa's key moves by: vaultpy import aws-mfa"
            found.append(FoundKey(header, str(place), None, in_clear=place, problem=problem))
        else:
            found.append(_in_clear(header, place, section.settings))
    for header, section in _with_key(config, CONFIG_FILE):
        name = "default" if header == "default" else name_in(header, "profile")
        if name is not None:
            found.append(_in_clear(name, InClear(config, header, variable=CONFIG_FILE), section.settings))
    return found


def of_aws_mfa(credentials: str) -> list[FoundKey]:
    """Return the keys that aws-mfa works with, by the name that it gives their sessions.

    Raises ConfigMalformed and ConfigUnreadable.
    """
    return [
        _in_clear(header.removesuffix(LONG_TERM), InClear(credentials, header, whole=True), section.settings)
        for header, section in _with_key(credentials, CREDENTIALS_FILE)
        if header.endswith(LONG_TERM)
    ]


def lines_left(place: InClear, access_key: AccessKey) -> list[int]:
    """Return in which lines of that file, from 1, the secret still stands; raises ConfigUnreadable."""
    text = decode(read_bytes(place.path, place.variable), place.path, place.variable)
    return lines_with(text, access_key)


def of_aws_vault(aws_vault: AwsVault, wanted: Callable[[str], bool]) -> list[FoundKey]:
    """Return the keys that aws-vault keeps under names that are `wanted`, each handed out by itself.

    Raises AwsVaultMissing and AwsVaultFailed.
    """
    return [_handed_out(aws_vault, name) for name in aws_vault.names() if wanted(name)]


def _handed_out(aws_vault: AwsVault, name: str) -> FoundKey:
    where = "aws-vault"
    try:
        return FoundKey(name, where, aws_vault.access_key(name))
    except VaultpyError as error:
        return FoundKey(name, where, None, problem=error.message)


def _with_key(path: str, variable: str) -> list[tuple[str, Section]]:
    text = decode(read_bytes(path, variable), path, variable)
    sections = IniText(text, path).sections().items()
    return [(header, section) for header, section in sections if {KEY_ID, SECRET} & section.settings.keys()]


def _is_of_aws_mfa(header: str, section: Section) -> bool:
    return header.endswith(LONG_TERM) and MFA_DEVICE in section.settings


def _in_clear(name: str, place: InClear, settings: Mapping[str, str]) -> FoundKey:
    device = settings.get(MFA_DEVICE, "")
    try:
        access_key = access_key_input.from_settings(settings, str(place))
    except VaultpyError as error:
        stays = settings.get(SECRET) and not any(map(settings.get, SESSION_TOKENS))
        return FoundKey(name, str(place), None, in_clear=place if stays else None, problem=error.message)
    serial = device if is_mfa_serial(device) else ""
    return FoundKey(name, str(place), access_key, in_clear=place, mfa_serial=serial)
