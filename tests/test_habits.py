"""What `docs/habits` relies on where no shell block there shows it: how other programs take credentials."""

from __future__ import annotations

import json
import os
import re
import socket
import socketserver
import sys
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.forks import forked
from support.hurry import HurriedWorld
from support.pcscd import missing
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.world import World

HABITS = Path(__file__).parent.parent / "docs" / "habits"
PAGES = sorted(HABITS.glob("*.md"))
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
OPTION = r"(?<![\w-])--?[a-z][a-z-]*"
needs_pcscd = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Provide a world in which alice's key is enrolled, and touched as soon as it blinks."""
    with HurriedWorld(tmp_path, finger=SteadyFinger()) as world:
        world.enrol()
        yield world


def called(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Give each call of vaultpy on a page: its verb, and the options that are vaultpy's own."""
    text = page.read_text()
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCE.sub("", text))]
    for code in [block for language, block in FENCE.findall(text) if language == "sh"] + spans:
        for call in re.findall(r"(?<![\w/-])vaultpy ([a-z][^|&;)'\n]*)", code.replace("\\\n", " ")):
            words = call.partition(" -- ")[0]
            verb = re.match(r"(mfa|template) [a-z-]+|[a-z-]+", words)
            assert verb
            yield verb[0], re.findall(OPTION, words)


@cache
def options_of(verb: str) -> set[str]:
    """Return the options in the help of `verb`; there is none for a verb that does not exist."""
    done = forked(os.environ, *verb.split(), "--help")
    assert done.returncode == 0, verb
    return set(re.findall(OPTION, done.stdout))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_call_on_a_page_names_a_verb_and_options_that_exist(page: Path) -> None:
    for verb, options in called(page):
        assert set(options) <= options_of(verb), verb


def test_every_page_stands_in_the_index() -> None:
    index = (HABITS / "README.md").read_text()
    assert {page.name for page in PAGES} - {"README.md"} == set(re.findall(r"\]\(([\w-]+\.md)\)", index))


class Forwarded(socketserver.ThreadingUnixStreamServer):
    """What `ssh -R` is between a client and pcscd: it carries bytes, and nothing else that a socket can."""

    def __init__(self, path: Path, target: str) -> None:
        super().__init__(str(path), _Connection)
        self.target = target
        self.connections = 0


class _Connection(socketserver.BaseRequestHandler):
    server: Forwarded

    def handle(self) -> None:
        self.server.connections += 1
        with socket.socket(socket.AF_UNIX) as far:
            far.connect(self.server.target)
            back = threading.Thread(target=_pump, args=(far, self.request))
            back.start()
            _pump(self.request, far)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):  # the other side has gone
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@needs_pcscd
def test_a_yubikey_serves_through_a_forwarded_socket_of_its_smart_card_service(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "forwarded"
    forwarded = Forwarded(path, world.environment["PCSCLITE_CSOCK_NAME"])
    thread = threading.Thread(target=forwarded.serve_forever)
    thread.start()
    words = ("exec", "dev-role", "--", "aws", "sts", "get-caller-identity", "--query", "Arn")
    done = world.vaultpy(*words, env=world.environment | {"PCSCLITE_CSOCK_NAME": str(path)})
    forwarded.shutdown()
    thread.join()
    forwarded.server_close()
    assert json.loads(done.stdout) == f"arn:aws:sts::{world.role.arn.split(':')[4]}:assumed-role/dev/alice"
    assert forwarded.connections > 0


@needs_pcscd
def test_a_code_of_one_computer_opens_a_session_on_another_that_has_no_smart_card_service(
    world: World, tmp_path: Path
) -> None:
    remote = world.environment | {
        "PCSCLITE_CSOCK_NAME": str(tmp_path / "nothing"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    added = world.vaultpy("add", "dev", "--env", env=world.with_key | remote)
    assert added.returncode == 0, added.stderr
    code = world.vaultpy("mfa", "code", "dev").stdout
    opened = world.vaultpy("exec", "dev", "--mfa-token", "-", "--", "true", env=remote, stdin=code)
    assert opened.returncode == 0, opened.stderr
    assert world.vaultpy("exec", "dev-role", "--", "true", env=remote).returncode == 0


def docker_env_file(text: str) -> dict[str, str]:
    """Read a file as `docker run --env-file` does: no quotes, no escapes, no blanks taken off a value."""
    lines = [line.lstrip() for line in text.splitlines()]
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def variables(world: World) -> dict[str, str]:
    """Return the environment of a command of `exec dev-role`."""
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    return dict(json.loads(world.vaultpy("exec", "dev-role", "--", sys.executable, "-c", show).stdout))


@needs_pcscd
def test_docker_reads_from_dotenv_the_variables_of_exec(world: World) -> None:
    read = docker_env_file(world.vaultpy("export", "--format", "dotenv", "dev-role").stdout)
    assert "AWS_SESSION_TOKEN" in read
    assert read.items() <= variables(world).items()


@needs_pcscd
def test_the_names_that_containers_are_given_are_variables_of_exec(world: World) -> None:
    page = (HABITS / "containers.md").read_text()
    settings = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    compose = re.search(r"environment: \[(.*)\]", page)
    assert settings
    assert compose
    names = json.loads(settings[1])["runArgs"][1::2]
    assert names == compose[1].split(", ")
    assert set(names) == set(re.findall(r"-e (AWS_\w+)", page))
    assert set(names) <= set(variables(world))


@needs_pcscd
@pytest.mark.parametrize(("profile", "let_in"), [("dev", True), ("dev-role", False)])
def test_a_command_may_assume_roles_that_want_mfa_with_the_users_session_and_not_with_a_roles(
    world: World, profile: str, *, let_in: bool
) -> None:
    other = world.alice.account.role("other", requires_mfa=True, trusts=[world.alice.account.id])
    call = ("aws", "sts", "assume-role", "--role-arn", other.arn, "--role-session-name", "alice")
    assert (world.vaultpy("exec", profile, "--", *call).returncode == 0) is let_in
