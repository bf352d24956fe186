"""A fork says and does what the installed command does, so that tests may have the one for the other."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from support.forks import forked
from support.pcscd import missing
from support.preloaded import Preloaded
from support.session_at_hand import session_at_hand
from support.world import World
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

# What a process inherits, beside its variables: open files (one is the list of them), mask, place, signals.
INHERITED = "ls /proc/self/fd; umask; pwd; ulimit -c; grep -E '^(Sig[BIC]|NoNewPrivs)' /proc/self/status; env"
SAYS_IT = ("sh", "-c", INHERITED)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with session_at_hand(World(tmp_path_factory.mktemp("world"), finger=SteadyFinger())) as world:
        yield world


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--version",), 0),
        (("list", "--json"), 0),
        (("exec", "dev-role", "--", *SAYS_IT), 0),
        (("--debug", "exec", "dev-role", "--", "sh", "-c", "exit 7"), 7),
        (("exec", "nobody", "--", "true"), 125),
        (("lst",), 2),
        (("add", "other", "--stdin"), 1),
        (("mfa", "code", "nobody"), 1),
    ],
    ids=lambda it: " ".join(it[:3]) if isinstance(it, tuple) else None,
)
def test_it_says_and_does_what_the_installed_command_does(
    world: World, words: tuple[str, ...], status: int
) -> None:
    answers = []
    for done in (
        world.vaultpy(*words, stdin="no key, é\n"),
        forked(world.environment, *words, stdin="no key, é\n"),
    ):
        assert done.returncode == status, done.stderr
        answers.append((comparable(done.stdout), comparable(done.stderr)))
    assert any(answers[0])
    assert answers[0] == answers[1]


def comparable(text: str) -> list[str]:
    """Return the lines, sorted, without what is another at each run: times, processes, the shell's own."""
    lines = [re.sub(r"[0-9.]+ m?s\b|\b(pid|process) [0-9]+", "", line) for line in text.splitlines()]
    return sorted(line for line in lines if not line.startswith("_="))


def test_a_run_that_does_not_end_is_killed_and_the_next_gets_its_own_answer(world: World) -> None:
    read, write = os.pipe()
    with Preloaded() as preloaded, open(read, "rb") as said, open(write, "wb") as out:  # noqa: PTH123  # pipes
        stops = ("exec", "dev-role", "--", "sh", "-c", "echo here; kill -STOP $$")
        process = preloaded.begin(stops, world.environment, (said, out, out))
        assert said.readline() == b"here\n"
        patience = preloaded._control.gettimeout()
        preloaded._control.settimeout(0.1)
        with pytest.raises(TimeoutError):
            preloaded.end()
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
        preloaded._control.settimeout(patience)
        assert preloaded.run(("nothing",), world.environment).returncode == 2
