"""An account that a YubiKey holds, for a person who looks through them."""

from __future__ import annotations

from vaultpy.accounts import ISSUER
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.accounts import Account


class HeldAccount(Value):
    """An account, and whether it wants a touch; None for HOTP, of which the key does not tell."""

    __slots__ = ("account", "touch")
    account: Account
    touch: bool | None

    def __init__(self, account: Account, *, touch: bool | None) -> None:
        self._set(account=account, touch=touch)

    @property
    def for_aws(self) -> bool:
        """Whether it is called as accounts for AWS are: by an MFA device's ARN, or as the QR code has it."""
        name = self.account.name
        return (name.startswith("arn:") and ":mfa/" in name) or (name.startswith(ISSUER) and "@" in name)
