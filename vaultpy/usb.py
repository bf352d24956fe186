"""Which USB devices are plugged in, as far as it helps to say why there is no YubiKey."""

from __future__ import annotations

from pathlib import Path

_YUBICO = "1050"


def yubico_on_usb(devices: Path = Path("/sys/bus/usb/devices")) -> bool:
    """Tell whether a device of Yubico's is plugged in; always false where Linux's sysfs is not there."""
    return any(_vendor(entry) == _YUBICO for entry in devices.glob("*/idVendor"))


def _vendor(entry: Path) -> str:
    try:
        return entry.read_text().strip()
    except OSError:  # unplugged while we look
        return ""
