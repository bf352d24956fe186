"""Many different commands at once on one keystore file and one session store: nothing is lost or torn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.keystore_fixtures import Answers
from support.pcscd import missing
from support.world import BIN, PASSPHRASE, World
from vaultpy import access_keys
from vaultpy.access_key_owner import Checked
from vaultpy.config import Config
from vaultpy.credentials import AccessKey
from vaultpy.index import Index
from vaultpy.keystore_file import FileKeystore, keystore_file_path
from vaultpy.keystore_format import Argon2
from vaultpy.simulated.finger import SteadyFinger
from vaultpy.state import open_lock_file, try_lock
from vaultpy.terminal import Terminal
from vaultpy.values import Secret
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TypeAlias

    Command: TypeAlias = "tuple[tuple[str, ...], AccessKey | None]"

pytestmark = [
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.timeout(900),
]
CHEAP = Argon2(memory=64, passes=1, lanes=1)  # the crowd is to meet at the locks, not in Argon2id
WITHIN_SECONDS = 600
# In a user namespace the kernel keyring is one of its own, so that other tests' sessions do not fill it.
RUNNER = """
import json, subprocess, sys
pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
results = []
for phase in json.load(sys.stdin):
    running = [
        subprocess.Popen([sys.argv[1], *words], env=env, stdin=nothing, stdout=pipe, stderr=pipe, text=True)
        for words, env in phase
    ]
    ended = [process.communicate() for process in running]
    results.append([(process.returncode, *texts) for process, texts in zip(running, ended)])
json.dump(results, sys.stdout)
"""
EXEC = ("exec", "dev-role", "--", "printenv", "AWS_ACCESS_KEY_ID")


def key_of(number: int) -> AccessKey:
    return AccessKey(f"AKIACROWD{number:011}", Secret(f"secret-of-{number:030}"))


class Crowd:
    """What each of `count` commands does, and how it must have ended."""

    def __init__(self, world: World, count: int) -> None:
        self.world = world
        kinds = [
            self._add,
            self._remove,
            self._exec,
            self._list,
            self._export,
            self._clear,
            self._process,
            self._replace,
        ]
        self.added = range(0, count, len(kinds))
        self.removed = range(1, count, len(kinds))
        self.replaced = range(7, count, len(kinds))
        self.commands = [kinds[number % len(kinds)](number) for number in range(count)]

    def prepare(self) -> None:
        """Enrol what is to be removed and replaced, make sessions, and let the keystore file be cheap."""
        environment = self.world.environment
        answers = Answers(PASSPHRASE)
        keystore = FileKeystore(keystore_file_path(environment), environment, answers, CHEAP)
        keystore.set("first", Secret("to make the file"))
        keystore.delete("first")
        self.world.enrol()
        wiring = Wiring(environment, Terminal(environment, listens=False))
        for number in (*self.removed, *self.replaced):
            key = key_of(number)
            wiring.enroller().enrol(f"user-{number}", key, Checked("", (), told=True), "file", [])

    def _add(self, number: int) -> Command:
        return ("add", f"user-{number}", "--env", "--no-verify"), key_of(number)

    def _replace(self, number: int) -> Command:
        return ("add", f"user-{number}", "--env", "--no-verify", "--force"), key_of(number + 10_000)

    def _remove(self, number: int) -> Command:
        return ("remove", f"user-{number}", "--yes"), None

    def _exec(self, _number: int) -> Command:
        return EXEC, None

    def _list(self, _number: int) -> Command:
        return ("list", "--json"), None

    def _export(self, _number: int) -> Command:
        return ("export", "dev-role", "--format", "json"), None

    def _clear(self, _number: int) -> Command:
        return ("clear", f"user-{self.replaced[0]}"), None

    def _process(self, _number: int) -> Command:
        return ("credential-process", "dev-role"), None

    def run(self) -> None:
        """Start all at once: each must come to a good end, and print what is whole. Then exec."""
        before: list[Command] = [(EXEC, None)]
        phases = [before, self.commands, before]
        asked = [[(words, self._environment(key)) for words, key in phase] for phase in phases]
        done = subprocess.run(
            ["unshare", "--map-root-user", sys.executable, "-c", RUNNER, str(BIN / "vaultpy")],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=WITHIN_SECONDS,
            check=True,
        )
        for phase, ended in zip(phases, json.loads(done.stdout), strict=True):
            for (words, _), (status, stdout, stderr) in zip(phase, ended, strict=True):
                self._check(words, status, stdout, stderr)

    def _environment(self, key: AccessKey | None) -> dict[str, str]:
        environment = dict(self.world.environment)
        if key is not None:
            environment |= {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret.reveal()}
        return environment

    def _check(self, words: tuple[str, ...], status: int, stdout: str, stderr: str) -> None:
        assert status == 0, (words, stderr)
        assert "error" not in stderr
        if words[0] in {"list", "export", "credential-process"}:
            assert json.loads(stdout)
        if words[0] == "exec":
            assert self.world.aws.session(stdout.strip()).id == stdout.strip()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, finger=SteadyFinger()) as world:
        yield world


def assert_nothing_is_lost_or_torn(crowd: Crowd) -> None:
    world = crowd.world
    state = world.home / "state" / "vaultpy"
    expected = {f"user-{number}": key_of(number) for number in crowd.added}
    expected |= {f"user-{number}": key_of(number + 10_000) for number in crowd.replaced}
    listed = {each.name: each.access_key_id for each in Index(str(state / "index")).enrolments()}
    assert listed == {name: key.id for name, key in expected.items()} | {"dev": world.access_key.id}
    environment = world.environment
    keystore = FileKeystore(keystore_file_path(environment), environment, Answers(PASSPHRASE))
    for key in expected.values():
        assert access_keys.load(keystore, key.id) == key
    for number in (*crowd.removed, *crowd.replaced):
        assert access_keys.load(keystore, key_of(number).id) is None
    names = Config.load(environment).names()
    assert sorted(names) == sorted({*names}), "a section was written twice"
    assert set(expected) - {f"user-{number}" for number in crowd.replaced} <= set(names)
    left = [path for path in world.home.rglob("*") if path.name.endswith(".vaultpy-new")]
    assert left == []
    for path in (*state.glob("locks/*"), *world.home.rglob("*.lock")):
        descriptor = open_lock_file(str(path))
        assert try_lock(descriptor), path
        os.close(descriptor)
    assert world.yubikey.calculations == 1, "the session that was there served all"


@pytest.mark.parametrize("count", [16, pytest.param(200, marks=pytest.mark.long)])
def test_all_of_a_crowd_s_commands_have_their_effect(world: World, count: int) -> None:
    crowd = Crowd(world, count)
    crowd.prepare()
    crowd.run()
    assert_nothing_is_lost_or_torn(crowd)
