"""Something goes wrong at each call of each port of `write`, and at each operation on the credentials file.

After each: the file is, byte for byte, the old or the whole new one, nobody else's to read once it holds
credentials; no code is sent twice, no lock is held, and the next run works.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from support.aws import ACCOUNT
from support.broking import role
from support.faults import Faults, assert_no_lock_is_held, assert_nothing_is_half_written, sweep, went
from support.faulty_desk import Somebody
from support.faulty_files import OTHERS
from vaultpy.config import Config
from vaultpy.writing import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.aws import Clock
    from support.faulty_desk import FaultyDesk
    from vaultpy.credentials import Credentials
    from vaultpy.plan import Plan
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey
    from vaultpy.simulated.aws_mfa import MfaDevice


@pytest.fixture
def somebody(aws: SimulatedAws, aws_clock: Clock, key: AccessKey, device: MfaDevice) -> Somebody:
    return Somebody(aws, aws_clock, key, device)


# ---- ports -------------------------------------------------------------------------------------------


class Run:
    """One run, with all that `write` asks of a `Wiring`."""

    def __init__(self, desk: FaultyDesk, faults: Faults) -> None:
        self._desk, self._faults = desk, faults
        self.environ = {**desk.environ, "AWS_ENDPOINT_URL": desk.aws.url}
        self.config = Config.load(self.environ)
        self.index = faults.around(desk.index, "index")
        self.ledger = self

    def time(self) -> float:
        """Return AWS's time."""
        return float(self._faults.make("clock", "now", self._desk.ledger.time))

    def credentials_path(self) -> str:
        """Return the path of the credentials file."""
        return self.environ["AWS_SHARED_CREDENTIALS_FILE"]

    def broker(self, plan: Plan, **_options: object) -> Run:
        """Return itself."""
        del plan
        return self

    def credentials(self, plan: Plan) -> Credentials:
        """Get the plan's credentials."""
        return self._desk.run(plan, self._faults)


def do_write(desk: FaultyDesk, faults: Faults) -> bool:
    run: Any = Run(desk, faults)  # as much of a Wiring as is used
    return went(lambda: write(run, "role", {}, "written"))


def judge(desk: FaultyDesk, *, is_new: bool | None) -> None:
    """See that the file is the old one, or the whole new one with credentials that AWS knows."""
    file = desk.directory / "credentials"
    content = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert content.startswith(OTHERS)
    assert is_new is None or is_new == (content != OTHERS)
    if content != OTHERS:
        lines = content[len(OTHERS) :].decode().splitlines()
        assert lines[:2] == ["", "[written]"]
        settings = dict(line.split(" = ") for line in lines[2:])
        assert len(settings) == len(lines[2:]) == 5
        session = desk.aws.session(settings["aws_access_key_id"])
        assert session.secret == settings["aws_secret_access_key"]
        assert session.token == settings["aws_session_token"]
        assert session.expiration > desk.aws_clock()


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
def test_write_survives_every_fault_of_every_port(
    tmp_path: Path, somebody: Somebody, *, every: bool, tell: Callable[[str], None]
) -> None:
    dev = somebody.aws.account(ACCOUNT).role("dev", requires_mfa=True)
    runs = 0

    def run(faults: Faults) -> None:
        nonlocal runs
        runs += 1
        desk = somebody.sits_down(tmp_path / str(runs))
        desk.plan(role(dev.arn))  # writes the config file
        file = desk.directory / "credentials"
        file.write_bytes(OTHERS)
        file.chmod(0o600)
        done = do_write(desk, faults)
        judge(desk, is_new=None if faults.dead else done)
        assert_no_lock_is_held(desk.directory)
        assert_nothing_is_half_written(desk.directory)
        assert do_write(desk, Faults()), faults.struck
        judge(desk, is_new=True)
        desk.assert_no_code_was_sent_twice()
        assert len(desk.touched.steps) <= 1 + faults.has_struck, faults.struck

    tried = sweep(run, None if every else (0, 1))
    tell(f"{tried} faults of the ports of write")
    assert tried >= 20


# ---- operations on files -----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["error", "kill -9"])
def test_write_survives_a_fault_at_each_operation_on_the_file(
    tmp_path: Path, how: str, tell: Callable[[str], None]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "support.faulty_files", how, tmp_path],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    tell(f"{done.stdout.strip()} times {how} at an operation of write on the credentials file")
    assert int(done.stdout) >= 40
