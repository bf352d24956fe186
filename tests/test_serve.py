"""`serve`: what it prints makes a shell's commands find the credentials, and it leaves nothing behind."""

from __future__ import annotations

import shutil
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.credentials import ContainerProvider

from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.session_at_hand import session_at_hand
from support.world import BIN, World
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
VAULTPY = str(BIN / "vaultpy")
PATIENCE_SECONDS = 30
WHO = "aws sts get-caller-identity --query Arn --output text"
FORWARDER = Path(__file__).parent / "support" / "forwarder.py"
IN_A_NETWORK_OF_ITS_OWN = ("unshare", "--net", "--map-root-user")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a world with a session at hand, so that no test waits for a finger."""
    with session_at_hand(World(tmp_path_factory.mktemp("world"), finger=SteadyFinger(0.1))) as world:
        yield world


@contextmanager
def serving(world: World, *words: str) -> Iterator[dict[str, str]]:
    """Serve while the context lasts; give the lines for each profile, and see it end well."""
    process = subprocess.Popen(
        [VAULTPY, "serve", *words],
        env=world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout
        assert process.stderr
        while "serving; end it with Ctrl-C" not in (said := process.stderr.readline()):
            assert said  # a touch may be asked for: the session at hand may have given way to another test's
        try:
            lines: dict[str, str] = {}
            profiles = [word for word in words if word in {"dev", "dev-role"}]
            name = ""
            while len(lines) < len(profiles) or "AWS_DEFAULT_REGION" not in lines[profiles[-1]]:
                line = process.stdout.readline()
                name = line[2:].strip() if line.startswith("# ") else name
                lines[name] = lines.get(name, "") + line
            yield lines
        finally:
            process.terminate()
            assert process.wait(PATIENCE_SECONDS) == 0


def in_shell(world: World, script: str) -> str:
    """Run `script` in a shell in which an outer one's variables would lead elsewhere."""
    poison = {"AWS_PROFILE": "nowhere", "AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": "x"}
    done = subprocess.run(
        ["sh", "-c", script],
        env=world.environment | poison,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def who(world: World, lines: str) -> str:
    """Return who an SDK is in such a shell."""
    pairs = [line.partition("=") for line in in_shell(world, f"{lines}\nenv -0").split("\0")]
    environ = {name: value for name, _, value in pairs}
    assert not {"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & set(environ)
    found = ContainerProvider(environ).load().get_frozen_credentials()
    return world.aws.session(found.access_key).principal.arn


def test_each_profile_is_what_its_lines_lead_to(world: World) -> None:
    with serving(world, "dev-role", "dev") as lines:
        assert in_shell(world, lines["dev-role"] + WHO).strip().endswith(":assumed-role/dev/alice")
        assert who(world, lines["dev-role"]).endswith(":assumed-role/dev/alice")
        assert who(world, lines["dev"]) == world.alice.arn


def test_the_token_can_be_in_a_file_of_its_user_s_alone_that_goes_when_it_ends(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("A" * 43)  # what a killed server left
    file.chmod(0o644)
    with serving(world, "dev-role", "--token-file", str(file)) as lines:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        token = file.read_text()
        assert token != "A" * 43
        assert token.strip() == token
        assert token not in lines["dev-role"]
        assert "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" in lines["dev-role"]
        assert who(world, lines["dev-role"]).endswith(":assumed-role/dev/alice")
    assert not file.exists()


def test_a_port_can_be_chosen(world: World) -> None:
    port = free_port()
    with serving(world, "dev-role", "--port", str(port)) as lines:
        assert f"http://127.0.0.1:{port}/profile/dev-role" in lines["dev-role"]


def test_ctrl_c_is_its_good_end(world: World) -> None:
    with PseudoTerminal([VAULTPY, "serve", "dev-role"], world.environment) as terminal:
        terminal.expect("end it with Ctrl-C")
        terminal.type("\x03")
        assert terminal.wait() == 0
    assert "Traceback" not in terminal.screen


def test_under_nohup_it_outlives_the_terminal(world: World) -> None:
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$0" serve dev-role', VAULTPY],
        env=world.environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout
        lines = ""
        while "AWS_DEFAULT_REGION" not in lines.rpartition("export")[2]:
            lines += process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        try:
            assert who(world, lines).endswith(":assumed-role/dev/alice")
        finally:
            process.terminate()


def test_keys_of_default_that_sdks_take_first_are_warned_of(world: World, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text((world.home / ".aws" / "config").read_text() + "\n[default]\ncredential_process = x\n")
    words = [VAULTPY, "serve", "dev-role"]
    environment = world.environment | {"AWS_CONFIG_FILE": str(config)}
    with PseudoTerminal(words, environment, size=(30, 200)) as terminal:
        terminal.expect("SDKs take the credentials of [default] (credential_process)")
        terminal.expect("end it with Ctrl-C")
        terminal.type("\x03")
        terminal.wait()


# ---- docs/containers.md ---------------------------------------------------------------------------------


def can_make_networks() -> bool:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    up = [*IN_A_NETWORK_OF_ITS_OWN, "ip", "link", "set", "lo", "up"]
    return subprocess.run(up, capture_output=True, check=False).returncode == 0


@contextmanager
def forwarder(here: str, there: str) -> Iterator[None]:
    with subprocess.Popen([sys.executable, FORWARDER, here, there], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            process.send_signal(signal.SIGKILL)


@pytest.mark.skipif(not can_make_networks(), reason="networks cannot be made here (unshare --net, ip)")
def test_a_process_in_a_network_of_its_own_gets_credentials_over_a_socket_that_it_is_given(
    world: World, tmp_path: Path
) -> None:
    port = free_port()
    through = tmp_path / "vaultpy.sock"
    code = (
        "import botocore.session as s;"
        "print(s.Session().get_credentials().get_frozen_credentials().access_key)"
    )
    inside = f"""
ip link set lo up
{sys.executable} {FORWARDER} {port} {through} | (read ready; {sys.executable} -c '{code}'; kill 0)
"""
    with serving(world, "dev-role", "--port", str(port)) as lines, forwarder(str(through), str(port)):
        assert stat.S_IMODE(through.stat().st_mode) == 0o700
        done = subprocess.run(
            [*IN_A_NETWORK_OF_ITS_OWN, "sh", "-c", lines["dev-role"] + inside],
            env=world.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            start_new_session=True,
            check=False,
        )
    session = world.aws.session(done.stdout.strip())
    assert session.principal.role is world.role  # type: ignore[union-attr]  # of a role


@pytest.mark.skipif(not can_make_networks(), reason="networks cannot be made here (unshare --net, ip)")
def test_without_it_the_server_cannot_be_reached_from_there(world: World) -> None:
    with serving(world, "dev-role") as lines:
        url = lines["dev-role"].partition("FULL_URI='")[2].partition("'")[0]
        reach = f"ip link set lo up; exec 3<>/dev/tcp/127.0.0.1/{url.split(':')[2].split('/')[0]}"
        done = subprocess.run(
            [*IN_A_NETWORK_OF_ITS_OWN, "bash", "-c", reach], capture_output=True, text=True, check=False
        )
    assert done.returncode != 0
    assert "refused" in done.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
