"""`vaultpy doctor` as people and scripts meet it, on a computer with something wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from yubikit.oath import OathSession

from support.forks import forked
from support.hurry import HurriedWorld
from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.schemas import assert_promised
from support.screen import Screen
from support.secret_service import private_environment
from support.world import BIN, World
from vaultpy import errors
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import NoFinger, PressedFinger, SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.secret_service import SecretService
    from vaultpy.simulated.aws import Call

DAY = 86400
READS = {"GetCallerIdentity", "ListMFADevices", "ListAccessKeys"}
needs_pcscd = pytest.mark.skipif(missing() is not None, reason=str(missing()))


class Seen(NamedTuple):
    """One thing that doctor told."""

    area: str
    state: str
    text: str
    remedy: str | None


def examined(
    environment: dict[str, str],
    *words: str,
    run: Callable[..., subprocess.CompletedProcess[str]] = forked,
) -> tuple[int, list[Seen]]:
    """Run doctor without a terminal; return its status and what it told, which keeps its promise."""
    done = run(environment, "doctor", "--json", *words)
    assert done.stderr == ""
    shown = json.loads(done.stdout)
    assert_promised("doctor", shown)
    found = [Seen(**one) for one in shown]
    assert done.returncode == any(it.state == "failure" for it in found)
    return done.returncode, found


def installed(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "vaultpy", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )


class Hunter:
    """Kills a command once AWS has carried out a call of it and has not answered yet."""

    def __init__(self, action: str) -> None:
        self._action = action
        self.armed = False
        self.kill: Callable[[], None] = lambda: None

    def hear(self, call: Call) -> None:
        """Strike once."""
        if self.armed and call.action == self._action and call.signed:
            self.armed = False
            self.kill()


def faults(found: list[Seen]) -> list[Seen]:
    """Return what is not ok, save that the worlds' keystore files are cheap to open."""
    return [it for it in found if it.state != "ok" and "is weakly protected: Argon2id" not in it.text]


def wrong(found: list[Seen]) -> list[tuple[str, str]]:
    return [(it.area, it.state) for it in faults(found)]


def only_wrong(
    environment: dict[str, str], run: Callable[..., subprocess.CompletedProcess[str]] = forked
) -> Seen:
    """Return the one thing that is not ok."""
    _, found = examined(environment, run=run)
    (one,) = faults(found)
    return one


@pytest.fixture
def healthy(tmp_path: Path) -> Iterator[World]:
    """Provide a world as in `world` with a keystore file that is as dear to open as they are."""
    if reason := missing():
        pytest.skip(reason)
    with World(tmp_path, finger=NoFinger(), dear_keystore=True) as world:
        world.enrol()
        yield world


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a world as in `world`, for the tests that leave it as it is."""
    if reason := missing():
        pytest.skip(reason)
    with World(tmp_path_factory.mktemp("lasting"), finger=NoFinger()) as world:
        world.enrol()
        yield world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Provide a world in which `dev` and `dev-role` are enrolled, and nobody touches the YubiKey."""
    if reason := missing():
        pytest.skip(reason)
    with World(tmp_path, finger=NoFinger()) as world:
        world.enrol()
        yield world


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Return the environment of an empty home, where neither smart cards nor a network are."""
    environment = private_environment(tmp_path / "home")
    nothing = {"PCSCLITE_CSOCK_NAME": "/nonexistent", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    return environment | nothing | {"PATH": f"{BIN}:{environment['PATH']}"}


def snapshot(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return all that is in a home: kind and mode, when it was changed, and its content."""
    found = {}
    for path in [directory, *directory.rglob("*")]:
        about = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (about.st_mode, about.st_mtime_ns, content)
    return found


def kept_sessions(home: Path) -> list[str]:
    """Return the ids of the kernel's keys of this home; other homes of this user have theirs beside them."""
    index = (home / "state" / "vaultpy" / "index").read_text()
    digests = re.findall(r"^session\t(\w+)", index, flags=re.MULTILINE)
    keys = Path("/proc/keys").read_text().splitlines()
    return [line.split()[0] for line in keys if any(digest in line for digest in digests)]


# ---- lasting ---------------------------------------------------------------------------------------------


def test_on_a_healthy_computer_everything_is_ok(healthy: World) -> None:
    status, found = examined(healthy.environment, run=installed)
    assert (status, [it for it in found if it.state != "ok"]) == (0, [])
    assert list(dict.fromkeys(it.area for it in found)) == [
        "this computer",
        "environment",
        "YubiKey",
        "keystore",
        "sessions",
        "state",
        "AWS's config",
        "access key of dev",
    ]
    status, same = examined(healthy.environment, "dev-role")
    assert (status, wrong(same)) == (0, [])


def test_people_get_lines_under_headings_with_the_remedies_and_the_sum(healthy: World) -> None:
    done = healthy.vaultpy("doctor", env=healthy.environment | {"AWS_MFA_SERIAL": healthy.device.serial})
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "this computer"
    at = next(number for number, line in enumerate(lines) if line.startswith("  warning  AWS_MFA_SERIAL"))
    assert lines[at + 1] == "           unset AWS_MFA_SERIAL unless that is meant"
    assert "  ok       the smart card service answers" in lines
    assert lines[-1] == "no failures, 1 warning"


@needs_pcscd
def test_at_a_terminal_what_was_found_is_folded_between_words_and_stays_in_its_column(
    lasting: World,
) -> None:
    environment = lasting.environment | {"AWS_MFA_SERIAL": lasting.device.serial}
    with PseudoTerminal([str(BIN / "vaultpy"), "doctor"], environment, size=(60, 60)) as terminal:
        assert terminal.wait() == 0
    screen = Screen(terminal.screen, 60)
    account = next(row for row, line in enumerate(screen.lines) if "has the account for" in line)
    assert screen.lines[account + 1].startswith(" " * 13)
    told = " ".join(line.strip() for line in screen.lines[account : account + 3])
    assert f"has the account for {lasting.device.serial}, which waits for a touch" in told
    styles = {
        run.text: (run.colour, run.bold) for row in range(len(screen.lines)) for run in screen.runs(row)
    }
    assert styles["  warning"] == ("magenta", True)
    assert styles["YubiKey"] == ("default", True)
    assert screen.colours() == {"default", "magenta"}


@needs_pcscd
@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colour_gets_plain_findings(lasting: World, variable: dict[str, str]) -> None:
    environment = lasting.environment | {"AWS_MFA_SERIAL": lasting.device.serial} | variable
    with PseudoTerminal([str(BIN / "vaultpy"), "doctor"], environment, size=(60, 80)) as terminal:
        assert terminal.wait() == 0
    assert "  warning  AWS_MFA_SERIAL" in terminal.screen
    assert "\x1b" not in terminal.screen


def test_it_changes_nothing_and_wants_no_touch(lasting: World) -> None:
    before = snapshot(lasting.home), lasting.yubikey.accounts
    lasting.aws.requests.clear()
    lasting.yubikey.calls.clear()
    examined(lasting.environment)
    assert (snapshot(lasting.home), lasting.yubikey.accounts) == before
    assert {call.action for call in lasting.aws.requests} == READS
    assert {call.name for call in lasting.yubikey.calls} == {"SELECT", "READ CONFIG", "LIST", "CALCULATE ALL"}


@needs_pcscd
def test_sessions_in_the_kernels_keyring_stay_as_they_are(tmp_path: Path) -> None:
    with World(tmp_path, finger=SteadyFinger()) as world:
        world.enrol()
        assert world.vaultpy("exec", "dev-role", "true").returncode == 0
        before = kept_sessions(world.home)
        examined(world.environment)
        assert kept_sessions(world.home) == before
        assert len(before) == 2


def test_in_an_empty_home_nothing_is_made(home: dict[str, str]) -> None:
    before = snapshot(Path(home["HOME"]))
    examined(home)
    assert snapshot(Path(home["HOME"])) == before


# ---- cards -----------------------------------------------------------------------------------------------


def test_without_a_smart_card_service_its_error_and_remedy_are_told(lasting: World) -> None:
    one = only_wrong(lasting.environment | {"PCSCLITE_CSOCK_NAME": "/nonexistent"})
    assert (one.area, one.state) == ("YubiKey", "failure")
    assert "sudo apt install pcscd" in (one.remedy or "")


def test_without_a_key_the_reader_is_named_and_the_account_skipped(lasting: World) -> None:
    lasting.card.remove()
    status, found = examined(lasting.environment)
    lasting.card.insert()
    assert status == 0
    assert wrong(found) == [("YubiKey", "warning"), ("YubiKey", "skipped")]
    assert any("no YubiKey is plugged in; card readers: Yubico" in it.text for it in found)


def test_a_locked_key_is_told_and_nobody_asked(world: World) -> None:
    session = OathSession(SimulatedConnection(world.yubikey))
    session.set_key(session.derive_key("open sesame"))
    status, found = examined(world.environment)
    assert (status, wrong(found)) == (0, [("YubiKey", "warning"), ("YubiKey", "skipped")])


@pytest.mark.parametrize(("account", "state"), [("none", "failure"), ("no touch", "warning")])
def test_an_account_that_is_missing_or_wants_no_touch_is_told(world: World, account: str, state: str) -> None:
    key = SimulatedYubiKey(finger=NoFinger())
    if account == "no touch":
        key.add_account(world.device.serial, world.device.seed)
    key.add_account("other \x1b[2J", b"1234567890")
    world.plug_in(key)
    one = only_wrong(world.environment)
    assert (one.area, one.state) == ("YubiKey", state)
    assert "\x1b" not in one.text


def test_oath_that_is_off_is_told(world: World) -> None:
    world.plug_in(SimulatedYubiKey(oath_enabled=False))
    _, found = examined(world.environment)
    assert ("YubiKey", "failure") in wrong(found)
    assert any("ykman config usb --enable OATH" in (it.remedy or "") for it in found)


@needs_pcscd
def test_a_key_that_blinks_for_another_run_is_held_and_that_run_named(tmp_path: Path) -> None:
    finger = PressedFinger()
    with World(tmp_path, finger=finger) as world:
        world.enrol()
        run = subprocess.Popen(
            [BIN / "vaultpy", "exec", "dev-role", "true"],
            env=world.environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        finger.wait_until_blinking()
        status, found = examined(world.environment)
        finger.press()
        assert run.wait(60) == 0
    assert status == 1
    said = {it.area: it for it in found if it.state != "ok" and "account" not in it.text}
    assert f"({run.pid})" in said["YubiKey"].text
    assert f"process {run.pid} is getting credentials" in said["state"].text


# ---- keystores -------------------------------------------------------------------------------------------


@needs_pcscd
def test_a_locked_keyring_is_told_without_asking_and_its_keys_are_skipped(tmp_path: Path) -> None:
    with World(tmp_path, finger=NoFinger(), secret_service=True) as world:
        world.enrol()
        assert wrong(examined(world.environment)[1]) == []
        world.secret_service.lock()
        before = snapshot(world.home)
        asked = len(world.aws.calls)
        status, found = examined(world.environment)
        display = wrong(examined(world.environment | {"DISPLAY": ":99"})[1])
        assert snapshot(world.home) == before
        assert len(world.aws.calls) == asked
    assert (status, wrong(found)) == (1, [("keystore", "failure"), ("access key of dev", "skipped")])
    assert display == [("keystore", "warning"), ("access key of dev", "skipped")]


def test_where_there_is_no_keyring_yet_none_is_made(empty_secret_service: SecretService) -> None:
    nothing = {"PCSCLITE_CSOCK_NAME": "/nonexistent", "PATH": f"{BIN}:{os.environ['PATH']}"}
    environment = empty_secret_service.environment | nothing
    _, found = examined(environment)
    assert ("keystore", "failure") in wrong(found)
    before = snapshot(Path(environment["HOME"]))
    _, found = examined(environment | {"DISPLAY": ":99"})
    assert ("keystore", "warning") in wrong(found)
    assert snapshot(Path(environment["HOME"])) == before
    assert not list(Path(environment["HOME"]).rglob("*.keyring"))


def test_a_passphrase_that_would_be_typed_is_not_asked_for(lasting: World) -> None:
    typed = {name: it for name, it in lasting.environment.items() if "PASSPHRASE" not in name}
    one = only_wrong(typed)
    assert (one.area, one.state) == ("access key of dev", "skipped")
    assert "wants its passphrase" in one.text


def test_a_backend_that_keeps_secrets_in_clear_is_refused(home: dict[str, str]) -> None:
    _, found = examined(home | {"VAULTPY_KEYSTORE": "keyrings.alt.file.PlaintextKeyring"})
    assert ("keystore", "failure") in wrong(found)


# ---- config and environment ------------------------------------------------------------------------------


def test_keys_in_clear_and_a_nested_environment_are_warned_of(lasting: World) -> None:
    credentials = lasting.home / ".aws" / "credentials"
    credentials.write_text(
        "[old]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = hunter2\n"
    )
    status, found = examined(lasting.environment | {"VAULTPY": "dev-role"})
    credentials.unlink()
    assert (status, wrong(found)) == (0, [("environment", "warning"), ("AWS's config", "warning")])
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("name", "content", "area"),
    [
        (".aws/config", b"\xff\xfe", "AWS's config"),
        (".aws/config", b"region = eu-west-1\n[default]\n", "AWS's config"),
        ("state/vaultpy/index", b"garbage", "state"),
    ],
)
def test_a_file_that_cannot_be_read_leaves_the_other_areas_standing(
    world: World, name: str, content: bytes, area: str
) -> None:
    (world.home / name).write_bytes(content)
    status, found = examined(world.environment)
    assert status == 1
    assert (area, "failure") in wrong(found)
    assert len({it.area for it in found}) == 8  # all of them


def test_variables_that_stop_every_other_command_are_told(home: dict[str, str]) -> None:
    _, found = examined(home | {"VAULTPY_SESSIONS": "somewhere"})
    assert ("sessions", "failure") in wrong(found)


def test_hostile_names_reach_no_terminal(world: World) -> None:
    config = world.home / ".aws" / "config"
    config.write_text(config.read_text() + "[profile \x1b]0;owned\x07\u202e]\nmfa_serial = arn:x:y:z\x1b\n")
    done = world.vaultpy("doctor")
    assert r"\x1b]0;owned\x07\u202e" in done.stdout
    assert not set("\x1b\x07\u202e") & set(done.stdout + done.stderr)


@pytest.mark.parametrize("name", ["nobody", "dve"])
def test_a_profile_that_is_not_there_fails(lasting: World, name: str) -> None:
    _, found = examined(lasting.environment, name)
    assert wrong(found) == [("AWS's config", "failure"), ("access key", "skipped")]
    assert any(it.text.startswith(f"no profile {name} in ") for it in found)


@pytest.mark.parametrize("words", [("",), ("--bogus",), ("dev", "extra")])
def test_wrong_usage_is_status_2(home: dict[str, str], words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [BIN / "vaultpy", "doctor", *words], env=home, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 2)


# ---- AWS -------------------------------------------------------------------------------------------------


@needs_pcscd
def test_a_clock_that_is_off_is_told(tmp_path: Path) -> None:
    with World(tmp_path, finger=NoFinger(), clock=lambda: time.time() + 120) as world:
        world.access_key.effective_from -= DAY
        world.enrol()
        one = only_wrong(world.environment)
    assert re.fullmatch(r"this computer's clock is (2m 0|1m 5)\ds behind AWS's", one.text)


def test_an_old_key_a_second_one_and_a_wrong_mfa_serial_are_told(world: World) -> None:
    world.access_key.created -= 100 * DAY
    world.alice.access_key()
    config = world.home / ".aws" / "config"
    config.write_text(config.read_text().replace("mfa/alice", "mfa/old-phone"))
    _, found = examined(world.environment)
    remedies = [it.remedy for it in found if it.area == "access key of dev" and it.state != "ok"]
    assert remedies[:2] == ["correct mfa_serial in profile dev", "replace it: vaultpy rotate dev"]
    assert remedies[2] is not None
    assert "aws iam delete-access-key --user-name alice" in remedies[2]


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("http://127.0.0.1:9", errors.Unreachable.hint),
        ("https://sts.example", errors.EndpointUnconfirmed.hint),
        ("nonsense", errors.EndpointMalformed.hint),
    ],
)
def test_an_endpoint_that_is_not_there_or_was_not_confirmed_is_told(
    lasting: World, url: str, remedy: str
) -> None:
    calls = len(lasting.aws.requests)
    one = only_wrong(lasting.environment | {"AWS_ENDPOINT_URL": url})
    assert (one.area, one.state, one.remedy) == ("access key of dev", "failure", remedy)
    assert len(lasting.aws.requests) == calls


@needs_pcscd
@pytest.mark.parametrize(
    "action", ["GetCallerIdentity", pytest.param("DeleteAccessKey", marks=pytest.mark.long)]
)
def test_after_an_interrupted_rotate_it_tells_to_finish_it_and_to_delete_no_key(
    tmp_path: Path, action: str
) -> None:
    hunter = Hunter(action)
    with HurriedWorld(tmp_path, finger=SteadyFinger(), heard=hunter.hear) as world:
        world.enrol()
        assert world.vaultpy("exec", "dev-role", "true").returncode == 0
        command = [str(BIN / "vaultpy"), "rotate", "dev"]
        with subprocess.Popen(command, env=world.environment, start_new_session=True) as process:
            hunter.kill = lambda: os.kill(process.pid, signal.SIGKILL)
            hunter.armed = True
            assert process.wait(60) == -signal.SIGKILL
        one = only_wrong(world.environment, run=installed)
        assert (one.area, one.state, one.remedy) == ("state", "warning", "finish it: vaultpy rotate dev")
        assert world.vaultpy("rotate", "dev").returncode == 0
        assert wrong(examined(world.environment, run=installed)[1]) == []


# ---- what hangs ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_ends_whatever_hangs(world: World, tmp_path: Path) -> None:
    world.aws.fail_next("GetCallerIdentity", Fault.HANG)
    silent = str(tmp_path / "silent")
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(silent)
        mute.listen()
        hanging = {"PCSCLITE_CSOCK_NAME": silent, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={silent}"}
        hanging["VAULTPY_KEYSTORE"] = "system"
        began = time.monotonic()
        _, found = examined(world.environment | hanging)
        assert time.monotonic() - began < 20  # the promise is 15 s, on a computer at rest
    failed = {it.area for it in found if it.state == "failure"}
    assert failed == {"YubiKey", "keystore", "access key of dev"}
    assert os.path.exists(silent)  # noqa: PTH110  # it was asked, not replaced
