"""Scenarios of this computer."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.ledger import Ledger
from zoo.scenario import leads_to

if TYPE_CHECKING:
    from zoo.keeper import Told, Zoo


@leads_to(errors.StillBusy, slow=True)
def a_process_that_does_not_come_to_an_end(zoo: Zoo) -> Told:
    device = zoo.device()
    ledger = Ledger(f"{zoo.world.environment['XDG_STATE_HOME']}/vaultpy", time.time)
    with ledger.lock("mfa", device.serial, waiting=lambda _: None):
        told = zoo.exec_fails("--mfa-serial", device.serial, profile="dev")
    waiting = f"vaultpy: waiting for process {os.getpid()}, which is getting the same credentials"
    assert told.talk == [waiting]
    return told


@leads_to(errors.Internal)
def a_bug(zoo: Zoo) -> Told:
    broken = zoo.file("import os\nraise RuntimeError(os.environ['AWS_SECRET_ACCESS_KEY'])\n", "boto3.py")
    return zoo.fails("add", "other", "--env", env=zoo.with_key(PYTHONPATH=broken.parent))
