"""The six digits: what is asked of an MFA device, and what it answers."""

from __future__ import annotations

from vaultpy.errors import BadCode
from vaultpy.values import Secret, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Meanwhile(Protocol):
        """What goes on while a person is waited for."""

        def prepare(self) -> None:
            """Begin; called just before a person is waited for, any number of times."""

        def check(self) -> None:
            """Raise what makes the waiting useless; called now and then."""

    class MfaDevice(Protocol):
        """Whatever can give a code: a YubiKey, or a person who types."""

        def token_code(
            self, wanted: CodeWanted, step_for: Callable[[str], int], meanwhile: Meanwhile
        ) -> TokenCode:
            """Return the code of the time step that `step_for(mfa_serial)` names."""


STEP_SECONDS = 30
DIGITS = 6


class NoMoreCodesError(Exception):
    """The device had one code alone, which it has given."""


class NothingMeanwhile:
    """A Meanwhile in which nothing goes on."""

    def prepare(self) -> None:
        """Begin nothing."""

    def check(self) -> None:
        """Find nothing wrong."""


class CodeWanted(Value):
    """One code: for which of the user's MFA devices, under which account, and why a finger is asked for.

    `touch` says which of several touches it is: empty, or such as `" (2 of 2)"`.
    """

    __slots__ = ("account", "mfa_serials", "purpose", "reason", "touch", "user_name")
    mfa_serials: tuple[str, ...]
    user_name: str
    account: str | None
    purpose: str
    reason: str
    touch: str

    def __init__(  # noqa: PLR0913  # what a prompt tells
        self,
        mfa_serials: tuple[str, ...],
        user_name: str,
        *,
        account: str | None,
        purpose: str,
        reason: str = "",
        touch: str = "",
    ) -> None:
        self._set(mfa_serials=mfa_serials, user_name=user_name, account=account)
        self._set(purpose=purpose, reason=reason, touch=touch)

    def because(self, reason: str) -> CodeWanted:
        """Return the same wish, with the reason why it is asked again: one touch more than was told."""
        return CodeWanted(
            self.mfa_serials, self.user_name, account=self.account, purpose=self.purpose, reason=reason
        )


class TokenCode(Value):
    """Six digits for one MFA device, and their 30-second step; None where a person typed them."""

    __slots__ = ("digits", "mfa_serial", "step")
    mfa_serial: str
    digits: Secret
    step: int | None

    def __init__(self, mfa_serial: str, digits: str, step: int | None) -> None:
        """Take `digits`; raises BadCode unless there are six of them."""
        if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
            raise BadCode
        self._set(mfa_serial=mfa_serial, digits=Secret(digits), step=step)


def is_virtual(mfa_serial: str) -> bool:
    """Tell whether a YubiKey can stand for this device: a hardware token's serial is no ARN."""
    return mfa_serial.startswith("arn:")
