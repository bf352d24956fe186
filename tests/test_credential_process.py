"""`credential-process` feeds the real SDKs, ends in time, reads no terminal and asks for one touch."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore.credentials import ProcessProvider
from botocore.exceptions import CredentialRetrievalError, PartialCredentialsError

from support.aws import ACCOUNT, Clock
from support.broking import Desk, role
from support.hurry import HurriedWorld
from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.session_at_hand import forget_all
from support.world import BIN, World
from vaultpy import errors
from vaultpy.argv import CREDENTIAL_PROCESS_FLAGS, CREDENTIAL_PROCESS_VALUES
from vaultpy.config import Config
from vaultpy.credential_process import answer
from vaultpy.credentials import Credentials
from vaultpy.index import Index
from vaultpy.recent_timeouts import RecentTimeouts
from vaultpy.records import Enrolment
from vaultpy.simulated.finger import NoFinger, PressedFinger, SteadyFinger
from vaultpy.state import state_directory
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vaultpy.plan import Plan
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey
    from vaultpy.simulated.aws_mfa import MfaDevice

pytest_plugins = ["support.aws_fixtures"]
needs_pcscd = pytest.mark.skipif(missing() is not None, reason=str(missing()))
VAULTPY = str(BIN / "vaultpy")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/dev"
WITHIN = 50
"""The seconds that a run may take."""


# ---- what is asked of whom ------------------------------------------------------------------------------


class Run:
    """The objects of one run at a desk, in which the test says how the credentials are got."""

    def __init__(self, desk: Desk, more: str = "") -> None:
        desk.plan(role(ROLE, more=more))
        self.environ = desk.environ | {
            "XDG_STATE_HOME": str(desk.directory / "xdg"),
            "AWS_ENDPOINT_URL": desk.aws.url,
        }
        self.config = Config.load(self.environ)
        self.index = desk.index
        self.sessions = desk.sessions
        self.asked: list[tuple[bool, str | None, float]] = []
        self.get: Callable[[], Credentials] = self._made
        self.made_until = int(desk.clock()) + 3600
        self.terminal = self.processes = self
        self.did: list[str] = []
        self.recent = RecentTimeouts(state_directory(self.environ), time.time)

    def detach(self) -> None:
        """Note that nobody is to read the terminal."""
        self.did.append("detach")

    def end(self) -> None:
        """Note that what was started is to end."""
        self.did.append("end")

    def broker(self, plan: Plan, *, cache: bool, yubikey: str | None, margin: float) -> Run:
        """Note what is asked."""
        assert plan.profile.name == "role"
        self.asked.append((cache, yubikey, margin))
        return self

    def credentials(self, _plan: Plan) -> Credentials:
        """Get them as the test says."""
        return self.get()

    def _made(self) -> Credentials:
        return Credentials("ASIANEW", Secret("secret"), Secret("token"), self.made_until)

    def plan_question(self, desk: Desk, made: int) -> str:
        """Return the question of the first `made` calls."""
        return desk.plan(role(ROLE)).question(made)


def failing(error: errors.VaultpyError) -> Callable[[], Credentials]:
    def fail() -> Credentials:
        raise error

    return fail


@pytest.fixture
def desk(tmp_path: Path, aws: SimulatedAws, key: AccessKey, device: MfaDevice) -> Desk:
    """Return alice's computer, in the present."""
    assert isinstance(aws.clock, Clock)
    aws.clock.now = time.time()
    return Desk(tmp_path, aws, key, device)


@pytest.fixture
def run(desk: Desk) -> Run:
    """Return the objects of a run."""
    return Run(desk)


def test_the_credentials_must_last_until_an_sdk_asks_anew(run: Run) -> None:
    document = json.loads(answer(run, "role", {}))
    assert document["AccessKeyId"] == "ASIANEW"
    assert document["AccountId"] == ACCOUNT
    assert run.asked == [(True, None, 900)]


def test_options_reach_the_broker(run: Run) -> None:
    answer(run, "role", {"--no-cache": "", "--yubikey": "123"})
    assert run.asked == [(False, "123", 900)]


@pytest.mark.parametrize("options", [{"--duration": "15m"}, {}])
def test_a_session_that_an_sdk_would_find_too_old_at_once_is_refused(
    desk: Desk, options: dict[str, str]
) -> None:
    run = Run(desk, more="" if options else "duration_seconds = 900")
    with pytest.raises(errors.SessionTooShort, match="900 s"):
        answer(run, "role", options)
    assert run.asked == []


@pytest.mark.parametrize(
    ("made_for", "left", "served"), [(3600, 1000, True), (3600, 890, False), (900, 890, False)]
)
def test_what_was_made_for_longer_serves_where_the_plans_own_would_be_too_short(
    desk: Desk, *, made_for: int, left: int, served: bool
) -> None:
    run = Run(desk, more="duration_seconds = 900")
    run.made_until = int(desk.clock()) + left
    desk.sessions.put(
        run.plan_question(desk, 2),
        run._made(),
        access_key_id=desk.key.id,
        label="x",
        profile="role",
        duration=made_for,
    )
    if served:
        assert answer(run, "role", {})
        with pytest.raises(errors.SessionTooShort):
            answer(run, "role", {"--no-cache": ""})
    else:
        with pytest.raises(errors.SessionTooShort):
            answer(run, "role", {})


def test_a_short_session_that_is_not_is_given(desk: Desk) -> None:
    assert answer(Run(desk), "role", {"--duration": "20m"})


def test_a_run_ends_in_time_whatever_it_waits_for(run: Run) -> None:
    never = threading.Event()
    run.get = lambda: failing(errors.CardRemoved())() if never.wait() else run._made()
    try:
        with pytest.raises(errors.TimedOut, match="no credentials for role within 1 s"):
            answer(run, "role", {}, limit=0.6)
    finally:
        never.set()


@pytest.mark.parametrize(
    "error",
    [
        errors.NotTouched(times=3),
        errors.NoYubiKey(seconds=15),
        errors.StillBusy(pid=1, seconds=90, doing="getting the same credentials", remedy="wait"),
        errors.KeystoreTimeout(seconds=60),
        errors.CardHeld(),
        errors.NoCardReader(),
        errors.ReaderAbsent(text="x", seen="nothing"),
        errors.YubiKeyAbsent(serial=1, seen="nothing"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_after_a_time_out_the_next_call_gets_the_reason_and_asks_nobody(
    run: Run, error: errors.VaultpyError
) -> None:
    run.get = failing(error)
    with pytest.raises(type(error)):
        answer(run, "role", {})
    asked = list(run.asked)
    for options in ({}, {"--no-cache": ""}):
        with pytest.raises(errors.TimedOutJustNow) as raised:
            answer(run, "role", options)
        assert raised.value.message.startswith(error.message)
        assert raised.value.hint == error.hint
    assert run.asked == asked


def test_after_the_limit_too(run: Run) -> None:
    never = threading.Event()
    run.get = lambda: failing(errors.CardRemoved())() if never.wait() else run._made()
    with pytest.raises(errors.TimedOut):
        answer(run, "role", {}, limit=0)
    with pytest.raises(errors.TimedOutJustNow, match="no credentials for role"):
        answer(run, "role", {})
    never.set()


def test_an_error_that_no_time_was_spent_on_is_met_anew(run: Run) -> None:
    run.get = failing(errors.CardRemoved())
    for _ in range(2):
        with pytest.raises(errors.CardRemoved):
            answer(run, "role", {})


@pytest.mark.parametrize("made", [1, 2])
def test_a_session_that_somebody_has_got_meanwhile_makes_the_time_out_moot(
    desk: Desk, run: Run, made: int
) -> None:
    question = run.plan_question(desk, 2)
    run.recent.remember(question, errors.NotTouched(times=3))
    with pytest.raises(errors.TimedOutJustNow):
        answer(run, "role", {})
    desk.sessions.put(
        run.plan_question(desk, made),
        run._made(),
        access_key_id=desk.key.id,
        label="x",
        profile="role",
        duration=3600,
    )
    assert answer(run, "role", {})


def test_a_role_session_that_is_about_to_be_renewed_does_not(desk: Desk, run: Run) -> None:
    question = run.plan_question(desk, 2)
    run.recent.remember(question, errors.NotTouched(times=3))
    run.made_until -= 2800
    desk.sessions.put(
        question, run._made(), access_key_id=desk.key.id, label="x", profile="role", duration=3600
    )
    with pytest.raises(errors.TimedOutJustNow):
        answer(run, "role", {})


def test_runs_that_wait_for_the_same_touch_end_with_the_one_that_missed_it(desk: Desk, run: Run) -> None:
    never = threading.Event()

    def get() -> Credentials:
        run.recent.remember(run.plan_question(desk, 2), errors.NotTouched(times=3))
        never.wait()
        return run._made()

    run.get = get
    with pytest.raises(errors.TimedOutJustNow):
        answer(run, "role", {}, limit=30)
    never.set()


@pytest.mark.parametrize(
    ("keystore", "did"),
    [
        ("", ["end"]),
        ("system", ["end"]),
        ("file", ["end"]),
        ("keyring_pass.PasswordStoreBackend", ["detach", "end"]),
    ],
)
def test_the_terminal_is_out_of_reach_of_keystores_that_may_read_it_and_all_ends_with_the_run(
    desk: Desk, keystore: str, did: list[str]
) -> None:
    run = Run(desk)
    run.environ |= {"VAULTPY_KEYSTORE": keystore}
    answer(run, "role", {})
    assert run.did == did


def test_what_was_started_ends_with_a_run_that_gives_up(run: Run) -> None:
    never = threading.Event()
    run.get = lambda: failing(errors.CardRemoved())() if never.wait() else run._made()
    with pytest.raises(errors.TimedOut):
        answer(run, "role", {}, limit=0)
    assert run.did == ["end"]
    never.set()


GIVE_UP = """
import os, sys
from vaultpy.credential_process import answer
from vaultpy.terminal import Terminal
from vaultpy.wiring import Wiring
answer(Wiring(os.environ, Terminal(os.environ, listens=False)), "hangs", {}, limit=float(sys.argv[1]))
"""


def test_a_process_of_somebody_elses_that_hangs_ends_with_the_run(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "config").write_text(f"[profile hangs]\ncredential_process = sh -c 'sleep 300 > {pipe}'\n")
    with subprocess.Popen(
        [sys.executable, "-c", GIVE_UP, "4"],
        env={
            "HOME": str(tmp_path),
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ":".join(filter(None, sys.path)),
        },
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert pipe.read_text() == ""  # until nobody holds it open
        _, said = process.communicate(timeout=30)
    assert "waiting for the credential_process of profile hangs" in said
    assert "no credentials for hangs within 4 s" in said


ASKING_BACKEND = """
import getpass, sys
from keyring.backend import KeyringBackend
class Asking(KeyringBackend):
    priority = 1
    def get_password(self, service, username):
        return getpass.getpass("the backend asks: ")
    def set_password(self, service, username, password): pass
    def delete_password(self, service, username): pass
"""


# ---- the installed command ------------------------------------------------------------------------------


def test_the_help_shows_the_options_that_its_words_are_split_by() -> None:
    shown = subprocess.run(
        [VAULTPY, "credential-process", "--help"], capture_output=True, text=True, check=True
    )
    options = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", shown.stdout.partition("Options:")[2])
    assert set(options) == CREDENTIAL_PROCESS_FLAGS | CREDENTIAL_PROCESS_VALUES


def with_sdk_profile(world: World) -> World:
    """Enrol alice's key, and write the profile by which an SDK asks vaultpy for `dev-role`."""
    world.enrol()
    with (world.home / ".aws" / "config").open("a") as config:
        config.write("\n[profile sdk]\nregion = eu-central-1\n")
        config.write("credential_process = vaultpy credential-process dev-role\n")
    return world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a world whose YubiKey is touched soon after it blinks."""
    with HurriedWorld(tmp_path_factory.mktemp("world"), finger=SteadyFinger(0.2)) as world:
        yield with_sdk_profile(world)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with HurriedWorld(tmp_path_factory.mktemp("quiet")) as world:
        yield with_sdk_profile(world)


@pytest.fixture
def waiting(quiet: World) -> World:
    """Provide a world without a session whose finger waits to be told."""
    forget_all(quiet)
    return quiet


def consume(world: World, *command: str, **more: str) -> str:
    """Run an SDK's program without a terminal, and return what it prints."""
    done = subprocess.run(
        command,
        env=world.environment | more,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


NAME = f"arn:aws:sts::{ACCOUNT}:assumed-role/dev/alice"
CALLER = "print(boto3.Session(profile_name='sdk').client('sts').get_caller_identity()['Arn'])"


@needs_pcscd
def test_the_aws_cli_and_boto3_get_the_role_for_one_touch_and_learn_when_it_ends_and_whose_it_is(
    world: World,
) -> None:
    forget_all(world)
    touches = world.yubikey.calculations
    whoami = ("aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text")
    assert consume(world, *whoami, AWS_PROFILE="sdk").strip() == NAME
    script = (
        "import boto3; s = boto3.Session(profile_name='sdk'); c = s.get_credentials();"
        "print(s.client('sts').get_caller_identity()['Arn'],"
        " c.access_key, c.method, c.account_id, c._expiry_time.timestamp())"
    )
    name, key_id, method, account, ends = consume(world, sys.executable, "-c", script).split()
    assert world.yubikey.calculations == touches + 1
    assert (name, method, account) == (NAME, "custom-process", ACCOUNT)
    assert float(ends) == int(world.aws.session(key_id).expiration)


@needs_pcscd
def test_many_calls_at_once_cost_one_touch(world: World) -> None:
    forget_all(world)
    touches = world.yubikey.calculations
    threads = f"import boto3, threading\nfor _ in range(2): threading.Thread(target=lambda: {CALLER}).start()"
    with ThreadPoolExecutor(2) as pool:
        programs = [pool.submit(consume, world, sys.executable, "-c", threads) for _ in range(2)]
    names = [program.result().splitlines() for program in programs]
    assert names == [[NAME] * 2] * 2
    assert world.yubikey.calculations == touches + 1


@needs_pcscd
def test_the_prompt_is_on_the_terminal_and_what_is_typed_there_is_left_alone(
    waiting: World, tmp_path: Path
) -> None:
    assert isinstance(waiting.finger, PressedFinger)
    touches = waiting.yubikey.calculations
    script = f"{VAULTPY} credential-process dev-role >out 2>err && read line && echo left: $line"
    with PseudoTerminal(["sh", "-c", f"cd {tmp_path}; {script}"], waiting.environment) as terminal:
        screen = terminal.expect(f"touch the YubiKey: {waiting.role.arn} for dev-role")
        terminal.expect("s left")
        assert "type" not in screen
        terminal.type("123456\n")
        waiting.finger.press()
        terminal.expect("left: 123456")
        assert terminal.wait() == 0
    assert json.loads((tmp_path / "out").read_text())["Version"] == 1
    assert (tmp_path / "err").read_text() == ""
    assert waiting.yubikey.calculations == touches + 1


@needs_pcscd
def test_nothing_is_confirmed_or_asked_for_at_the_terminal(waiting: World) -> None:
    touches = waiting.yubikey.calculations
    environment = waiting.environment | {"AWS_ENDPOINT_URL": "https://sts.example.com"}
    words = [VAULTPY, "credential-process", "dev-role"]
    with PseudoTerminal(words, environment, size=(30, 200)) as terminal:
        assert terminal.wait() == 1
    assert "sts.example.com, which is not AWS's" in terminal.screen
    assert "[y/N]" not in terminal.screen
    environment = dict(waiting.environment)
    del environment["VAULTPY_KEYSTORE_PASSPHRASE_FILE"]
    with PseudoTerminal([VAULTPY, "credential-process", "dev-role"], environment) as terminal:
        assert terminal.wait() == 1
    assert "needs its passphrase" in terminal.screen
    assert waiting.yubikey.calculations == touches


@needs_pcscd
def test_no_keystore_of_somebody_elses_reads_the_terminal(waiting: World, tmp_path: Path) -> None:
    (tmp_path / "asking.py").write_text(ASKING_BACKEND)
    touches = waiting.yubikey.calculations
    shutil.copytree(waiting.home / "state", tmp_path / "state")
    index = tmp_path / "state" / "vaultpy" / "index"
    enrolled = Index(str(index)).enrolment("dev")
    assert enrolled is not None
    facts = {name: getattr(enrolled, name) for name in enrolled.__slots__}
    Index(str(index)).enrol(Enrolment(**facts | {"keystore": "asking.Asking", "keystore_file": ""}))
    more = {"PYTHONPATH": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    script = f"{VAULTPY} credential-process dev-role; echo status $?; read line && echo left: $line"
    for command in ([VAULTPY, "credential-process", "dev-role"], ["sh", "-c", script]):
        with PseudoTerminal(command, waiting.environment | more) as terminal:
            if command[0] == "sh":
                terminal.expect("status 1")
                terminal.type("typed\n")
                terminal.expect("left: typed")
            else:
                assert terminal.wait() == 1
        assert "the keystore asking.Asking refused: EOFError" in terminal.screen
    assert waiting.yubikey.calculations == touches


@needs_pcscd
def test_ctrl_c_ends_it_at_once(waiting: World) -> None:
    assert isinstance(waiting.finger, PressedFinger)
    with PseudoTerminal([VAULTPY, "credential-process", "dev-role"], waiting.environment) as terminal:
        waiting.finger.wait_until_blinking()
        terminal.expect("s left")
        terminal.type("\x03")
        assert terminal.wait(within=5) == -2


@pytest.mark.parametrize("source", ["", "source_profile = user\n"])
def test_a_profile_that_has_a_role_is_none_for_it_as_the_documentation_says(
    tmp_path: Path, source: str
) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"[profile user]\naws_access_key_id = AKIA1\naws_secret_access_key = x\n"
        f"[profile both]\nrole_arn = {ROLE}\n{source}credential_process = touch {tmp_path}/was-run\n"
    )
    session = botocore.session.Session(profile="both")
    session.set_config_variable("config_file", str(config))
    session.set_config_variable("credentials_file", str(tmp_path / "none"))
    if source:
        assert session.get_credentials().method == "assume-role"
    else:
        with pytest.raises(PartialCredentialsError, match="source_profile"):
            session.get_credentials()
    assert not (tmp_path / "was-run").exists()


@needs_pcscd
def test_an_sdk_shows_the_error(world: World) -> None:
    environ = world.environment | {"VAULTPY_KEYSTORE_PASSPHRASE_FILE": "/nonexistent"}
    forget_all(world)
    start = partial(subprocess.Popen, env=environ, start_new_session=True)
    sdk = {"credential_process": f"{VAULTPY} credential-process dev-role"}
    provider = ProcessProvider("sdk", lambda: {"profiles": {"sdk": sdk}}, popen=start)
    with pytest.raises(CredentialRetrievalError) as failure:
        provider.load()
    assert "vaultpy: error: cannot read the passphrase from /nonexistent" in str(failure.value)
    assert "vaultpy: hint: " in str(failure.value)


@needs_pcscd
@pytest.mark.parametrize("options", [[], ["--debug"]], ids=["warm", "cold"])
def test_a_full_disk_is_told_in_two_lines(world: World, options: list[str]) -> None:
    world.vaultpy("credential-process", "dev-role")
    with open("/dev/full", "wb") as full:  # noqa: PTH123  # a device
        done = subprocess.run(
            [VAULTPY, *options, "credential-process", "dev-role"],
            env=world.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    *_, error, hint = done.stderr.splitlines()
    assert error.startswith("vaultpy: error: cannot write to standard output: ")
    assert hint.startswith("vaultpy: hint: ")
    assert done.returncode == 1


@needs_pcscd
def test_a_reader_that_has_gone_is_no_bug(world: World) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [VAULTPY, "credential-process", "dev-role"],
        env=world.environment,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert (done.returncode, "bug" in done.stderr) == (1, False)


@needs_pcscd
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "missing argument 'PROFILE'"),
        (("dev-role", "aws"), "credential-process takes no command, and there is aws"),
        (("--region", "eu-west-1", "dev-role"), "no such option: --region"),
        (("--mfa-token", "123456", "dev-role"), "no such option: --mfa-token"),
    ],
)
def test_wrong_usage_has_status_2(world: World, words: tuple[str, ...], problem: str) -> None:
    done = world.vaultpy("credential-process", *words)
    error, hint = done.stderr.splitlines()
    assert error == f"vaultpy: error: {problem}"
    assert hint == "vaultpy: hint: see: vaultpy credential-process --help"
    assert (done.returncode, done.stdout) == (2, "")


@needs_pcscd
@pytest.mark.long
@pytest.mark.timeout(150)
def test_without_a_finger_it_ends_within_50_seconds_and_the_next_one_at_once(tmp_path: Path) -> None:
    with World(tmp_path, finger=NoFinger()) as world:
        with_sdk_profile(world)
        command = [VAULTPY, "credential-process", "dev-role"]
        first, second = (
            subprocess.run(
                command,
                env=world.environment,
                capture_output=True,
                text=True,
                timeout=within,
                start_new_session=True,
                check=False,
            )
            for within in (WITHIN, 5)
        )
        *_, error, hint = first.stderr.splitlines()
        assert "the YubiKey was not touched, 3 times" in error
        again, same_hint = second.stderr.splitlines()
        assert again.startswith(f"{error} (")
        assert same_hint == hint
        assert (first.returncode, second.returncode) == (1, 1)
        assert first.stdout == second.stdout == ""
