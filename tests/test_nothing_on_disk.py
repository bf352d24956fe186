"""Nothing that could be stolen is ever written where it can be read: every byte of every run is looked at."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from support.pcscd import missing
from support.tracing import leaks, traced, written
from support.world import BIN, World
from vaultpy.simulated.aws_mfa import totp
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
STEPS_EITHER_SIDE = 5
NO_KERNEL_KEYRING = ("add_key:error=EPERM", "keyctl:error=EPERM")


class Place(NamedTuple):
    """Where sessions are to live, and what of the kernel does not work; `keeps` tells whether they can."""

    system_keystore: bool
    sessions: str
    inject: tuple[str, ...] = ()
    keeps: bool = True


PLACES = {
    "kernel": Place(system_keystore=False, sessions="kernel"),
    "system keystore": Place(system_keystore=True, sessions="keystore"),
    "system keystore for want of the kernel": Place(
        system_keystore=True, sessions="auto", inject=NO_KERNEL_KEYRING
    ),
    "nowhere": Place(system_keystore=False, sessions="auto", inject=NO_KERNEL_KEYRING, keeps=False),
    "off": Place(system_keystore=False, sessions="off", keeps=False),
}
ADD = ("add", "dev", "--env")
EXEC = ("exec", "dev-role", "--", "true")
EXEC_SECOND = ("exec", "second", "--", "true")
IN_SHORT = (EXEC, EXEC_SECOND)
IN_FULL = (
    EXEC,
    EXEC,
    EXEC_SECOND,
    ("exec", "dev", "--", "true"),
    ("list",),
    ("clear", "dev-role"),
    ("clear",),
)
WITHOUT_SESSIONS = (EXEC, ("list",), ("clear", "dev-role"), ("clear",))


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    return PLACES[request.param]


@pytest.fixture
def world(place: Place, tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, finger=SteadyFinger(), secret_service=place.system_keystore) as world:
        world.environment["VAULTPY_SESSIONS"] = place.sessions
        world.environment["TMPDIR"] = str(world.home)
        yield world


def secrets_of(world: World) -> dict[str, bytes]:
    """Return all that must be nowhere: the key, the seed, the codes of these minutes, and what STS issued."""
    seed, step = world.device.seed, world.device.last_step
    found = {
        "secret access key": world.access_key.secret.encode(),
        "seed": seed,
        "seed in hexadecimal": seed.hex().encode(),
        "seed in base32": base64.b32encode(seed).rstrip(b"="),
    }
    for near in range(step - STEPS_EITHER_SIDE, step + STEPS_EITHER_SIDE + 1):
        found[f"code of step {near}"] = totp(seed, near).encode()
    for session in world.aws._cloud.sessions.values():
        found[f"secret of {session.id}"] = session.secret.encode()
        found[f"token of {session.id}"] = session.token.encode()
    return found


def lying_in(directory: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("place", "runs"),
    [
        ("kernel", (ADD, *IN_SHORT)),
        ("system keystore for want of the kernel", IN_SHORT),
        *(
            pytest.param(name, (ADD, *(IN_FULL if place.keeps else WITHOUT_SESSIONS)), marks=pytest.mark.long)
            for name, place in PLACES.items()
        ),
    ],
    indirect=["place"],
)
def test_no_run_writes_anything_that_could_be_stolen(
    world: World, place: Place, runs: tuple[tuple[str, ...], ...], tmp_path: Path
) -> None:
    second = world.alice.account.role("second", requires_mfa=True)
    add = (*ADD, "--role", f"dev-role={world.role.arn}", "--role", f"second={second.arn}")
    if ADD not in runs:
        world.vaultpy(*add, env=world.with_key).check_returncode()
    seen, lay = {}, {}
    for number, run in enumerate(runs):
        name = f"{number}. {run[0]}"
        words, environment = (add, world.with_key) if run == ADD else (run, world.environment)
        traced([str(BIN / "vaultpy"), *words], environment, tmp_path / "trace", *place.inject)
        seen[name] = written(tmp_path / "trace")
        lay[name] = lying_in(world.home)
    secrets = secrets_of(world)
    assert sum(name.startswith("token") for name in secrets) == (3 if place.keeps else 2)
    for what in (seen, lay):
        assert {name: found for name, data in what.items() if (found := leaks(data, secrets))} == {}
    assert all(b"vaultpy index" in data for name, data in seen.items() if name.endswith("add"))
    first = f"{runs.index(EXEC)}. exec"
    assert b"/ledger/mfa-" in seen[first]
    assert (b"\nsession\t" in lay[first]) == place.keeps


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[World]:
    """Provide a world in which alice's key is enrolled and nothing is in the way."""
    with World(tmp_path, finger=SteadyFinger()) as world:
        world.enrol()
        yield world


def test_a_secret_that_the_command_itself_writes_and_removes_is_seen(plain: World, tmp_path: Path) -> None:
    script = (
        'printf %s "$AWS_SESSION_TOKEN" > gone; rm gone; printf %s "$AWS_SECRET_ACCESS_KEY" > "$HOME/left"'
    )
    vaultpy = str(BIN / "vaultpy")
    traced([vaultpy, "exec", "dev-role", "--", "sh", "-c", script], plain.environment, tmp_path / "trace")
    found = leaks(written(tmp_path / "trace"), secrets_of(plain))
    assert sorted(name.partition(" ")[0] for name in found) == ["secret", "token"]
    assert [name.partition(" ")[0] for name in leaks(lying_in(plain.home), secrets_of(plain))] == ["secret"]


WAYS = {
    "a write": "os.write(fd, secret)",
    "a write somewhere": "os.pwrite(fd, b'.' + secret, 10)",
    "a write of parts": "os.writev(fd, [b'one', secret])",
    "a name": "os.mkdir(b'x' + secret)",
    "a link": "os.symlink(secret, 'link')",
    "a memory file": "os.write(os.memfd_create('x'), secret)",
    "the words of a command": "os.spawnlp(os.P_WAIT, 'true', 'true', secret)",
}


SECRETS = {"text": b"hunter2", "digits": b"271828", "seed": b"\xff\x80seed\n"}


@pytest.mark.parametrize(
    ("way", "secret"),
    [
        pytest.param(
            way,
            secret,
            id=f"{name}-{kind}",
            marks=() if (place + number) % len(SECRETS) == 0 else pytest.mark.long,
        )
        for place, (name, way) in enumerate(WAYS.items())
        for number, (kind, secret) in enumerate(SECRETS.items())
    ],
)
def test_the_search_finds_what_is_planted(way: str, secret: bytes, tmp_path: Path) -> None:
    hidden = "".join(f"{255 - byte:02x}" for byte in secret)  # so that it is not in this command's own words
    script = f"import os; os.chdir({str(tmp_path)!r}); fd = os.open('file', os.O_CREAT | os.O_RDWR); "
    script += f"secret = bytes(255 - byte for byte in bytes.fromhex('{hidden}')); {way}"
    traced([sys.executable, "-c", script], {}, tmp_path / "trace")
    data = written(tmp_path / "trace")
    assert leaks(data, {"planted": secret, "absent": b"hunter3", "other digits": b"314159"}) == ["planted"]


def test_a_file_that_is_written_without_a_call_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"." * 100)
    script = f"import mmap; file = open({str(tmp_path / 'file')!r}, 'r+b'); "
    script += "mmap.mmap(file.fileno(), 0)[:7] = b'hunter2'"
    traced([sys.executable, "-c", script], {}, tmp_path / "trace")
    with pytest.raises(AssertionError, match="MAP_SHARED"):
        written(tmp_path / "trace")


def test_digits_among_other_digits_are_no_code() -> None:
    assert leaks(b"1795271828", {"code": b"271828"}) == []
    assert leaks(b"a271828b", {"code": b"271828"}) == ["code"]
