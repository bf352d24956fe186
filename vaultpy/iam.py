"""IAM, as far as the life of an access key needs it: which MFA devices a user has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.aws_api import AwsClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.credentials import AccessKey


class Iam:
    """IAM of one partition; every method raises the errors of `aws_api`."""

    def __init__(self, region: str, endpoint_url: str | None, settings: Mapping[str, str]) -> None:
        """Build the client; IAM is global within a partition, `region` only says which one."""
        self._client = AwsClient("iam", region, endpoint_url, settings)

    def mfa_serials(self, signer: AccessKey, user_name: str) -> tuple[str, ...]:
        """Return the serials of the user's devices that make codes; FIDO ones cannot serve the API."""
        answer = self._client.call("list_mfa_devices", signer, {"UserName": user_name}, {"profile": ""})
        serials = [str(device.get("SerialNumber", "")) for device in answer.get("MFADevices", [])]
        return tuple(serial for serial in serials if serial and ":u2f/" not in serial)
