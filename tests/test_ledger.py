"""One process at a time, and no MFA code twice."""

from __future__ import annotations

import os
import signal
import stat
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from support.remembering import run, start
from vaultpy.errors import StateUnusable, StillBusy
from vaultpy.ledger import Ledger
from vaultpy.mfa import STEP_SECONDS
from vaultpy.state import try_lock

if TYPE_CHECKING:
    import subprocess

STEP = 58_000_000
SERIAL = "arn:aws:iam::123456789012:mfa/alice"


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = float(STEP * STEP_SECONDS)

    def __call__(self) -> float:
        """Return the epoch in seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Ledger:
    return Ledger(str(tmp_path / "vaultpy"), clock)


def nobody(pid: int) -> None:
    pytest.fail(f"waited for {pid}")


def output(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


# ---- locks -------------------------------------------------------------------------------------------


def test_a_free_lock_is_not_waited_for(ledger: Ledger) -> None:
    for _ in range(2):
        with ledger.lock("mfa", SERIAL, waiting=nobody):
            pass


def test_locks_of_other_kinds_and_names_are_other_locks(ledger: Ledger) -> None:
    with (
        ledger.lock("mfa", SERIAL, waiting=nobody),
        ledger.lock("role", SERIAL, waiting=nobody),
        ledger.lock("mfa", "another", waiting=nobody),
    ):
        pass


def test_the_second_waits_for_the_first_and_says_once_for_whom(tmp_path: Path) -> None:
    with start("hold", tmp_path) as first:
        assert output(first).readline() == "held\n"
        with start("get", tmp_path) as second:
            assert output(second).readline() == f"{first.pid}\n"
            first.communicate("")
            assert output(second).read() == "got\n"


def test_threads_of_one_process_wait_for_each_other_too(ledger: Ledger) -> None:
    waited: list[int] = []
    said = threading.Event()

    def say(pid: int) -> None:
        waited.append(pid)
        said.set()

    def wait() -> None:
        with ledger.lock("mfa", SERIAL, waiting=say):
            pass

    with ledger.lock("mfa", SERIAL, waiting=nobody):
        thread = threading.Thread(target=wait)
        thread.start()
        assert said.wait(10)
    thread.join(10)
    assert waited == [os.getpid()]


def test_a_killed_holders_lock_is_free_at_once(ledger: Ledger, tmp_path: Path) -> None:
    with start("hold", tmp_path / "vaultpy") as holder:
        assert output(holder).readline() == "held\n"
        holder.kill()
        holder.wait()
        with ledger.lock("mfa", "alice", waiting=nobody):
            pass


def test_a_waiter_goes_on_when_the_holder_is_killed(tmp_path: Path) -> None:
    with start("hold", tmp_path) as holder:
        assert output(holder).readline() == "held\n"
        with start("get", tmp_path) as waiter:
            assert output(waiter).readline() == f"{holder.pid}\n"
            holder.kill()
            assert output(waiter).read() == "got\n"


def test_a_waiter_gives_up_and_names_the_holder_that_was_stopped(ledger: Ledger, tmp_path: Path) -> None:
    with start("hold", tmp_path / "vaultpy") as holder:
        assert output(holder).readline() == "held\n"
        os.kill(holder.pid, signal.SIGSTOP)
        waited: list[int] = []
        with (
            pytest.raises(StillBusy) as caught,
            ledger.lock("mfa", "alice", waiting=waited.append, patience=0.2),
        ):
            pytest.fail("two hold the lock")
        holder.kill()
    assert waited == [holder.pid]
    assert caught.value.message.startswith(
        f"process {holder.pid} is still getting the same credentials, after "
    )


def test_who_has_waited_is_named_to_those_who_come_later(ledger: Ledger, tmp_path: Path) -> None:
    waits, entered, done = threading.Event(), threading.Event(), threading.Event()

    def wait_and_hold() -> None:
        with ledger.lock("mfa", "alice", waiting=lambda _pid: waits.set()):
            entered.set()
            done.wait()

    waiter = threading.Thread(target=wait_and_hold)
    with start("hold", tmp_path / "vaultpy") as holder:
        assert output(holder).readline() == "held\n"
        waiter.start()
        waits.wait()
        holder.kill()
    entered.wait()
    waited: list[int] = []
    lock = ledger.lock("mfa", "alice", waiting=waited.append, patience=0)
    with pytest.raises(StillBusy), lock:
        pytest.fail("two hold the lock")
    done.set()
    waiter.join()
    assert waited == [os.getpid()]


def test_a_holder_that_has_not_signed_yet_is_waited_for_without_a_name(ledger: Ledger) -> None:
    lock = ledger.lock("mfa", SERIAL, waiting=nobody, patience=0)
    with Path(lock._path).open("w") as file:
        assert try_lock(file.fileno())
        with pytest.raises(StillBusy) as caught, lock:
            pytest.fail("two hold the lock")
    assert caught.value.message.startswith("process ? is still ")


def test_who_gives_up_keeps_no_file_open(ledger: Ledger) -> None:
    before = next_descriptor()
    with ledger.lock("mfa", SERIAL, waiting=nobody):
        again = ledger.lock("mfa", SERIAL, waiting=list[int]().append, patience=0)
        held = next_descriptor()
        with pytest.raises(StillBusy), again:
            pytest.fail("two hold the lock")
        assert next_descriptor() == held
    assert next_descriptor() == before


def next_descriptor() -> int:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor


def test_a_lock_file_that_cannot_be_opened_lets_nobody_in(ledger: Ledger) -> None:
    lock = ledger.lock("mfa", SERIAL, waiting=nobody)
    Path(lock._path).mkdir()
    with pytest.raises(StateUnusable), lock:
        pytest.fail("nothing keeps others out")


def test_who_waits_for_a_change_of_keys_hears_of_no_yubikey(ledger: Ledger) -> None:
    said: list[str] = []
    with (
        ledger.key_changes(said.append),
        pytest.raises(StillBusy) as caught,
        ledger.key_changes(said.append, patience=0),
    ):
        pytest.fail("two hold the lock")
    assert said == [f"waiting for process {os.getpid()}, which is changing access keys"]
    assert caught.value.message.startswith(f"process {os.getpid()} is still changing access keys, after ")
    assert "YubiKey" not in caught.value.hint


def test_a_command_that_the_holder_becomes_does_not_hold_the_lock(ledger: Ledger, tmp_path: Path) -> None:
    with start("become_another_command", tmp_path / "vaultpy") as command:
        assert output(command).readline() == "held\n"
        with ledger.lock("mfa", "alice", waiting=nobody):
            pass
        command.communicate("\n")


def test_lock_files_tell_nothing_of_roles_and_are_for_their_owner_alone(
    ledger: Ledger, tmp_path: Path
) -> None:
    with ledger.lock("role", SERIAL, waiting=nobody):
        (file,) = (tmp_path / "vaultpy" / "locks").iterdir()
    assert "alice" not in file.name
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == ""


def test_where_no_lock_can_be_made_the_error_names_the_place(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateUnusable) as caught:
        Ledger(str(tmp_path / "file"), clock).lock("mfa", SERIAL, waiting=nobody)
    assert caught.value.message == f"cannot use {tmp_path}/file/locks: Not a directory"


# ---- spent steps -------------------------------------------------------------------------------------


def test_at_first_the_present_step_is_free(ledger: Ledger) -> None:
    assert ledger.spent(SERIAL) is None
    assert ledger.next_step(SERIAL) == STEP


def test_an_entry_that_cannot_be_read_is_no_free_step(ledger: Ledger) -> None:
    ledger.spend(SERIAL, STEP)
    entry = Path(ledger._entry(SERIAL))
    entry.unlink()
    entry.mkdir()
    with pytest.raises(StateUnusable):
        ledger.next_step(SERIAL)


def test_a_step_that_cannot_be_written_down_is_an_error(ledger: Ledger, tmp_path: Path) -> None:
    ledger.spend(SERIAL, STEP)
    (record,) = [path for path in (tmp_path / "vaultpy" / "ledger").iterdir() if path.suffix != ".lock"]
    record.unlink()
    record.symlink_to(tmp_path / "no such directory" / "record")
    with pytest.raises(StateUnusable):
        ledger.spend(SERIAL, STEP + 1)


def test_a_spent_step_stays_spent_for_the_next_run(ledger: Ledger, tmp_path: Path, clock: Clock) -> None:
    ledger.spend(SERIAL, STEP)
    later = Ledger(str(tmp_path / "vaultpy"), clock)
    assert later.spent(SERIAL) == STEP
    assert later.next_step(SERIAL) == STEP + 1
    assert later.next_step("another device") == STEP


def test_old_steps_do_not_matter(ledger: Ledger, clock: Clock) -> None:
    ledger.spend(SERIAL, STEP)
    clock.now += 300
    assert ledger.next_step(SERIAL) == STEP + 10


def test_the_ledger_never_goes_back(ledger: Ledger) -> None:
    ledger.spend(SERIAL, STEP)
    ledger.spend(SERIAL, STEP - 1)
    assert ledger.spent(SERIAL) == STEP


def test_a_step_more_than_two_ahead_was_written_by_a_wrong_clock(ledger: Ledger, clock: Clock) -> None:
    ledger.spend(SERIAL, STEP + 2)
    assert ledger.spent(SERIAL) == STEP + 2
    clock.now -= 1
    assert ledger.spent(SERIAL) is None
    ledger.spend(SERIAL, STEP)
    assert ledger.spent(SERIAL) == STEP


def test_an_entry_that_makes_no_sense_counts_as_the_present_step(ledger: Ledger, tmp_path: Path) -> None:
    ledger.spend(SERIAL, STEP - 5)
    (file,) = (path for path in (tmp_path / "vaultpy" / "ledger").iterdir() if path.suffix != ".lock")
    for garbage in (b"", b"\0\0\0", b"\xff", b"many"):
        file.write_bytes(garbage)
        assert ledger.next_step(SERIAL) == STEP + 1
    ledger.spend(SERIAL, STEP + 1)
    assert ledger.spent(SERIAL) == STEP + 1


def test_fifty_processes_spend_fifty_different_steps(tmp_path: Path) -> None:
    steps = run("spend_in_a_crowd", tmp_path, 50)
    assert len(steps) == len(set(steps)) == 50


# ---- AWS's clock -------------------------------------------------------------------------------------


def test_without_a_measurement_the_clocks_agree(ledger: Ledger) -> None:
    assert ledger.time.offset() == 0


def test_steps_are_counted_at_awss_time(ledger: Ledger, tmp_path: Path, clock: Clock) -> None:
    ledger.time.set_offset(-600.25)
    later = Ledger(str(tmp_path / "vaultpy"), clock)
    assert later.time.offset() == -600.25
    assert later.next_step(SERIAL) == STEP - 21
    later.spend(SERIAL, STEP - 18)
    assert later.spent(SERIAL) is None


def test_a_measurement_from_the_future_does_not_count(ledger: Ledger, clock: Clock) -> None:
    ledger.time.set_offset(600)
    clock.now -= 3
    assert ledger.time.offset() == 0


def test_a_measurement_that_makes_no_sense_does_not_count(ledger: Ledger, tmp_path: Path) -> None:
    ledger.time.set_offset(600)
    (file,) = (tmp_path / "vaultpy" / "ledger").iterdir()
    for garbage in ("", "far off", "1 2 3", "nan 1", "inf 1"):
        file.write_text(garbage)
        assert ledger.time.offset() == 0
