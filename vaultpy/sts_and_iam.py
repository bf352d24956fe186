"""STS and IAM together, for an access key that is enrolled or about to be: whose it is, and what IAM says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.sts import Sts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.credentials import AccessKey
    from vaultpy.iam import Iam
    from vaultpy.iam_records import AccessKeyState, EnabledDevice


class StsAndIam:
    """STS and IAM of one region, or at endpoints of their own."""

    def __init__(
        self, region: str, sts_url: str | None, iam_url: str | None, settings: Mapping[str, str]
    ) -> None:
        self.region = region
        self._sts = Sts(region, sts_url, settings)
        self._iam_at = (region, iam_url, settings)
        self.host = sts_url or f"STS in {region}"
        self.clock_offset = self._sts.clock_offset
        self.caller_arn = self._sts.caller_arn

    def mfa_serials(self, signer: AccessKey, user_name: str) -> tuple[str, ...]:
        """Return the user's MFA devices that make codes."""
        return self._iam().mfa_serials(signer, user_name)

    def mfa_devices(self, signer: AccessKey, user_name: str) -> tuple[EnabledDevice, ...]:
        """Return the user's MFA devices."""
        return self._iam().mfa_devices(signer, user_name)

    def access_keys(self, signer: AccessKey, user_name: str) -> tuple[AccessKeyState, ...]:
        """Return the user's access keys."""
        return self._iam().access_keys(signer, user_name)

    def _iam(self) -> Iam:
        from vaultpy.iam import Iam

        return Iam(*self._iam_at)
