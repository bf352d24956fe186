"""MFA devices that are no YubiKey: a code that was given with the command, and one that a person types."""

from __future__ import annotations

from vaultpy.errors import NoCode
from vaultpy.mfa import NoMoreCodesError, TokenCode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from vaultpy.errors import VaultpyError
    from vaultpy.mfa import CodeWanted, Meanwhile

    class Asks(Protocol):
        """A person at a terminal."""

        def ask(self, question: str, otherwise: VaultpyError) -> str:
            """Return what is typed; raises `otherwise` where there is no terminal."""


class GivenCode:
    """An MfaDevice that has one code; raises BadCode unless it is one."""

    def __init__(self, digits: str) -> None:
        TokenCode("", digits, None)
        self._digits: str | None = digits

    def token_code(
        self, wanted: CodeWanted, step_for: Callable[[str], int], meanwhile: Meanwhile
    ) -> TokenCode:
        """Return it, the first time; raises NoMoreCodesError after that."""
        del step_for, meanwhile
        if self._digits is None:
            raise NoMoreCodesError
        digits, self._digits = self._digits, None
        return TokenCode(wanted.mfa_serials[0], digits, None)


class TypedCode:
    """An MfaDevice that a person reads and types."""

    def __init__(self, person: Asks) -> None:
        self._person = person

    def token_code(
        self, wanted: CodeWanted, step_for: Callable[[str], int], meanwhile: Meanwhile
    ) -> TokenCode:
        """Ask for the code; raises NoCode without a terminal, BadCode for what is none."""
        del step_for
        meanwhile.prepare()
        serial = wanted.mfa_serials[0]
        again = f" ({wanted.reason})" if wanted.reason else ""
        typed = self._person.ask(f"code of {serial}{again}, {wanted.purpose}", NoCode(mfa_serial=serial))
        meanwhile.check()
        return TokenCode(serial, typed.replace(" ", ""), None)
