"""A simulated YubiKey, plugged into a virtual reader behind a real pcscd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.pcscd import Pcscd, missing
from support.virtual_card import VirtualCard
from vaultpy.simulated.finger import PressedFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pcscd(tmp_path: Path) -> Iterator[Pcscd]:
    """Run a real pcscd with one YubiKey's reader; nothing is plugged in."""
    if reason := missing():
        pytest.skip(reason)
    directory = tmp_path / "pcscd"
    directory.mkdir()
    with Pcscd(directory) as daemon:
        yield daemon


@pytest.fixture
def finger() -> PressedFinger:
    """Provide the finger over `yubikey`'s sensor."""
    return PressedFinger()


@pytest.fixture
def yubikey(finger: PressedFinger) -> SimulatedYubiKey:
    """Provide a YubiKey 5 without accounts."""
    return SimulatedYubiKey(finger=finger)


@pytest.fixture
def virtual_card(pcscd: Pcscd, yubikey: SimulatedYubiKey) -> Iterator[VirtualCard]:
    """Plug `yubikey` in at `pcscd`'s reader."""
    with VirtualCard(yubikey, pcscd.readers[0]) as card:
        yield card
