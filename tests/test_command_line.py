"""The command line as a user meets it, in a home of its own.

How the installed command starts, what it meets at a terminal and in a shell, is seen to by itself; what it
answers to words, by forks of one process that has started already.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import vaultpy
from support.forks import forked
from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.secret_service import private_environment
from support.world import BIN, World
from vaultpy.cli.app import app
from vaultpy.index import Index
from vaultpy.kernel_keyring import KernelKeyring
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VAULTPY = str(BIN / "vaultpy")
VERBS = [str(verb.name) for verb in app.registered_commands if not verb.hidden]
GROUPS = {str(group.name): group.typer_instance for group in app.registered_groups if group.typer_instance}
COMMANDS = [
    *((verb,) for verb in VERBS),
    *((name, str(verb.name)) for name, group in GROUPS.items() for verb in group.registered_commands),
]
ROLE = "arn:aws:iam::123456789012:role/dev"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a user whose home is empty, and whose keystore is a file."""
    home = tmp_path / "home"
    environment = private_environment(home)
    passphrase = home / "passphrase"
    passphrase.write_text("the passphrase\n")
    passphrase.chmod(0o600)
    environment["VAULTPY_KEYSTORE"] = "file"
    environment["VAULTPY_KEYSTORE_PASSPHRASE_FILE"] = str(passphrase)
    environment["PATH"] = f"{BIN}:{environment['PATH']}"
    return environment


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Provide a world in which nothing is enrolled yet, whose YubiKey is touched as soon as it blinks."""
    if reason := missing():
        pytest.skip(reason)
    with World(tmp_path, finger=SteadyFinger()) as world:
        yield world


def installed(
    environment: dict[str, str], *words: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run the installed command without a terminal."""
    done = subprocess.run(
        [VAULTPY, *words],
        env=environment,
        input=stdin,
        capture_output=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def shell(environment: dict[str, str], script: str) -> subprocess.CompletedProcess[str]:
    """Run a script of bash, without a terminal; it may call `vaultpy`."""
    return subprocess.run(
        ["bash", "-c", script],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str]) -> str:
    """Return what was told in exactly two lines on stderr."""
    error, hint = done.stderr.splitlines()
    assert error.startswith("vaultpy: error: ")
    assert hint.startswith("vaultpy: hint: ")
    assert done.stdout == ""
    return error.removeprefix("vaultpy: error: ") + "\n" + hint.removeprefix("vaultpy: hint: ")


def listed(environment: dict[str, str]) -> dict[str, dict[str, object]]:
    done = forked(environment, "list", "--json")
    assert done.returncode == 0, done.stderr
    return {row["profile"]: row for row in json.loads(done.stdout)}


def enrol(environment: dict[str, str], name: str = "dev", key_id: str = "AKIAIOSFODNN7EXAMPLE") -> None:
    """Enrol a key that AWS is not asked about."""
    key = {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": f"secret-of-{key_id}"}
    done = forked(environment | key, "add", name, "--env", "--no-verify")
    assert done.returncode == 0, done.stderr


# ---- help, version, usage -------------------------------------------------------------------------------


@pytest.fixture
def broken(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Return an environment in which AWS's config cannot be read."""
    config = tmp_path / "broken"
    config.write_bytes(b"setting = without a section\n\xff")
    return environment | {"AWS_CONFIG_FILE": str(config)}


def test_the_version_needs_no_config(broken: dict[str, str]) -> None:
    done = installed(broken, "--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"vaultpy {vaultpy.__version__}\n", "", 0)


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("--help", "list")])
def test_help_names_every_verb_and_needs_no_config(broken: dict[str, str], words: tuple[str, ...]) -> None:
    done = installed(broken, *words)
    assert (done.stderr, done.returncode) == ("", 0)
    assert all(f"\n  {verb} " in done.stdout for verb in [*VERBS, *GROUPS])


@pytest.mark.parametrize(
    "words",
    [
        *((*words, "--help") for words in COMMANDS),
        ("exec", "dev", "--help"),
        ("exec", "-h", "dev", "--", "true"),
    ],
)
def test_the_help_of_every_verb_shows_an_example_and_needs_no_config(
    broken: dict[str, str], words: tuple[str, ...]
) -> None:
    done = forked(broken, *words)
    assert (done.stderr, done.returncode) == ("", 0)
    command = " ".join(words[:2] if words[0] in GROUPS else words[:1])
    assert f"vaultpy {command}" in done.stdout.partition("\n  Example: ")[2]


def test_without_help_a_broken_config_is_told(broken: dict[str, str]) -> None:
    done = forked(broken, "list")
    assert done.returncode == 1
    assert "it is not UTF-8 text" in told(done)


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (("xyzzy",), 2, "no such command 'xyzzy'\nsee: vaultpy --help"),
        (("exce",), 2, "no such command 'exce'; did you mean 'exec'?\nsee: vaultpy --help"),
        (("--debug",), 2, "missing command\nsee: vaultpy --help"),
        (("--bogus",), 2, "no such option: --bogus\nsee: vaultpy --help"),
        (("add",), 2, "missing argument 'PROFILE'\nsee: vaultpy add --help"),
        (("add", "dev", "--role"), 2, "option '--role' requires an argument\nsee: vaultpy add --help"),
        (("add", "dev", "--role", "x"), 2, "--role x is not NAME=ARN\nwrite it so"),
        (("add", "dev", "--env", "--stdin"), 2, "--env and --stdin exclude each other\nsee: vaultpy add"),
        (("list", "--bogus"), 2, "no such option: --bogus\nsee: vaultpy list --help"),
        (("ls", "--bogus"), 2, "no such option: --bogus\nsee: vaultpy ls --help"),
        (("list", "extra"), 2, "got unexpected extra argument"),
        (("remove",), 2, "missing argument 'PROFILE'\nsee: vaultpy remove --help"),
        (("exec",), 125, "missing argument 'PROFILE'\nsee: vaultpy exec --help"),
        (("exec", ""), 125, "PROFILE is empty\nsee: vaultpy exec --help"),
        (("exec", "--bogus", "dev"), 125, "no such option: --bogus\nsee: vaultpy exec --help"),
        (("exec", "dev", "--bogus", "true"), 125, "no such option: --bogus\nsee: vaultpy exec --help"),
        (("--bogus", "exec", "dev"), 125, "no such option: --bogus\n"),
        (("exec", "dev", "--debug", "--", "true"), 125, "--debug goes before the verb: vaultpy --debug exec"),
        (("exec", "--mfa-serial", "my key", "dev"), 125, "--mfa-serial my key is not an MFA device's ARN or"),
        (("exec", "-d", "soon", "dev"), 125, "soon is not a duration\nwrite it as 90m, 8h"),
        (("exec", "dev", "-d"), 125, "-d needs a value\nsee: vaultpy exec --help"),
        (("exec", "-n", "dev"), 125, "-n: sessions cannot be left out, they never lie on the disk in clear"),
        (("exec", "dev", "--no-session", "true"), 125, "--no-session: sessions cannot be left out"),
    ],
)
def test_a_usage_error_is_two_lines(
    environment: dict[str, str], words: tuple[str, ...], status: int, text: str
) -> None:
    done = forked(environment, *words)
    assert done.returncode == status
    assert told(done).startswith(text)


@pytest.mark.parametrize(("alias", "verb"), [("ls", "list"), ("rm", "remove")])
def test_the_short_names_are_the_same_verbs(environment: dict[str, str], alias: str, verb: str) -> None:
    short, long = forked(environment, alias, "--help"), forked(environment, verb, "--help")
    assert short.stdout.replace(f"vaultpy {alias}", f"vaultpy {verb}") == long.stdout


# ---- add ------------------------------------------------------------------------------------------------


def test_a_key_from_the_environment_is_checked_stored_and_listed(world: World) -> None:
    done = installed(world.with_key, "add", "dev", "--env")
    config = world.home / ".aws" / "config"
    assert done.stdout == (
        f"enrolled access key {world.access_key.id} of {world.alice.arn} as dev\n"
        f"added to {config}: [profile dev]\n"
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert config.read_text() == f"[profile dev]\nmfa_serial = {world.device.serial}\n"
    assert listed(world.environment)["dev"]["access_key_id"] == world.access_key.id


def test_a_key_from_the_consoles_csv_is_taken_from_stdin(world: World) -> None:
    text = f"\ufeffAccess key ID,Secret access key\r\n{world.access_key.id},{world.access_key.secret}\r\n"
    assert forked(world.environment, "add", "dev", "--stdin", stdin=text).returncode == 0
    assert listed(world.environment)["dev"]["user_arn"] == world.alice.arn


@pytest.mark.parametrize(
    ("stdin", "problem"),
    [
        (b"\xff\xfe\x00s\x00e\x00c", "it is not UTF-8 text"),
        (b"secret" * 99999, "it is longer than 64 KiB"),
        (b"", "id or secret is missing"),
    ],
)
def test_stdin_that_holds_no_key_is_refused(environment: dict[str, str], stdin: bytes, problem: str) -> None:
    done = installed(environment, "--debug", "add", "dev", "--stdin", stdin=stdin)
    assert done.returncode == 1
    assert f"vaultpy: error: no access key in standard input: {problem}\n" in done.stderr
    assert "secret" not in done.stderr.replace("id or secret is missing", "")


def test_a_closed_stdin_holds_no_key(environment: dict[str, str]) -> None:
    done = shell(environment, "vaultpy add dev --stdin <&-")
    assert done.returncode == 1
    assert told(done).startswith("no access key in standard input: id or secret is missing")


def test_only_a_single_mfa_device_that_makes_codes_goes_into_the_profile(world: World) -> None:
    world.alice.fido_device("titan")
    second = world.alice.mfa_device("phone")
    assert forked(world.with_key, "add", "dev", "--env").returncode == 0
    assert (world.home / ".aws" / "config").read_text() == "[profile dev]\n"
    assert listed(world.environment)["dev"]["mfa_serials"] == [world.device.serial, second.serial]


def test_a_user_who_may_not_list_mfa_devices_is_told_what_to_do(world: World) -> None:
    world.alice.denied.add("iam:ListMFADevices")
    done = forked(world.with_key, "add", "dev", "--env")
    assert done.returncode == 0
    assert "does not let this user list its MFA devices: add mfa_serial to the profile" in done.stderr
    assert listed(world.environment)["dev"]["access_key_id"] == world.access_key.id


def test_a_root_key_is_refused_and_nothing_is_stored(world: World) -> None:
    root = world.alice.account.root.access_key()
    keystore = world.home / "data" / "vaultpy" / "keystore"
    before = keystore.read_bytes()
    key = {"AWS_ACCESS_KEY_ID": root.id, "AWS_SECRET_ACCESS_KEY": root.secret}
    done = forked(world.environment | key, "add", "dev", "--env")
    assert done.returncode == 1
    assert told(done).startswith("this access key belongs to the root user of account 123456789012")
    assert listed(world.environment) == {}
    assert not (world.home / ".aws").exists()
    assert keystore.read_bytes() == before


def test_a_wrong_secret_is_refused_and_names_the_profile(world: World) -> None:
    done = forked(world.with_key | {"AWS_SECRET_ACCESS_KEY": "wrong"}, "add", "dev", "--env")
    assert done.returncode == 1
    assert told(done) == (
        f"the secret does not belong to access key {world.access_key.id}\n"
        "enrol the key again with its right secret: vaultpy add --force dev"
    )
    assert listed(world.environment) == {}


def test_without_verification_aws_is_not_asked(world: World) -> None:
    done = forked(world.with_key, "add", "dev", "--env", "--no-verify")
    assert (done.stderr, done.returncode) == ("", 0)
    assert world.aws.calls == []
    assert listed(world.environment)["dev"]["user_arn"] is None


def test_a_name_that_is_enrolled_is_refused_before_anything_is_read(environment: dict[str, str]) -> None:
    enrol(environment)
    done = forked(environment, "add", "dev", "--env")
    assert done.returncode == 1
    assert told(done) == (
        "dev has access key AKIAIOSFODNN7EXAMPLE already\nreplace it: vaultpy add --force dev"
    )


def test_a_role_whose_profile_says_something_else_is_refused_and_nothing_is_stored(world: World) -> None:
    config = world.home / ".aws" / "config"
    config.parent.mkdir()
    config.write_text(f"[profile dev-role]\nrole_arn = {ROLE}-2\n")
    done = forked(world.with_key, "add", "dev", "--env", "--role", f"dev-role={ROLE}")
    assert done.returncode == 1
    assert told(done).startswith(f"profile dev-role is in {config} already, with another role_arn\n")
    assert list(listed(world.environment)) == ["dev-role"]
    assert world.aws.calls == []


def test_a_replaced_key_is_listed_no_more_and_its_sessions_are_gone(world: World) -> None:
    world.enrol()
    assert forked(world.environment, "exec", "dev-role", "true").returncode == 0
    assert listed(world.environment)["dev-role"]["expiration"]
    world.access_key = world.alice.access_key()
    done = forked(world.with_key, "add", "dev", "--env", "--force")
    assert (done.stderr, done.returncode) == ("", 0)
    rows = listed(world.environment)
    assert list(rows) == ["dev", "dev-role"]
    assert rows["dev"]["access_key_id"] == world.access_key.id
    assert rows["dev-role"]["expiration"] is None


def test_a_name_that_no_profile_can_have_is_refused_before_the_key_is_asked_for(
    environment: dict[str, str],
) -> None:
    done = forked(environment, "add", "a\x1b[31mb", "--stdin")
    assert done.returncode == 1
    assert told(done).startswith(r"a\x1b[31mb cannot be the name of a profile")


def test_without_a_terminal_the_key_cannot_be_asked_for(environment: dict[str, str]) -> None:
    done = forked(environment, "add", "dev")
    assert done.returncode == 1
    assert told(done) == (
        "there is no terminal to ask at: which access key?\ngive the key with --env or --stdin"
    )


def test_at_a_terminal_the_key_is_asked_for_and_the_secret_is_not_shown(world: World) -> None:
    with PseudoTerminal([VAULTPY, "add", "dev"], world.environment) as terminal:
        terminal.expect("access key id: ")
        terminal.type(f"{world.access_key.id}\n")
        terminal.expect("secret access key (not shown): ")
        terminal.type(f"{world.access_key.secret}\n")
        assert terminal.wait() == 0
    assert f"enrolled access key {world.access_key.id} of {world.alice.arn} as dev" in terminal.screen
    assert world.access_key.secret not in terminal.screen


@pytest.mark.parametrize("question", ["access key id: ", "secret access key (not shown): "])
def test_ctrl_c_at_a_question_ends_as_a_signal_does(environment: dict[str, str], question: str) -> None:
    with PseudoTerminal([VAULTPY, "add", "dev"], environment) as terminal:
        terminal.expect("access key id: ")
        if question not in terminal.screen:
            terminal.type("AKIAIOSFODNN7EXAMPLE\n")
        terminal.expect(question)
        terminal.type("\x03")
        assert terminal.wait() == -signal.SIGINT
    assert "Traceback" not in terminal.screen


# ---- remove ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["remove", "rm"])
def test_with_yes_a_key_is_removed_unasked(environment: dict[str, str], verb: str) -> None:
    enrol(environment)
    done = forked(environment, verb, "dev", "--yes")
    assert done.stdout == "removed access key AKIAIOSFODNN7EXAMPLE of dev; it stays valid in AWS\n"
    assert (done.stderr, done.returncode) == ("", 0)
    assert listed(environment)["dev"]["access_key_id"] is None
    again = forked(environment, verb, "dev", "--yes")
    assert again.returncode == 1
    assert told(again) == "no access key is enrolled for dev\nenrol it: vaultpy add dev"


def test_without_a_terminal_yes_must_be_said(environment: dict[str, str]) -> None:
    enrol(environment)
    done = forked(environment, "remove", "dev", stdin="y\n")
    assert done.returncode == 1
    assert told(done).endswith("\nadd --yes if you are sure")
    assert listed(environment)["dev"]["access_key_id"] == "AKIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    ("answer", "status", "left"),
    [("y", 0, None), ("n", 1, "AKIAIOSFODNN7EXAMPLE"), ("", 1, "AKIAIOSFODNN7EXAMPLE")],
)
def test_at_a_terminal_removal_is_asked_about(
    environment: dict[str, str], answer: str, status: int, left: str | None
) -> None:
    enrol(environment)
    with PseudoTerminal([VAULTPY, "remove", "dev"], environment) as terminal:
        terminal.expect("remove access key AKIAIOSFODNN7EXAMPLE of dev for good? [y/N] ")
        terminal.type(f"{answer}\n")
        assert terminal.wait() == status
    assert listed(environment)["dev"]["access_key_id"] == left


def test_ctrl_c_at_the_question_removes_nothing(environment: dict[str, str]) -> None:
    enrol(environment)
    with PseudoTerminal([VAULTPY, "remove", "dev"], environment) as terminal:
        terminal.expect("[y/N] ")
        terminal.type("\x03")
        assert terminal.wait() == -signal.SIGINT
    assert listed(environment)["dev"]["access_key_id"] == "AKIAIOSFODNN7EXAMPLE"


# ---- list and clear -------------------------------------------------------------------------------------


def test_an_empty_home_has_nothing_to_list(environment: dict[str, str]) -> None:
    assert forked(environment, "list").stdout == "no profiles yet; enrol an access key: vaultpy add NAME\n"
    assert forked(environment, "list", "--json").stdout == "[]\n"


def test_a_list_shows_keys_roles_and_what_is_left_of_their_sessions_until_they_are_cleared(
    world: World,
) -> None:
    world.enrol()
    assert forked(world.environment, "exec", "dev-role", "true").returncode == 0
    header, dev, role = forked(world.environment, "list").stdout.splitlines()
    assert header.split() == ["PROFILE", "ACCESS", "KEY", "SESSION", "ROLE"]
    assert dev.split() == ["dev", world.access_key.id, *dev.split()[2:]]
    assert role.startswith("dev-role  of dev")
    assert " left  " in role
    assert role.endswith(world.role.arn)
    assert forked(world.environment, "clear", "dev").stdout == "forgot 2 sessions\n"
    assert forked(world.environment, "clear").stdout == "forgot 0 sessions\n"
    assert " left" not in forked(world.environment, "list").stdout


def test_clearing_a_role_forgets_what_it_asked_for(world: World) -> None:
    world.enrol()
    assert forked(world.environment, "exec", "dev-role", "true").returncode == 0
    assert forked(world.environment, "clear", "dev-role").stdout == "forgot 2 sessions\n"


@pytest.mark.parametrize("sessions", ["off", "keystore"])
def test_sessions_are_forgotten_wherever_they_live_whatever_place_is_chosen_now(
    world: World, sessions: str
) -> None:
    world.enrol()
    assert forked(world.environment, "exec", "dev-role", "true").returncode == 0
    made = sessions_of(world)
    done = forked(world.environment | {"VAULTPY_SESSIONS": sessions}, "clear")
    assert done.stdout == "forgot 2 sessions\n"
    assert not any(KernelKeyring().read(name) for name in made)


def test_a_removed_keys_sessions_are_gone_whatever_place_is_chosen_now(world: World) -> None:
    world.enrol()
    assert forked(world.environment, "exec", "dev-role", "true").returncode == 0
    made = sessions_of(world)
    done = forked(world.environment | {"VAULTPY_SESSIONS": "off"}, "remove", "dev", "--yes")
    assert done.returncode == 0
    assert not any(KernelKeyring().read(name) for name in made)


def test_clearing_a_profile_forgets_what_serves_it_whoever_asked_first(world: World) -> None:
    world.enrol()
    twin = f"\n[profile twin]\nrole_arn = {world.role.arn}\nsource_profile = dev\n"
    config = world.home / ".aws" / "config"
    config.write_text(config.read_text() + twin)
    assert forked(world.environment, "exec", "dev-role", "true").returncode == 0
    assert forked(world.environment, "clear", "twin").stdout == "forgot 2 sessions\n"


def test_clearing_a_profile_that_cannot_be_used_forgets_what_it_asked_for(world: World) -> None:
    world.enrol()
    assert forked(world.environment, "exec", "dev-role", "true").returncode == 0
    config = world.home / ".aws" / "config"
    config.write_text(config.read_text().replace("source_profile = dev", "source_profile = gone"))
    assert forked(world.environment, "clear", "dev-role").stdout == "forgot 2 sessions\n"


def test_a_list_does_not_show_what_the_kernel_has_lost(world: World) -> None:
    world.enrol()
    assert forked(world.environment, "exec", "dev-role", "true").returncode == 0
    for name in sessions_of(world):
        KernelKeyring().delete(name)
    assert " left" not in forked(world.environment, "list").stdout


def sessions_of(world: World) -> list[str]:
    """Return under which names the sessions are kept."""
    found = [entry.digest for entry in Index(str(world.home / "state" / "vaultpy" / "index")).sessions()]
    assert len(found) == 2
    return found


def test_clearing_an_unknown_profile_is_an_error(environment: dict[str, str]) -> None:
    done = forked(environment, "clear", "dev")
    assert done.returncode == 1
    assert told(done).startswith("no profile dev in ")


def test_names_with_escape_sequences_are_escaped_in_the_table_and_kept_in_the_json(
    environment: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile \x1b]0;owned\x07]\nrole_arn = \x1b[2J\nsource_profile = \u202edev\n")
    environment["AWS_CONFIG_FILE"] = str(config)
    done = forked(environment, "list")
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout
    assert r"\x1b]0;owned\x07" in done.stdout
    assert list(listed(environment)) == ["\x1b]0;owned\x07"]


def test_a_profile_that_cannot_be_used_is_listed(environment: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile loop]\nsource_profile = loop2\n[profile loop2]\nsource_profile = loop\n")
    environment["AWS_CONFIG_FILE"] = str(config)
    assert list(listed(environment)) == ["loop", "loop2"]


# ---- exec's words ---------------------------------------------------------------------------------------


@pytest.fixture
def ready(world: World) -> World:
    """Provide a world in which `dev-role` has a session, so that nobody is asked for anything."""
    world.enrol()
    assert forked(world.environment, "exec", "dev-role", "true").returncode == 0
    return world


def test_options_stand_before_or_after_the_profile_and_the_commands_own_are_left_alone(
    ready: World,
) -> None:
    printed = ["--region", "elsewhere", "-d", "--", "--help", "-n"]
    program = "import os, sys; print(os.environ['AWS_REGION'], *sys.argv[1:])"
    child = [sys.executable, "-c", program, *printed]
    for words in (
        ["--region", "us-west-2", "dev-role", "--", *child],
        ["dev-role", "--region", "us-west-2", "--", *child],
        ["dev-role", "--region=us-west-2", *child],
        ["-d", "30m", "--region", "us-west-2", "--", "dev-role", *child],
    ):
        done = forked(ready.environment, "exec", *words)
        assert (done.stdout, done.stderr) == ("us-west-2 " + " ".join(printed) + "\n", ""), words
    assert ready.yubikey.calculations == 1


def test_a_code_read_from_stdin_takes_one_line_and_leaves_the_rest_to_the_command(world: World) -> None:
    world.enrol()
    code = world.device.code(world.aws.clock())
    words = ("exec", "-t", "-", "dev-role", "--", "cat")
    done = installed(world.environment, *words, stdin=f"{code}\nthe command's own\n".encode())
    assert (done.stdout, done.returncode) == ("the command's own\n", 0), done.stderr
    assert world.yubikey.calculations == 0


def test_a_command_that_is_missing_is_127_and_one_that_cannot_run_126(ready: World, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("echo")
    assert forked(ready.environment, "exec", "dev-role", "--", "no-such-command").returncode == 127
    assert forked(ready.environment, "exec", "dev-role", "--", str(plain)).returncode == 126


def test_a_child_finds_closed_streams_closed(ready: World) -> None:
    done = shell(ready.environment, "vaultpy exec dev-role -- python -c 'import os; os.fstat(0)' <&-")
    assert done.returncode == 1
    assert "Bad file descriptor" in done.stderr


# ---- streams that are closed or full --------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "vaultpy list >&-",
        "vaultpy list --json >&-",
        "vaultpy list >&- 2>&-",
        "vaultpy --help >&-",
        "vaultpy list 2>&-",
        "vaultpy list <&-",
    ],
)
def test_a_closed_stream_is_no_error(environment: dict[str, str], script: str) -> None:
    enrol(environment)
    done = shell(environment, script)
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize(
    ("script", "status"),
    [("vaultpy clear x 2>&-", 1), ("vaultpy bogus 2>&-", 2), ("vaultpy exec x true 2>&- >&-", 125)],
)
def test_an_error_that_nobody_can_read_still_has_its_status(
    environment: dict[str, str], script: str, status: int
) -> None:
    done = shell(environment, script)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", status)


@pytest.mark.parametrize("words", ["list", "list --json", "--help", "--version"])
def test_a_reader_that_has_gone_is_no_reason_for_a_traceback(environment: dict[str, str], words: str) -> None:
    enrol(environment)
    # The second program ends only after it has closed the pipe, and the first starts only then.
    script = f"{{ read -r < go; vaultpy {words}; }} 2>errors | {{ exec <&-; echo > go; }}; cat errors"
    done = shell(environment, f"cd $HOME && mkfifo go && {script}")
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize(
    ("words", "status"), [("clear x", 1), ("bogus", 2), ("exec x true", 125), ("exec --bogus", 125)]
)
def test_an_error_to_a_reader_that_has_gone_still_has_its_status(
    environment: dict[str, str], words: str, status: int
) -> None:
    script = f"{{ read -r < go; vaultpy {words} 2>&1; echo $? > status; }} | {{ exec <&-; echo > go; }}"
    done = shell(environment, f"cd $HOME && mkfifo go && {script}; cat status")
    assert (done.stdout, done.stderr) == (f"{status}\n", "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")  # noqa: PTH110  # a device
def test_a_full_disk_is_told(environment: dict[str, str]) -> None:
    done = shell(environment, "vaultpy list > /dev/full")
    assert done.returncode == 1
    assert told(done).startswith("cannot write to standard output: No space left on device\n")


def test_a_terminal_that_cannot_show_a_letter_gets_its_code(
    environment: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile küche]\n", encoding="utf-8")
    done = installed(environment | {"AWS_CONFIG_FILE": str(config), "PYTHONIOENCODING": "ascii"}, "list")
    assert r"k\xfcche" in done.stdout
    assert done.returncode == 0


# ---- what nobody expects --------------------------------------------------------------------------------

LEAKING_BACKEND = """
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = -1
    def get_password(self, service, username):
        return None
    def set_password(self, service, username, password):
        raise RuntimeError(f"the server said no to {password}")
    def delete_password(self, service, username):
        raise RuntimeError("no")
"""


@pytest.fixture
def broken_boto(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Return an environment in which boto3 is broken, and says so with alice's secret."""
    (tmp_path / "boto3.py").write_text("import os\nraise RuntimeError(os.environ['AWS_SECRET_ACCESS_KEY'])\n")
    return environment | {
        "PYTHONPATH": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "canary-7f3a",
    }


def test_what_nobody_expects_is_told_in_two_lines(broken_boto: dict[str, str]) -> None:
    done = installed(broken_boto, "add", "dev", "--env")
    assert done.returncode == 1
    assert told(done) == (
        "a bug in vaultpy: RuntimeError\nrun it with --debug and report what it prints; no secret is in it"
    )


def test_with_debug_a_traceback_shows_where_it_happened_and_no_secret(broken_boto: dict[str, str]) -> None:
    done = installed(broken_boto, "--debug", "add", "dev", "--env")
    assert done.returncode == 1
    assert "vaultpy: debug: Traceback (most recent call last):" in done.stderr
    assert "boto3.py" in done.stderr
    assert "vaultpy: error: a bug in vaultpy: RuntimeError" in done.stderr
    assert "canary-7f3a" not in done.stderr
    assert all(line.startswith("vaultpy: ") for line in done.stderr.splitlines())


@pytest.mark.parametrize("options", [(), ("--debug",)])
def test_a_keystore_that_quotes_the_secret_is_not_quoted(
    environment: dict[str, str], tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "leaking.py").write_text(LEAKING_BACKEND)
    environment |= {
        "PYTHONPATH": str(tmp_path),
        "VAULTPY_KEYSTORE": "leaking.Keyring",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "canary-7f3a",
    }
    done = installed(environment, *options, "add", "dev", "--env", "--no-verify")
    assert done.returncode == 1
    assert "vaultpy: error: the keystore leaking.Keyring refused: RuntimeError\n" in done.stderr
    assert "canary-7f3a" not in done.stderr + done.stdout
    assert listed(environment) == {}
