"""What AWS says of an access key that is about to be enrolled, from STS and IAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.sts import Sts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.credentials import AccessKey


class KeyCheck:
    """What AWS says of a key, from STS and IAM."""

    def __init__(
        self, region: str, sts_url: str | None, iam_url: str | None, settings: Mapping[str, str]
    ) -> None:
        self.region = region
        self._sts = Sts(region, sts_url, settings)
        self._iam = (region, iam_url, settings)
        self.caller_arn = self._sts.caller_arn

    def mfa_serials(self, signer: AccessKey, user_name: str) -> tuple[str, ...]:
        """Return the user's MFA devices that make codes."""
        from vaultpy.iam import Iam

        return Iam(*self._iam).mfa_serials(signer, user_name)
