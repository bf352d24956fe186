"""exec with an access key that lives on the YubiKey: real pcscd, AWS that verifies."""

from __future__ import annotations

import hmac
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support import time_travel
from support.hurry import HurriedWorld
from support.on_yubikey import RecordingYubiKey, protect_and_remember
from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.signing import move_to_yubikey, put_on_key
from support.world import BIN
from vaultpy.signing_account import account_name, account_secret, aws_date, challenge
from vaultpy.simulated.finger import PressedFinger, SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.world import World

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
travelling = pytest.mark.skipif(time_travel.missing() is not None, reason=str(time_travel.missing()))
DAY = 24 * 60 * 60
CROWD = 8
SHOW_KEY = ("--", "printenv", "AWS_ACCESS_KEY_ID")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with HurriedWorld(tmp_path_factory.mktemp("world"), finger=PressedFinger()) as world:
        yield world


@pytest.fixture
def world(shared: World) -> World:
    """Provide a world without memory, in which alice's secret is on her YubiKey alone.

    Her MFA device is another each time: AWS takes a code of one only once in 30 seconds.
    """
    place = shared.home / f"{len(list(shared.home.iterdir()))}"
    place.mkdir(mode=0o700)
    shared.environment |= {"XDG_STATE_HOME": str(place), "AWS_CONFIG_FILE": str(place / "config")}
    shared.alice.mfa_devices.clear()
    shared.device = shared.alice.mfa_device(place.name)
    shared.yubikey.add_account(shared.device.serial, shared.device.seed, touch=True)
    shared.access_key = shared.alice.access_key()
    move_to_yubikey(shared)
    return shared


@pytest.fixture
def traveller(tmp_path: Path) -> Iterator[HurriedWorld]:
    with HurriedWorld(tmp_path, finger=SteadyFinger()) as world:
        move_to_yubikey(world)
        yield world


def press(world: World) -> None:
    assert isinstance(world.finger, PressedFinger)
    world.finger.press()


def touched(world: World, *words: str, touches: int = 2) -> subprocess.CompletedProcess[str]:
    """Run a command without a terminal; the key is touched as soon as it blinks, so often."""
    with ThreadPoolExecutor(1) as hand:
        pressing = [hand.submit(press, world) for _ in range(touches)]
        done = world.vaultpy(*words)
        for each in pressing:
            each.result()
    return done


class Tally:
    """What was touched and signed in a world since this was made."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._touches, self._calls = world.yubikey.calculations, len(world.aws.calls)

    @property
    def touches(self) -> int:
        """How many answers the key was asked for."""
        return self._world.yubikey.calculations - self._touches

    @property
    def signed(self) -> list[tuple[str, str | None]]:
        """The calls, and what AWS said to them."""
        return [(call.action, call.verdict) for call in self._world.aws.calls[self._calls :]]


@pytest.fixture
def tally(world: World) -> Tally:
    return Tally(world)


def day_key(world: World, date: str) -> bytes:
    return hmac.digest(account_secret(Secret(world.access_key.secret)), challenge(date), "sha256")


def midnight() -> float:
    return time.time() // DAY * DAY


def test_a_cold_run_asks_for_two_touches_and_the_child_is_the_role(world: World, tally: Tally) -> None:
    command = [str(BIN / "vaultpy"), "exec", "dev-role", "--", "aws", "sts", "get-caller-identity"]
    with PseudoTerminal(command, world.environment) as terminal:
        terminal.expect(
            f"touch the YubiKey (1 of 2): sign with access key {world.access_key.id} for dev-role"
        )
        assert "six digits" not in terminal.screen
        press(world)
        terminal.expect(f"touch the YubiKey (2 of 2): {world.role.arn} for dev-role")
        press(world)
        assert terminal.wait() == 0
    assert "assumed-role/dev/alice" in terminal.screen
    assert tally.touches == 2
    assert tally.signed == [("GetSessionToken", "OK"), ("AssumeRole", "OK"), ("GetCallerIdentity", "OK")]


def test_a_crowd_costs_one_touch_of_each(world: World, tally: Tally) -> None:
    crowd = [
        subprocess.Popen(
            [BIN / "vaultpy", "exec", "dev-role", *SHOW_KEY],
            env=world.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        for _ in range(CROWD)
    ]
    press(world)
    press(world)
    ends = {run.communicate(timeout=60)[0] for run in crowd}
    assert {run.returncode for run in crowd} == {0}
    assert len(ends) == 1
    assert tally.touches == 2
    assert tally.signed == [("GetSessionToken", "OK"), ("AssumeRole", "OK")]


def test_with_a_code_that_is_given_only_the_signature_is_touched_for(world: World, tally: Tally) -> None:
    code = world.device.code(world.aws.clock() + 30)
    command = [str(BIN / "vaultpy"), "exec", "--mfa-token", code, "dev-role", *SHOW_KEY]
    with PseudoTerminal(command, world.environment) as terminal:
        terminal.expect(f"touch the YubiKey: sign with access key {world.access_key.id} for dev-role")
        press(world)
        assert terminal.wait() == 0
    assert tally.touches == 1


def test_a_role_that_gets_the_code_itself_is_signed_for_with_the_day_key(world: World, tally: Tally) -> None:
    touched(world, "exec", "--direct", "dev-role", *SHOW_KEY).check_returncode()
    assert tally.signed == [("AssumeRole", "OK")]


def test_an_access_key_that_was_made_inactive_signs_nothing_any_more(world: World, tally: Tally) -> None:
    world.access_key.active = False
    done = touched(world, "exec", "dev-role", *SHOW_KEY)
    assert done.returncode == 125
    assert f"AWS does not know access key {world.access_key.id}: it is inactive, deleted" in done.stderr
    assert [verdict for _, verdict in tally.signed] == ["InvalidClientTokenId"]


def test_what_needs_no_signature_asks_for_no_touch(world: World, tally: Tally) -> None:
    said = [
        world.vaultpy(*words) for words in (("list",), ("status", "dev-role"), ("doctor",), ("mfa", "list"))
    ]
    assert [done.returncode for done in said] == [0, 1, 0, 0]
    assert "exec will ask for two touches" in said[1].stdout
    assert "was not tried: it lives on a YubiKey, which wants a touch" in said[2].stdout
    assert f"access key {world.access_key.id} lives on a YubiKey" in said[3].stderr
    assert tally.touches == 0
    assert tally.signed == []


def test_neither_secret_nor_day_key_is_in_a_file_the_output_or_the_child(world: World) -> None:
    today = aws_date(world.aws.clock())
    done = touched(world, "--debug", "exec", "dev-role", "--", "env")
    assert done.returncode == 0, done.stderr
    assert f"the day key of {world.access_key.id}, {today}" in done.stderr
    assert "AWS_SESSION_TOKEN=" in done.stdout
    files = b"".join(path.read_bytes() for path in world.home.rglob("*") if path.is_file())
    everything = files + (done.stdout + done.stderr).encode()
    key = day_key(world, today)
    for hidden in (world.access_key.secret.encode(), key, key.hex().encode()):
        assert hidden not in everything
    assert world.access_key.id.encode() in files


def test_a_day_key_that_is_to_be_kept_costs_one_touch_a_day_and_clear_forgets_it(
    world: World, tally: Tally
) -> None:
    others = [world.alice.mfa_device(f"other-{number}") for number in range(2)]
    for device in others:
        world.yubikey.add_account(device.serial, device.seed, touch=True)
    with Path(world.environment["AWS_CONFIG_FILE"]).open("r+") as config:
        text = config.read().replace("[profile dev]\n", "[profile dev]\nvaultpy_day_key = keep\n")
        config.seek(0)
        config.write(text)

    def touches_of(*options: str, wanted: int) -> None:
        before = tally.touches
        words = ("exec", "--direct", *options, "dev-role", *SHOW_KEY)
        touched(world, *words, touches=wanted).check_returncode()
        assert tally.touches - before == wanted

    touches_of(wanted=2)
    world.vaultpy("clear", "dev-role")
    touches_of("--mfa-serial", others[0].serial, wanted=1)
    world.vaultpy("clear")
    touches_of("--mfa-serial", others[1].serial, wanted=2)


def test_no_variable_makes_a_keystore_of_a_yubikey(world: World) -> None:
    puts = [call.name for call in world.yubikey.calls].count("PUT")
    environment = world.with_key | {"VAULTPY_KEYSTORE": "yubikey"}
    done = world.vaultpy("add", "other", "--env", "--no-verify", env=environment)
    assert "yubikey names no keyring backend" in done.stderr
    assert [call.name for call in world.yubikey.calls].count("PUT") == puts


def test_a_yubikey_without_the_access_key_is_named_and_not_touched(world: World) -> None:
    right, other = world.yubikey, SimulatedYubiKey(7654321, finger=world.finger)
    other.add_account(world.device.serial, world.device.seed, touch=True)
    world.plug_in(other)
    done = world.vaultpy("exec", "dev-role", *SHOW_KEY)
    world.plug_in(right)
    assert done.returncode == 125
    assert f"YubiKey 7654321 does not hold access key {world.access_key.id}" in done.stderr
    assert other.calculations == 0


def test_a_wrong_secret_on_the_yubikey_is_what_aws_says_it_is(world: World) -> None:
    right, other = world.yubikey, SimulatedYubiKey(finger=SteadyFinger())
    other.add_account(world.device.serial, world.device.seed)
    put_on_key(other, world.access_key.id, "not-the-secret-of-that-key")
    world.plug_in(other)
    done = world.vaultpy("exec", "dev-role", *SHOW_KEY)
    world.plug_in(right)
    assert f"the secret does not belong to access key {world.access_key.id}" in done.stderr


def test_a_password_that_is_remembered_opens_the_key_for_both_touches(tmp_path: Path) -> None:
    with HurriedWorld(tmp_path) as world:
        recording = RecordingYubiKey(finger=SteadyFinger())
        recording.add_account(world.device.serial, world.device.seed, touch=True)
        world.plug_in(recording)
        move_to_yubikey(world)
        protect_and_remember(recording, world.environment)
        del recording.apdus[:]
        done = world.vaultpy("exec", "dev-role", *SHOW_KEY)
        assert done.stdout.startswith("ASIA"), done.stderr
        name = account_name(world.access_key.id).encode()
        asked = [apdu for apdu in recording.apdus if name in apdu]
        assert len(asked) == 1
        assert not [apdu for apdu in recording.apdus if world.access_key.secret.encode() in apdu]
        assert not [apdu for apdu in recording.apdus if apdu[1:4] == b"\xa4\x00\x00"], "CALCULATE ALL"


# ---- the day -----------------------------------------------------------------------------------------


def run(world: HurriedWorld) -> str:
    done = world.vaultpy("--debug", "exec", "dev-role", *SHOW_KEY)
    assert done.returncode == 0, done.stderr
    return done.stderr


@travelling
def test_the_next_day_is_signed_with_the_next_days_key(traveller: HurriedWorld) -> None:
    today = midnight()
    for day in (1, 2):
        traveller.time.go_to(today + (day + 1 / 3) * DAY)
        said = run(traveller)
        date = aws_date(today + day * DAY)
        assert f"the day key of {traveller.access_key.id}, {date}" in said
        assert traveller.yubikey.calculations == 2 * day
    assert [call.verdict for call in traveller.aws.calls] == ["OK"] * 4


@travelling
@pytest.mark.parametrize(("at", "off"), [(300, -600), (-300, 600)], ids=["behind", "ahead"])
def test_around_midnight_the_date_is_awss_and_not_this_computers(
    traveller: HurriedWorld, at: int, off: int
) -> None:
    tomorrow = midnight() + DAY
    traveller.off = off
    traveller.time.go_to(tomorrow + at + off)
    date = aws_date(tomorrow + at)
    assert f"the day key of {traveller.access_key.id}, {date}" in run(traveller)
    assert traveller.yubikey.calculations == 2
    assert {call.verdict for call in traveller.aws.calls} == {"OK"}


@travelling
def test_midnight_between_the_touch_and_the_request_costs_no_other_touch(tmp_path: Path) -> None:
    with HurriedWorld(tmp_path, finger=PressedFinger()) as world:
        move_to_yubikey(world)
        tomorrow = midnight() + DAY
        world.time.go_to(tomorrow - 20)  # in the last step of the day
        command = [str(BIN / "vaultpy"), "exec", "dev-role", *SHOW_KEY]
        with PseudoTerminal(command, world.environment) as terminal:
            press(world)
            terminal.expect("touch the YubiKey (2 of 2): ")
            world.time.go_to(tomorrow + 1)
            press(world)
            assert terminal.wait() == 0
        assert world.yubikey.calculations == 2
        assert [call.verdict for call in world.aws.calls] == ["OK", "OK"]
