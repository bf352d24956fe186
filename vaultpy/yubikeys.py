"""All the YubiKeys at hand as one MFA device: ask for the touch and take the code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.mfa import DIGITS, TokenCode
from vaultpy.touches import TOUCHES, Touches
from vaultpy.trace import trace
from vaultpy.yubikeys_at_hand import DigitsTypedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from vaultpy.mfa import CodeWanted, Meanwhile
    from vaultpy.yubikey_search import Found
    from vaultpy.yubikeys_at_hand import Watcher

    class Search(Protocol):
        """What knows where the account is."""

        def find(self, wanted: CodeWanted, meanwhile: Meanwhile) -> Found | str:
            """Return the key that has it, or six digits that were typed while one was waited for."""


class YubiKeys:
    """An MfaDevice."""

    def __init__(
        self,
        search: Callable[[], Search],
        person: Watcher,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`search` reaches the card readers and may raise PcscMissing or PcscRefused."""
        self._search = search
        self._touches = Touches(person, clock)

    def token_code(
        self, wanted: CodeWanted, step_for: Callable[[str], int], meanwhile: Meanwhile
    ) -> TokenCode:
        """Return the code of the step that `step_for` names, or the digits that somebody typed instead.

        Raises NotTouched after three touches that did not come, AccountUnfit, and what search and key raise.
        """
        found = self._search().find(wanted, meanwhile)
        if isinstance(found, str):
            return TokenCode(wanted.mfa_serials[0], found, None)
        try:
            meanwhile.prepare()
            for attempt in range(TOUCHES):
                code = self._touched(found, step_for, _touch_text(wanted, again=attempt > 0), meanwhile)
                if code is not None:
                    return code
        finally:
            found.connection.close()
        raise errors.NotTouched(times=TOUCHES)

    def _touched(
        self, found: Found, step_for: Callable[[str], int], text: str, meanwhile: Meanwhile
    ) -> TokenCode | None:
        """Return the code, or None if nobody touched the key in time."""
        serial, account = found.choice.mfa_serial, found.choice.account
        step = step_for(serial)
        trace(f"asking {found.where} for the code of {account.name}, step {step}")
        try:
            digits = self._touches.answer(lambda: found.key.calculate(account, step), text, meanwhile)
        except DigitsTypedError as typed:
            return TokenCode(serial, typed.digits, None)
        if digits is None:
            return None
        if len(digits) != DIGITS:
            kind = f"{account.kind}, {len(digits)} digits"
            raise errors.AccountUnfit(account=account.name, where=found.where, kind=kind)
        return TokenCode(serial, digits, step)


def _touch_text(wanted: CodeWanted, *, again: bool) -> str:
    reason = wanted.reason or ("it was not touched in time" if again else "")
    return f"touch the YubiKey{wanted.touch}{' again, ' + reason if reason else ''}: {wanted.purpose}"
