"""Scenarios of this computer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.config import Config
from vaultpy.index import Index
from vaultpy.ledger import Ledger
from vaultpy.plan import Options, make_plan
from vaultpy.recent_timeouts import RecentTimeouts
from zoo.scenario import leads_to

if TYPE_CHECKING:
    from zoo.keeper import Told, Zoo


@leads_to(errors.StillBusy, slow=True)
def a_process_that_does_not_come_to_an_end(zoo: Zoo) -> Told:
    device = zoo.device()
    ledger = Ledger(f"{zoo.world.environment['XDG_STATE_HOME']}/vaultpy", zoo.now)
    with ledger.lock("mfa", device.serial, waiting=lambda _: None):
        told = zoo.exec_fails("--mfa-serial", device.serial, profile="dev")
    waiting = f"vaultpy: waiting for process {os.getpid()}, which is getting the same credentials"
    assert told.talk == [waiting]
    return told


@leads_to(errors.TimedOut, slow=True)
def another_run_that_an_sdk_would_have_to_wait_for(zoo: Zoo) -> Told:
    device = zoo.device()
    ledger = Ledger(f"{zoo.world.environment['XDG_STATE_HOME']}/vaultpy", zoo.now)
    with ledger.lock("mfa", device.serial, waiting=lambda _: None):
        return zoo.fails("credential-process", "--no-cache", "--mfa-serial", device.serial, "dev")


@leads_to(errors.TimedOutJustNow)
def a_touch_that_was_missed_a_moment_ago(zoo: Zoo) -> Told:
    environment = zoo.world.environment
    index = Index(f"{environment['XDG_STATE_HOME']}/vaultpy/index")
    plan = make_plan(Config.load(environment), index, "dev-role", Options(), environment)
    recent = RecentTimeouts(f"{environment['XDG_STATE_HOME']}/vaultpy", zoo.now)
    recent.remember(plan.question(len(plan.requests)), errors.NotTouched(times=3))
    return zoo.fails("credential-process", "--no-cache", "dev-role")


@leads_to(errors.Internal)
def a_bug(zoo: Zoo) -> Told:
    broken = zoo.file("import os\nraise RuntimeError(os.environ['AWS_SECRET_ACCESS_KEY'])\n", "boto3.py")
    return zoo.fails("add", "other", "--env", env=zoo.with_key(PYTHONPATH=broken.parent))
