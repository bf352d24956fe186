"""Every verb, looked at from all sides: words and variables of its processes, files, stdout, stderr.

The table says what may be seen where: what the verb is for, and no more. A verb without a line in it fails.
"""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import typer.main
from yubikit.oath import OathSession

from support.pcscd import missing
from support.tracing import leaks, seen, seen_at_terminal
from support.world import BIN, World
from vaultpy.cli import run as cli_run
from vaultpy.cli.app import app
from vaultpy.keystore_file import keystore_file_path
from vaultpy.simulated.aws_mfa import totp
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.terminal import Terminal
from vaultpy.values import Secret
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.pseudo_terminal import PseudoTerminal
    from support.tracing import Seen
    from vaultpy.access_keys import Keystore

pytestmark = [
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (Debian: strace)"),
    pytest.mark.timeout(600),
]
VAULTPY = str(BIN / "vaultpy")
PASSPHRASE = "correct-7731-horse"
OATH_PASSWORD = "battery-1377-staple"
STEPS = range(-40, 4)  # around the last one that AWS took: as long as a sweep may take
PLACES = ("argv", "environment", "files", "stdout", "stderr")
SESSION = {"secret", "token"}


class Scene(World):
    """A world with bob, who has no MFA device; the keystore remembers the password that locks the key."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, finger=SteadyFinger())
        self.bob = self.alice.account.user("bob")
        self.bobs_key = self.bob.access_key()
        self.first_secret = self.access_key.secret

    def lock(self) -> None:
        """Set the OATH password, and let the keystore remember it."""
        session = OathSession(SimulatedConnection(self.yubikey))
        self.derived = session.derive_key(OATH_PASSWORD)
        session.set_key(self.derived)
        self._item = f"oath-password/{session.device_id}"
        self._keystore().set(self._item, Secret(self.derived.hex()))

    def forget(self) -> None:
        """Let the keystore forget the OATH password."""
        self._keystore().delete(self._item)

    def remembers(self) -> bool:
        """Tell whether it knows the OATH password."""
        return self._keystore().get(self._item) == Secret(self.derived.hex())

    def _keystore(self) -> Keystore:
        return Wiring(self.environment, Terminal(self.environment, listens=False)).keystore("file")

    def secrets(self) -> dict[str, bytes]:
        """Return all that there is to steal, by kind and name."""
        found = {"passphrase": PASSPHRASE.encode(), "oath password": OATH_PASSWORD.encode()}
        found["oath key"], found["oath key in hexadecimal"] = self.derived, self.derived.hex().encode()
        devices = [self.device, *self.alice.account.virtual_devices.values()]
        for number, device in enumerate(devices):
            found[f"seed {number}"], found[f"seed {number} hex"] = device.seed, device.seed.hex().encode()
            found[f"seed {number} base32"] = base64.b32encode(device.seed).rstrip(b"=")
            for near in (it for it in STEPS if device.last_step + it >= 0):
                found[f"code {number} {near}"] = totp(device.seed, device.last_step + near).encode()
        for user in (self.alice, self.bob):
            for key in user.access_keys.values():
                found[f"key {key.id}"] = key.secret.encode()
        found["key that was"] = self.first_secret.encode()
        for session in self.aws._cloud.sessions.values():
            found[f"secret {session.id}"], found[f"token {session.id}"] = (
                session.secret.encode(),
                session.token.encode(),
            )
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Scene]:
    (tmp_path / "world").mkdir()
    with Scene(tmp_path / "world") as world:
        world.environment["VAULTPY_KEYSTORE_PASSPHRASE"] = PASSPHRASE
        del world.environment["VAULTPY_KEYSTORE_PASSPHRASE_FILE"]
        Path(keystore_file_path(world.environment)).unlink()
        world._make_cheap_keystore()  # with this passphrase
        world.environment["TMPDIR"] = str(world.home)
        world.lock()
        yield world


class Line(NamedTuple):
    """One run: its words, and what may be seen where. `before` runs unseen; `ends` are good exit statuses."""

    words: tuple[str, ...]
    may: dict[str, set[str]] = {}  # noqa: RUF012  # no one changes it
    key: str = ""
    stdin: str = ""
    ends: tuple[int, ...] = (0,)
    script: str = ""


SERVE = (
    'mkfifo "$HOME/pipe"; {} serve dev-role > "$HOME/pipe" & '
    'read line < "$HOME/pipe"; kill -TERM $!; wait $!; rm "$HOME/pipe"'
)
CSV = "Access key ID,Secret access key\n{},{}\n"
# In this order: each finds what those before it have left.
TABLE: dict[str, list[Line]] = {
    "add": [
        Line(("add", "dev", "--env", "--role", "dev-role={role}"), key="alice"),
        Line(("add", "bob", "--stdin"), stdin="bob"),
        Line(("add", "bob", "--stdin", "--force"), stdin="torn", ends=(1,)),
    ],
    "exec": [
        Line(("exec", "dev-role", "--", "/usr/bin/env", "true"), {"environment": SESSION}),
        Line(("exec", "dev-role", "--", "/usr/bin/env", "true"), {"environment": SESSION}),
        Line(("exec", "dev-role", "--server", "--", "/usr/bin/env", "true")),
        Line(("exec", "dev-role", "--", "/nonexistent"), ends=(127,)),
    ],
    "export": [Line(("export", "dev-role", "--format", "json"), {"stdout": SESSION})],
    "credential-process": [Line(("credential-process", "dev-role"), {"stdout": SESSION})],
    "each": [Line(("each", "dev-role", "--", "/usr/bin/env", "true"), {"environment": SESSION})],
    "write": [Line(("write", "dev-role", "--to", "written"), {"files": SESSION})],
    "login": [Line(("login", "dev-role", "--stdout"))],
    "list": [Line(("list",))],
    "status": [Line(("status", "dev-role"), ends=(0, 1))],
    "mfa code": [Line(("mfa", "code", "dev"), {"stdout": {"code"}})],
    "mfa list": [Line(("mfa", "list", "dev"))],
    "mfa resync": [Line(("mfa", "resync", "dev"))],
    "doctor": [Line(("doctor",), ends=(0, 1))],
    "serve": [Line((), script=SERVE, ends=(0, 143))],
    "rotate": [Line(("rotate", "dev"))],
    "import": [Line(("import", "credentials", "old", "--yes"), {"files": SESSION})],  # what write left there
    "mfa enroll": [Line(("mfa", "enroll", "bob"))],
    "mfa remove": [Line(("mfa", "remove", "bob", "--yes"), ends=(0, 1))],
    "shell-init": [Line(("shell-init", "bash"))],
    "template": [Line(("template", "self-management"))],
    "clear": [Line(("clear",))],
    "remove": [Line(("remove", "dev", "--yes"))],
}
SOME = ("add", "exec", "export", "write", "remove")
LIKE = {"ls": "list", "rm": "remove"}
HAS_NO_SECRET = {"demo"}  # but simulated ones


def verbs() -> set[str]:
    """Return every verb of the command line; of `template` one stands for all, which know no secret."""
    quick = set(cli_run._QUICK)
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        inner = getattr(command, "commands", {}) if name != "template" else {}
        quick |= {f"{name} {each}" for each in inner} or {name}
    return quick


def test_every_verb_has_its_line() -> None:
    assert verbs() == set(TABLE) | set(LIKE) | HAS_NO_SECRET


def performed(world: Scene, line: Line, log: Path, *, debug: bool) -> Seen:
    """Do what `line` says; return what was seen."""
    environment = dict(world.environment)
    keys = {"alice": world.access_key, "bob": world.bobs_key}
    if line.key:
        key = keys[line.key]
        environment |= {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
    stdin = ""
    if line.stdin:
        bob = keys["bob"]
        stdin = CSV.format(bob.id, bob.secret) + ("\0" * 70_000 if line.stdin == "torn" else "")
    if line.words[:1] == ("import",):
        path = world.home / ".aws" / "credentials"
        text = f"[old]\naws_access_key_id = {keys['bob'].id}\naws_secret_access_key = {keys['bob'].secret}\n"
        path.write_text(path.read_text() + text if path.exists() else text)
    words = [
        VAULTPY,
        *(["--debug"] if debug else []),
        *(word.format(role=world.role.arn) for word in line.words),
    ]
    if line.script:
        words = ["sh", "-c", line.script.format(VAULTPY)]
    if line.words[:2] == ("mfa", "enroll"):
        world.plug_in(SimulatedYubiKey(finger=SteadyFinger()))
    found = seen(words, environment, log, stdin)
    assert found.status in line.ends, (line.words, found.stderr.decode())
    return found


def judge(line: Line, run: Seen, secrets: dict[str, bytes]) -> None:
    """Fail where any of `secrets` is seen that must not be."""
    for place in PLACES:
        shown = leaks(getattr(run, place), secrets)
        too_much = {name for name in shown if name.partition(" ")[0] not in line.may.get(place, set())}
        assert too_much == set(), (line.words, place)
        if place in line.may:  # else the search would find nothing because it sees nothing
            assert {name.partition(" ")[0] for name in shown} >= line.may[place], (line.words, place)
    assert run.files, line.words


def look(world: Scene, lines: list[Line], log: Path, *, debug: bool) -> int:
    """Perform `lines`; fail where anything is seen that must not be. Returns how many texts were searched."""
    found = [(line, performed(world, line, log, debug=debug)) for line in lines]
    secrets = world.secrets()
    for line, run in found:
        judge(line, run, secrets)
        assert b"Traceback" not in run.stderr or debug
    return len(found) * len(PLACES) * len(secrets)


def test_what_is_secret_is_only_where_it_is_meant_to_be(world: Scene, tmp_path: Path) -> None:
    look(world, [TABLE[verb][0] for verb in SOME], tmp_path / "trace", debug=True)


@pytest.mark.long
def test_the_same_for_every_verb(world: Scene, tmp_path: Path, tell: Callable[[str], None]) -> None:
    lines = [line for lines in TABLE.values() for line in lines]
    searched = look(world, lines, tmp_path / "trace", debug=True)
    tell(f"{len(lines)} runs of all verbs, {searched} searches for a secret")


@pytest.mark.parametrize("right", [True, pytest.param(False, marks=pytest.mark.long)])
def test_an_oath_password_that_is_typed_is_seen_nowhere(world: Scene, tmp_path: Path, *, right: bool) -> None:
    world.enrol()
    world.forget()
    line = Line(("exec", "dev-role", "--", "/usr/bin/env", "true"), {"environment": SESSION} if right else {})

    def conversation(terminal: PseudoTerminal) -> None:
        terminal.expect("(not shown): ")
        terminal.type(OATH_PASSWORD + ("\n" if right else "x\n"))
        if right:
            terminal.expect("remember it in the keystore? [y/N]")
            terminal.type("y\n")

    words = [VAULTPY, "--debug", *line.words]
    run = seen_at_terminal(words, world.environment, tmp_path / "trace", conversation)
    assert run.status == (0 if right else 125), run.stdout.decode()
    judge(line, run, world.secrets())
    assert world.remembers() is right


LEAKS = {
    "argv": '/usr/bin/env true "$AWS_SESSION_TOKEN"',
    "environment": 'LEAK="$AWS_SESSION_TOKEN" /usr/bin/env true',
    "files": 'echo "$AWS_SESSION_TOKEN" > "$HOME/left"; rm "$HOME/left"',
    "stdout": 'echo "$AWS_SESSION_TOKEN"',
    "stderr": 'echo "$AWS_SESSION_TOKEN" >&2',
}


@pytest.mark.parametrize("place", PLACES)
def test_a_leak_is_seen_wherever_it_is(place: str, tmp_path: Path) -> None:
    environment = {"AWS_SESSION_TOKEN": "hunter2-hunter2", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    run = seen(["sh", "-c", LEAKS[place]], environment, tmp_path / "trace")
    secrets = {"token": b"hunter2-hunter2"}
    assert [it for it in PLACES if leaks(getattr(run, it), secrets)] == [place]
