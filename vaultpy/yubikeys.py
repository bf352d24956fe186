"""All the YubiKeys at hand as one MFA device: ask for the touch and take the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.background import Task
from vaultpy.key_search import POLL_SECONDS
from vaultpy.mfa import TokenCode
from vaultpy.trace import trace
from vaultpy.yubikey import NoTouchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.key_search import Found, KeySearch, Person
    from vaultpy.mfa import CodeWanted, Meanwhile

TOUCH_SECONDS = 15
TOUCHES = 3
_UNNOTICED_SECONDS = 0.1
_CODE_LENGTH = 6


class YubiKeys:
    """An MfaDevice."""

    def __init__(self, search: Callable[[], KeySearch], person: Person) -> None:
        """`search` reaches the card readers and may raise PcscMissing or PcscRefused."""
        self._search = search
        self._person = person

    def token_code(
        self, wanted: CodeWanted, step_for: Callable[[str], int], meanwhile: Meanwhile
    ) -> TokenCode:
        """Return the code of the step that `step_for` names, or the digits that somebody typed instead."""
        found = self._search().find(wanted, meanwhile)
        if isinstance(found, str):
            return TokenCode(wanted.mfa_serials[0], found, None)
        meanwhile.prepare()
        for attempt in range(TOUCHES):
            code = self._touched(found, step_for, _touch_text(wanted, again=attempt > 0), meanwhile)
            if code is not None:
                return code
        found.connection.close()
        raise errors.NotTouched(times=TOUCHES)

    def _touched(
        self, found: Found, step_for: Callable[[str], int], text: str, meanwhile: Meanwhile
    ) -> TokenCode | None:
        """Return the code, or None if nobody touched the key in time.

        While CALCULATE runs, closing the connection would wait for it: a typed code, an error and Ctrl-C
        leave that to the end of the process.
        """
        serial, account = found.choice.mfa_serial, found.choice.account
        step = step_for(serial)
        trace(f"asking {found.where} for the code of {account.name}, step {step}")
        task = Task(lambda: found.key.calculate(account, step))
        waited = not task.finished(_UNNOTICED_SECONDS)
        if waited:
            with self._person.waiting(text, TOUCH_SECONDS) as waiting:
                while not task.finished(0):
                    typed = waiting.pause(POLL_SECONDS, task.done)
                    if typed is not None:
                        return TokenCode(serial, typed, None)
                    meanwhile.check()
        try:
            digits = task.result()
        except NoTouchError:
            if waited:
                return None
            raise errors.YubiKeyFailed(reason="it refused without waiting for a touch") from None
        found.connection.close()
        if len(digits) != _CODE_LENGTH:
            kind = f"{account.kind}, {len(digits)} digits"
            raise errors.AccountUnfit(account=account.name, where=found.where, kind=kind)
        return TokenCode(serial, digits, step)


def _touch_text(wanted: CodeWanted, *, again: bool) -> str:
    reason = wanted.reason or ("it was not touched in time" if again else "")
    return f"touch the YubiKey{' again, ' + reason if reason else ''}: {wanted.purpose}"
