"""IAM, as far as the life of an access key needs it: MFA devices and access keys of a user.

Each call is made once. After NoAnswer, AwsBusy or AnswerMalformed nobody knows if it had its effect; what
then may be repeated, and what tells, stands at each method. A user is always named: signed with a session,
some calls want it so.
"""

from __future__ import annotations

from base64 import b32decode
from typing import TYPE_CHECKING, Any

from vaultpy.aws_api import AwsClient
from vaultpy.credentials import AccessKey
from vaultpy.errors import AnswerMalformed
from vaultpy.iam_records import AccessKeyState, EnabledDevice, LastUse, VirtualDevice
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.credentials import Signs

_MOST_PAGES = 100
_MOST_ENTRIES = 20_000  # an account's virtual devices; AWS grants ten thousand users at the most
_STATES = {True: "Active", False: "Inactive"}


class Iam:
    """IAM of one partition; every method raises the errors of `aws_api`.

    A signer is an access key or a session; IAM takes a session only if it was made with MFA.
    """

    def __init__(
        self, region: str, endpoint_url: str | None, settings: Mapping[str, str], profile: str = ""
    ) -> None:
        """Build the client; IAM is global within a partition, `region` only says which one.

        `profile` is named in hints.
        """
        self._client = AwsClient("iam", region, endpoint_url, settings)
        self._facts = {"profile": profile}

    # ---- MFA devices ---------------------------------------------------------------------------------

    def mfa_serials(self, signer: Signs, user_name: str) -> tuple[str, ...]:
        """Return the serials of the user's devices that make codes; FIDO ones cannot serve the API."""
        return tuple(each.serial for each in self.mfa_devices(signer, user_name) if each.makes_codes)

    def mfa_devices(self, signer: Signs, user_name: str) -> tuple[EnabledDevice, ...]:
        """Return all of the user's enabled devices."""
        listed = self._list("list_mfa_devices", "MFADevices", signer, {"UserName": user_name})
        return tuple(
            EnabledDevice(self._text(each, "SerialNumber"), self._epoch(each, "EnableDate"))
            for each in listed
        )

    def unassigned_serials(self, signer: Signs) -> tuple[str, ...]:
        """Return the serials of the account's virtual devices that are enabled for nobody."""
        asked = {"AssignmentStatus": "Unassigned"}
        listed = self._list("list_virtual_mfa_devices", "VirtualMFADevices", signer, asked)
        return tuple(self._text(each, "SerialNumber") for each in listed)

    def create_mfa_device(self, signer: Signs, name: str, path: str = "/") -> VirtualDevice:
        """Create a virtual device, which is nobody's yet; AWS shows its seed this once.

        Not to be repeated: the seed of a device whose answer was lost is lost. If it is among
        `unassigned_serials`, delete it and begin anew. A name that is taken: AwsRefused, ALREADY_THERE.
        """
        answer = self._call("create_virtual_mfa_device", signer, {"VirtualMFADeviceName": name, "Path": path})
        device = self._part(answer, "VirtualMFADevice")
        seed = device.get("Base32StringSeed")
        if not isinstance(seed, bytes) or not _is_base32(seed):
            raise AnswerMalformed(host=self._client.host, reason="no Base32StringSeed")
        return VirtualDevice(self._text(device, "SerialNumber"), Secret(seed.decode().rstrip("=").upper()))

    def enable_mfa_device(
        self, signer: Signs, user_name: str, serial: str, codes: tuple[Secret, Secret]
    ) -> None:
        """Make the device the user's, with the codes of two time steps in a row, the current one last.

        Not to be repeated: `mfa_devices` tells if it was done, and if so, that both codes are used. Wrong
        codes: AwsRefused, CODES_WRONG; a ninth device: LIMIT_REACHED.
        """
        self._call("enable_mfa_device", signer, _with_codes(user_name, serial, codes))

    def resync_mfa_device(
        self, signer: Signs, user_name: str, serial: str, codes: tuple[Secret, Secret]
    ) -> None:
        """Let AWS set itself by the device's codes of two time steps in a row, the current one last.

        To be repeated with later codes only: AWS may have used these. Wrong codes: AwsRefused, CODES_WRONG.
        """
        self._call("resync_mfa_device", signer, _with_codes(user_name, serial, codes))

    def deactivate_mfa_device(self, signer: Signs, user_name: str, serial: str) -> None:
        """Take the device from the user; a virtual one stays in the account until it is deleted.

        Safe to repeat: AwsRefused, NOT_THERE says that it was done.
        """
        self._call("deactivate_mfa_device", signer, {"UserName": user_name, "SerialNumber": serial})

    def delete_mfa_device(self, signer: Signs, serial: str) -> None:
        """Delete a virtual device that is nobody's; else AwsRefused, STILL_IN_USE.

        Safe to repeat: AwsRefused, NOT_THERE says that it was done.
        """
        self._call("delete_virtual_mfa_device", signer, {"SerialNumber": serial})

    # ---- access keys ---------------------------------------------------------------------------------

    def access_keys(self, signer: Signs, user_name: str) -> tuple[AccessKeyState, ...]:
        """Return the user's access keys."""
        listed = self._list("list_access_keys", "AccessKeyMetadata", signer, {"UserName": user_name})
        return tuple(
            AccessKeyState(
                self._text(each, "AccessKeyId"),
                active=each.get("Status") == _STATES[True],
                created=self._epoch(each, "CreateDate"),
            )
            for each in listed
        )

    def last_use(self, signer: Signs, key_id: str) -> LastUse | None:
        """Return when and where the key was last used, None if never; AWS may be hours behind."""
        answer = self._call("get_access_key_last_used", signer, {"AccessKeyId": key_id})
        used = self._part(answer, "AccessKeyLastUsed")
        if used.get("LastUsedDate") is None:
            return None
        at = self._epoch(used, "LastUsedDate")
        return LastUse(at, self._text(used, "ServiceName"), self._text(used, "Region"))

    def create_access_key(self, signer: Signs, user_name: str) -> AccessKey:
        """Create an access key; AWS shows its secret this once, and knows the key only seconds later.

        Not to be repeated: each time makes another key. The one whose answer was lost is the one that
        `access_keys` had not before; it is of no use and should be deleted. A third key: AwsRefused,
        LIMIT_REACHED.
        """
        made = self._part(self._call("create_access_key", signer, {"UserName": user_name}), "AccessKey")
        return AccessKey(self._text(made, "AccessKeyId"), Secret(self._text(made, "SecretAccessKey")))

    def set_access_key(self, signer: Signs, user_name: str, key_id: str, *, active: bool) -> None:
        """Make a key active or inactive. Safe to repeat, by another signer if it was the signer's own key."""
        asked = {"UserName": user_name, "AccessKeyId": key_id, "Status": _STATES[active]}
        self._call("update_access_key", signer, asked)

    def delete_access_key(self, signer: Signs, user_name: str, key_id: str) -> None:
        """Delete a key, be it active or not. Safe to repeat: AwsRefused, NOT_THERE says that it was done."""
        self._call("delete_access_key", signer, {"UserName": user_name, "AccessKeyId": key_id})

    # ---- the answers ---------------------------------------------------------------------------------

    def _call(self, operation: str, signer: Signs, parameters: Mapping[str, object]) -> dict[str, Any]:
        return self._client.call(operation, signer, parameters, self._facts)

    def _list(
        self, operation: str, member: str, signer: Signs, parameters: Mapping[str, object]
    ) -> list[dict[str, Any]]:
        """Return all pages of a list: AWS may break it off anywhere."""
        found: list[dict[str, Any]] = []
        asked = dict(parameters)
        for _ in range(_MOST_PAGES):
            answer = self._call(operation, signer, asked)
            found += answer.get(member) or []
            if not answer.get("IsTruncated"):
                return found
            if len(found) > _MOST_ENTRIES:
                break
            asked["Marker"] = self._text(answer, "Marker")
        raise AnswerMalformed(host=self._client.host, reason="a list without an end")

    def _part(self, answer: dict[str, Any], name: str) -> dict[str, Any]:
        part = answer.get(name)
        if not isinstance(part, dict):
            raise self._lacks(name)
        return part

    def _text(self, found: dict[str, Any], name: str) -> str:
        text = found.get(name)
        if not isinstance(text, str) or not text or not (text.isascii() and text.isprintable()):
            raise self._lacks(name)
        return text

    def _epoch(self, found: dict[str, Any], name: str) -> int:
        when = found.get(name)
        if when is None:
            raise self._lacks(name)
        return int(when.timestamp())

    def _lacks(self, name: str) -> AnswerMalformed:
        return AnswerMalformed(host=self._client.host, reason=f"no {name}")


def _with_codes(user_name: str, serial: str, codes: tuple[Secret, Secret]) -> dict[str, object]:
    numbered = {"AuthenticationCode1": codes[0], "AuthenticationCode2": codes[1]}
    return {"UserName": user_name, "SerialNumber": serial, **numbered}


def _is_base32(text: bytes) -> bool:
    """Tell whether it is, in an exception's place: that would hold the text."""
    bare = text.rstrip(b"=")
    try:
        return bool(b32decode(bare + b"=" * (-len(bare) % 8), casefold=True))
    except ValueError:
        return False
