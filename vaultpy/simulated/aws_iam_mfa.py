"""The simulated IAM's MFA devices: each action as a function from a call to its result."""

from __future__ import annotations

from base64 import b32encode, b64encode
from typing import TYPE_CHECKING

from vaultpy.simulated import aws_iam_errors as errors
from vaultpy.simulated.aws_iam_caller import account_of, described_user, page, permit, user_meant
from vaultpy.simulated.aws_mfa import MfaDevice
from vaultpy.simulated.aws_parameters import NAME, SERIAL_NUMBER, TOKEN_CODE
from vaultpy.simulated.aws_xml import Result, timestamp

if TYPE_CHECKING:
    from vaultpy.simulated.aws_accounts import Account, User
    from vaultpy.simulated.aws_invocation import Invocation

MOST_DEVICES = 8
LONGEST_DEVICE_NAME = 226  # recalled; the model has no limit but that of the serial
PATH = r"/|/[!-~]+/"
ASSIGNMENTS = ("Assigned", "Unassigned", "Any")
QR_CODE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
"""A picture of nothing: the seed is not in it."""


def create_virtual_mfa_device(call: Invocation) -> Result:
    """Answer CreateVirtualMFADevice, the one time that a seed is shown; tags are not kept.

    That capitals make no other name is assumed from what AWS says of IAM's names in general (unproven A23).
    """
    name = call.parameters.required("VirtualMFADeviceName", 1, LONGEST_DEVICE_NAME, NAME)
    path = call.parameters.text("Path", 1, 512, PATH) or "/"
    account = account_of(call)
    serial = account.arn(f"mfa{path}{name}")
    permit(call, "iam:CreateVirtualMFADevice", serial)
    if serial.casefold() in map(str.casefold, account.virtual_devices):
        raise errors.mfa_device_exists()
    device = account.virtual_device(name, path=path)
    seed = b64encode(b32encode(device.seed)).decode()
    shown = {"SerialNumber": device.serial, "Base32StringSeed": seed, "QRCodePNG": QR_CODE}
    return {"VirtualMFADevice": shown}


def enable_mfa_device(call: Invocation) -> Result:
    """Answer EnableMFADevice; hardware tokens cannot be enabled here, whose seeds AWS has from elsewhere.

    In which order AWS looks at what may be wrong is unknown; here the codes come last (unproven A24).
    """
    user = user_meant(call, "iam:EnableMFADevice", named=True)
    serial = _serial(call)
    device = user.account.virtual_devices.get(serial)
    _require_modifiable(user)
    if device is None:
        raise errors.no_such_mfa_device(serial)
    if user.account.holder(serial) is not None:
        raise errors.mfa_device_in_use()
    if len(user.mfa_devices) >= MOST_DEVICES:
        raise errors.over_quota("MFADevicesPerUser", MOST_DEVICES)
    _synchronize(call, device)
    device.enabled_at = call.now
    user.mfa_devices[serial] = device
    return {}


def resync_mfa_device(call: Invocation) -> Result:
    """Answer ResyncMFADevice."""
    user = user_meant(call, "iam:ResyncMFADevice", named=True)
    device = user.mfa_devices.get(_serial(call))
    if not isinstance(device, MfaDevice):
        raise errors.not_the_users_device()
    _synchronize(call, device)
    return {}


def deactivate_mfa_device(call: Invocation) -> Result:
    """Answer DeactivateMFADevice: a virtual device stays in the account, with its seed, and is nobody's."""
    user = user_meant(call, "iam:DeactivateMFADevice")
    serial = _serial(call)
    _require_modifiable(user)
    if serial not in user.mfa_devices:
        raise errors.not_the_users_device()
    user.mfa_devices.pop(serial).enabled_at = None
    return {}


def delete_virtual_mfa_device(call: Invocation) -> Result:
    """Answer DeleteVirtualMFADevice."""
    serial, account = _serial(call), account_of(call)
    permit(call, "iam:DeleteVirtualMFADevice", serial)
    if serial not in account.virtual_devices:
        raise errors.no_such_mfa_device(serial)
    if account.holder(serial) is not None:
        raise errors.mfa_device_still_in_use()
    del account.virtual_devices[serial]
    return {}


def list_mfa_devices(call: Invocation) -> Result:
    """Answer ListMFADevices, FIDO entries included."""
    user = user_meant(call, "iam:ListMFADevices")
    described = [
        {
            "UserName": user.name,
            "SerialNumber": device.serial,
            "EnableDate": timestamp(device.enabled_at or 0),
        }
        for device in user.mfa_devices.values()
    ]
    return page(call, "MFADevices", described)


def list_virtual_mfa_devices(call: Invocation) -> Result:
    """Answer ListVirtualMFADevices: the account's, without their seeds."""
    wanted = call.parameters.choice("AssignmentStatus", ASSIGNMENTS, default="Any")
    account = account_of(call)
    permit(call, "iam:ListVirtualMFADevices", account.arn("mfa/"))
    described = [_described(account, device) for device in account.virtual_devices.values()]
    kept = [each for each in described if wanted in {"Any", ASSIGNMENTS["User" not in each]}]
    return page(call, "VirtualMFADevices", kept)


def _described(account: Account, device: MfaDevice) -> dict[str, Result | None]:
    holder = account.holder(device.serial)
    shown: dict[str, Result | None] = {"SerialNumber": device.serial}
    if holder is not None:
        shown |= {"User": described_user(holder), "EnableDate": timestamp(device.enabled_at or 0)}
    return shown


def _serial(call: Invocation) -> str:
    return call.parameters.required("SerialNumber", 9, 256, SERIAL_NUMBER)


def _require_modifiable(user: User) -> None:
    if user.in_transition:
        raise errors.temporarily_unmodifiable(user.name)


def _synchronize(call: Invocation, device: MfaDevice) -> None:
    codes = [call.parameters.required(f"AuthenticationCode{n}", 6, 6, TOKEN_CODE) for n in (1, 2)]
    if not device.synchronize(codes, call.now):
        raise errors.authentication_code_wrong()


ACTIONS = {
    "CreateVirtualMFADevice": create_virtual_mfa_device,
    "DeactivateMFADevice": deactivate_mfa_device,
    "DeleteVirtualMFADevice": delete_virtual_mfa_device,
    "EnableMFADevice": enable_mfa_device,
    "ListMFADevices": list_mfa_devices,
    "ListVirtualMFADevices": list_virtual_mfa_devices,
    "ResyncMFADevice": resync_mfa_device,
}
