"""Something goes wrong at each call of each port of `exec --server` and `serve`, during half an hour.

After each: the command's status is ours, the port is closed, every request got credentials that AWS takes or
an error in words, what failed is got once it is well again, no code is sent twice, and the next run works.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.aws import ACCOUNT
from support.broking import role
from support.faults import Faults, assert_no_lock_is_held, assert_nothing_is_half_written, sweep, went
from support.faulty_desk import Somebody
from support.faulty_server import AGO, CONFIG, OK, SHORT, STATUS, UNAVAILABLE, FaultyServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.aws import Clock
    from support.faulty_desk import FaultyDesk
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey
    from vaultpy.simulated.aws_mfa import MfaDevice

TOUCHES = 3
VERBS = ["exec --server", "serve"]
LIVED = [OK, OK, OK, UNAVAILABLE, OK]


class Server:
    """Runs of one verb, each on a computer of its own."""

    def __init__(self, directory: Path, somebody: Somebody, verb: str) -> None:
        self._directory, self._somebody, self._verb = directory, somebody, verb
        self._role = somebody.aws.account(ACCOUNT).role("dev", requires_mfa=True)
        self._runs = 0

    def run(self, faults: Faults) -> None:
        """Run with `faults`, and judge what is left."""
        self._runs += 1
        desk = self._somebody.sits_down(self._directory / str(self._runs), AGO)
        plan = desk.plan(CONFIG + role(self._role.arn, more=SHORT))
        run = FaultyServer(desk, plan, faults)
        token_file = desk.directory / "token"
        done = went(run.execute if self._verb == VERBS[0] else lambda: run.serve(str(token_file)))
        assert not run.is_open(), faults.struck
        assert not token_file.exists()
        assert_no_lock_is_held(desk.directory)
        assert_nothing_is_half_written(desk.directory)
        if run.answers and not faults.dead:
            assert done
            assert run.status == (STATUS if self._verb == VERBS[0] else None)
            assert run.answers[-1].status == OK, faults.struck
        self._judge(desk, run, faults)

    def _judge(self, desk: FaultyDesk, run: FaultyServer, faults: Faults) -> None:
        if not faults.has_struck:
            assert [it.status for it in run.answers] == LIVED
            assert len(desk.touched.steps) == TOUCHES
        assert not [text for text in run.said if "bug" in text], faults.struck
        desk.assert_no_code_was_sent_twice()
        assert len(desk.touched.steps) <= TOUCHES + 1, faults.struck
        found = desk.run(run.plan, Faults())
        assert desk.aws.session(found.access_key_id).expiration > desk.aws_clock()


@pytest.fixture
def somebody(aws: SimulatedAws, aws_clock: Clock, key: AccessKey, device: MfaDevice) -> Somebody:
    return Somebody(aws, aws_clock, key, device)


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize("verb", VERBS)
def test_a_server_survives_every_fault_of_every_port(
    tmp_path: Path, somebody: Somebody, verb: str, *, every: bool, tell: Callable[[str], None]
) -> None:
    part = None if every else (VERBS.index(verb), len(VERBS))  # what they share goes wrong for one of them
    tried = sweep(Server(tmp_path, somebody, verb).run, part)
    tell(f"{tried} faults of the ports of {verb}")
    assert tried >= 50


# The signal comes before each instruction of the interpreter, until it waits for one.
SIGNALLED = """
import os, signal, sys
from vaultpy.serve import _until_told

def wait(moment, patience):
    passed = 0

    def trace(frame, event, argument):
        nonlocal passed
        if frame.f_code is ours:
            return None
        frame.f_trace_opcodes = True
        passed += 1
        if passed == moment:
            os.kill(os.getpid(), signal.SIGTERM)
        return trace

    give_up = lambda *_: os._exit(passed)
    ours = give_up.__code__
    signal.signal(signal.SIGALRM, signal.SIG_DFL if moment else give_up)
    with _until_told() as wait:
        signal.setitimer(signal.ITIMER_REAL, patience)
        sys.settrace(trace)
        wait()
    os._exit(0)

def status(moment, patience):
    child = os.fork() or wait(moment, patience)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

moments = status(0, 0.5)
for moment in range(1, moments + 1):
    assert status(moment, 20) == 0, f"no end at moment {moment} of {moments}"
print(moments)
"""


def test_serve_ends_by_a_signal_whenever_that_comes(tell: Callable[[str], None]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    tell(f"{done.stdout.strip()} moments of a signal to serve")
    assert int(done.stdout) > 1
