"""A Yubico device is seen on USB, by Linux's sysfs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vaultpy.usb import yubico_on_usb

if TYPE_CHECKING:
    from pathlib import Path


def plug_in(devices: Path, name: str, vendor: str | None) -> None:
    (devices / name).mkdir()
    if vendor is not None:
        (devices / name / "idVendor").write_text(vendor + "\n")


def test_a_yubico_device_is_known_by_its_vendor(tmp_path: Path) -> None:
    plug_in(tmp_path, "usb1", "1d6b")
    plug_in(tmp_path, "1-1", "1050")
    assert yubico_on_usb(tmp_path)


@pytest.mark.parametrize("vendor", ["1d6b", "10500", None])
def test_others_are_not_yubico(tmp_path: Path, vendor: str | None) -> None:
    plug_in(tmp_path, "1-1", vendor)
    assert not yubico_on_usb(tmp_path)


def test_a_device_that_is_unplugged_while_we_look_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "1-1").mkdir()
    (tmp_path / "1-1" / "idVendor").symlink_to(tmp_path / "gone")
    assert not yubico_on_usb(tmp_path)


def test_where_there_is_no_sysfs_nothing_is_seen(tmp_path: Path) -> None:
    assert not yubico_on_usb(tmp_path / "none")
