"""Becoming the command, and supervising one: seen from real child processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from vaultpy.credentials import Credentials
from vaultpy.environment import child_environment
from vaultpy.errors import CommandNotExecutable, CommandNotFound
from vaultpy.launch import find_command
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BECOME = """
import os, sys
from vaultpy.launch import become, find_command
become(find_command(sys.argv[1:], os.environ), sys.argv[1:], dict(os.environ))
"""
BECOME_ON_WINDOWS = """
import os, sys
from vaultpy.launch import become
try:
    become(sys.argv[1], sys.argv[1:], dict(os.environ), "win32")
except SystemExit:
    os._exit(99)  # as a caller that takes it for its own
"""
SUPERVISE = """
import os, sys
from vaultpy.launch import supervise
sys.exit(supervise(sys.argv[1:], dict(os.environ)))
"""
SHOW_REFUSAL = """
from vaultpy.errors import CommandNotExecutable
try:
    become(sys.argv[1], sys.argv[1:], dict(os.environ))
except CommandNotExecutable as refusal:
    print(refusal.exec_status, refusal.message, refusal.hint, sep="\\n")
"""
LEAST = """
import os, sys
from vaultpy import errors, launch
if os.geteuid() == 0:
    os.setuid(65534)
"""
BOTH = pytest.mark.parametrize("program", [BECOME, SUPERVISE], ids=["become", "supervise"])

linux_only = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")


def started(program: str, *command: str) -> list[str]:
    return [sys.executable, "-c", program, *command]


def run(
    words: Sequence[str | bytes], *, env: dict[bytes, bytes] | None = None, feed: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(words, env=env, input=feed, capture_output=True, check=False)


@contextmanager
def running(words: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Start `words` in a session of its own, of which nothing is left behind."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment(environ: dict[str, str], **changes: str | None) -> dict[str, str]:
    credentials = Credentials("ASIAEXAMPLE", Secret("new secret"), Secret("new token"), 1_800_000_000)
    facts: dict[str, str | None] = {"region": None, "account_id": None, **changes}
    return child_environment(
        environ,
        profile="dev-role",
        credentials=credentials,
        region=facts["region"],
        account_id=facts["account_id"],
    )


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Path]:
    def place(name: str, content: bytes = b"#!/bin/sh\n", mode: int = 0o755) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
        return path

    return place


# ---- finding the command -----------------------------------------------------------------------------


def test_the_first_executable_file_on_path_is_the_command(place: Callable[..., Path]) -> None:
    unfit = place("a/tool", mode=0o644)
    (unfit.parent.parent / "b/tool").mkdir(parents=True)
    fit = place("c/tool")
    place("d/tool")
    path = ":".join(str(unfit.parent.parent / entry) for entry in ("none", "a", "b", "c", "d"))

    assert find_command(["tool", "x"], {"PATH": path}) == str(fit)


def test_a_name_with_a_slash_is_taken_as_it_is(place: Callable[..., Path]) -> None:
    tool = str(place("a/tool"))

    assert find_command([tool], {"PATH": ""}) == tool
    with pytest.raises(CommandNotFound):
        find_command(["a/tool"], {"PATH": str(Path(tool).parent.parent)})


@pytest.mark.parametrize("path", ["", ":/usr/bin", "/none::/usr/bin", "/none:"])
def test_an_empty_entry_of_path_is_the_current_directory(place: Callable[..., Path], path: str) -> None:
    here = place("tool").parent
    program = "import os; from vaultpy.launch import find_command; print(find_command(['tool'], os.environ))"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=here, env={"PATH": path}, capture_output=True, check=True
    )

    assert found.stdout == b"./tool\n"


def test_without_path_the_system_directories_are_searched() -> None:
    assert find_command(["sh"], {}) == "/bin/sh"


@pytest.mark.parametrize("name", ["", "no-such-command", "./no-such-command", "/dev/null/sh"])
def test_a_command_that_is_nowhere_is_not_found(name: str) -> None:
    with pytest.raises(CommandNotFound) as refusal:
        find_command([name], {"PATH": "/bin:/usr/bin"})

    assert refusal.value.exec_status == 127


def test_a_file_without_permission_is_not_executable_and_the_hint_names_it(
    place: Callable[..., Path],
) -> None:
    tool = place("a b/tool", mode=0o644)
    with pytest.raises(CommandNotExecutable) as refusal:
        find_command(["tool"], {"PATH": f"{tool.parent}:/usr/bin"})

    assert refusal.value.exec_status == 126
    assert refusal.value.hint == f"make it executable: chmod +x '{tool}'"


def test_on_windows_a_command_is_searched_for_as_windows_does(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("")
    tool.chmod(0o755)
    assert find_command(["tool"], {"PATH": str(tmp_path)}, "win32") == str(tool)
    with pytest.raises(CommandNotFound):
        find_command(["missing"], {"PATH": str(tmp_path)}, "win32")


def test_a_directory_is_not_executable(tmp_path: Path) -> None:
    with pytest.raises(CommandNotExecutable, match="it is a directory"):
        find_command([str(tmp_path)], {})


def test_where_we_may_not_look_the_command_counts_as_not_executable(tmp_path: Path) -> None:
    tmp_path.chmod(0o000)
    program = LEAST + (
        "from vaultpy.errors import CommandNotExecutable\n"
        "try: launch.find_command(['tool'], {'PATH': sys.argv[1] + ':/none'})\n"
        "except CommandNotExecutable as refusal: print(refusal.message)"
    )

    said = run(started(program, str(tmp_path))).stdout.decode()
    assert said == f"{tmp_path}/tool cannot be executed: permission denied\n"


# ---- the environment ---------------------------------------------------------------------------------


def test_the_child_gets_the_credentials_their_end_and_the_profile() -> None:
    assert environment({"HOME": "/h"}, region="eu-west-1", account_id="123456789012") == {
        "HOME": "/h",
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "new secret",
        "AWS_SESSION_TOKEN": "new token",
        "AWS_CREDENTIAL_EXPIRATION": "2027-01-15T08:00:00Z",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCOUNT_ID": "123456789012",
        "VAULTPY": "dev-role",
        "AWS_VAULT": "dev-role",
    }


@pytest.mark.parametrize(
    "name",
    [
        "AWS_SECURITY_TOKEN",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ACCOUNT_ID",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_EC2_METADATA_DISABLED",
        "VAULTPY_KEYSTORE_PASSPHRASE",
        "VAULTPY_KEYSTORE_PASSPHRASE_FILE",
        "",
    ],
)
def test_what_would_mislead_an_sdk_or_give_the_passphrase_away_is_taken_out(name: str) -> None:
    assert environment({name: "x"}) == environment({})


def test_credentials_of_an_outer_shell_are_replaced_whole() -> None:
    outer = dict.fromkeys(environment({}), "outer")

    assert environment(outer) == environment({})


def test_everything_else_stays_also_the_region_if_none_is_known() -> None:
    kept = {"AWS_REGION": "a", "AWS_DEFAULT_REGION": "b", "AWS_CA_BUNDLE": "/c", "ODD \udcff": "\udcfe"}

    assert kept.items() <= environment(kept).items()


def test_a_bearer_token_does_not_come_before_the_credentials() -> None:
    assert environment({"AWS_BEARER_TOKEN_BEDROCK": "somebody's", "AWS_BEARER_TOKEN_": "x"}) == environment(
        {}
    )


def test_settings_of_the_profile_are_added_but_the_credentials_win() -> None:
    child = child_environment(
        {"AWS_ENDPOINT_URL": ""},
        profile="dev",
        credentials=Credentials("ASIAEXAMPLE", Secret("s"), Secret("t"), 1),
        region=None,
        account_id=None,
        extra={"AWS_ENDPOINT_URL": "http://e", "AWS_ACCESS_KEY_ID": "x"},
    )

    assert child["AWS_ENDPOINT_URL"] == "http://e"
    assert child["AWS_ACCESS_KEY_ID"] == "ASIAEXAMPLE"


# ---- what the command finds --------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("status", [0, 1, 2, 125, 255])
def test_the_exit_status_is_the_commands_own(program: str, status: int) -> None:
    assert run(started(program, "sh", "-c", f"exit {status}")).returncode == status


@pytest.mark.parametrize("status", [0, 7])
def test_without_exec_nobody_takes_the_exit_status_for_their_own(
    place: Callable[..., Path], status: int
) -> None:
    command = place("command.sh", f"#!/bin/sh\nexit {status}\n".encode())
    assert run(started(BECOME_ON_WINDOWS, str(command))).returncode == status


def test_without_exec_we_stay_beside_the_command() -> None:
    with running(started(BECOME_ON_WINDOWS, "sh", "-c", "echo $PPID; exit 0")) as (process, output):
        assert int(output.read()) == process.pid


def test_the_command_has_our_process_id() -> None:
    with subprocess.Popen(started(BECOME, "sh", "-c", "echo $$"), stdout=subprocess.PIPE) as process:
        assert int(process.communicate()[0]) == process.pid


@BOTH
def test_every_byte_passes_through_stdin_and_stdout(program: str) -> None:
    everything = bytes(range(256)) * 1000

    assert run(started(program, "cat"), feed=everything).stdout == everything


@BOTH
@pytest.mark.parametrize("locale", [{}, {b"LC_ALL": b"C"}, {b"LC_ALL": b"C.UTF-8"}, {b"PYTHONUTF8": b"0"}])
def test_words_and_environment_are_handed_on_byte_for_byte(program: str, locale: dict[bytes, bytes]) -> None:
    odd = bytes(range(1, 256))
    env = {b"PATH": b"/usr/bin:/bin", b"ODD\xff\xc3": odd, b"EMPTY": b"", **locale}
    script = ["-c", 'printf "%s\\0" "$@"; cat /proc/self/environ', "sh"]
    words = [odd, b"", b"--"]
    plain = run(["/bin/sh", *script, *words], env=env)

    assert plain.stdout.startswith(odd + b"\0\0--\0")
    assert run([*started(program, "/bin/sh", *script), *words], env=env).stdout == plain.stdout


@linux_only
@BOTH
@pytest.mark.parametrize(
    "locale",
    [
        "A=1",
        "LANG=C",
        "LC_ALL=C",
        "LC_CTYPE=C",
        "LC_CTYPE=C.UTF-8",
        "LC_CTYPE=xx_YY",
        "LANG=C.UTF-8",
        "LC_CTYPE=",
    ],
)
def test_the_locale_that_the_interpreter_sets_for_itself_is_undone(program: str, locale: str) -> None:
    env = dict([locale.encode().split(b"=")])

    assert run(started(program, "/usr/bin/env"), env=env).stdout == locale.encode() + b"\n"


@pytest.mark.parametrize(
    ("locale", "seen"), [("A=1", b"None"), ("LC_CTYPE=C.UTF-8", b"C.UTF-8"), ("PYTHONUTF8=1", b"C.UTF-8")]
)
def test_where_the_system_does_not_tell_utf8_mode_does(locale: str, seen: bytes) -> None:
    program = (
        "import os; from vaultpy.environment import uncoerced;"
        "print(uncoerced(dict(os.environ), lambda: None).get('LC_CTYPE'))"
    )
    env = dict([locale.encode().split(b"=")])

    assert run([sys.executable, "-c", program], env=env).stdout.strip() == seen


@linux_only
@BOTH
@pytest.mark.parametrize("ignored", ["", "INT", "HUP", "INT HUP TERM USR1"])
def test_signals_are_ignored_and_caught_as_for_a_shells_own_child(program: str, ignored: str) -> None:
    shell = ["/bin/sh", "-c", (f"trap '' {ignored};" if ignored else "") + 'exec "$@"', "sh"]
    report = ["/bin/grep", "-E", "Sig(Ign|Cgt)", "/proc/self/status"]

    assert masks(run([*shell, *started(program, *report)])) == masks(run([*shell, *report]))


def masks(report: subprocess.CompletedProcess[bytes]) -> list[int]:
    """Return the masks of signals 1 to 31 (the C library's posix_spawn ignores two of its own above)."""
    _, ignored, _, caught = report.stdout.split()
    return [int(ignored, 16) & 0x7FFFFFFF, int(caught, 16) & 0x7FFFFFFF]


@linux_only
@BOTH
def test_the_signals_that_were_blocked_are_blocked_and_no_others(program: str) -> None:
    block = (
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    report = started(program, "/bin/grep", "SigBlk", "/proc/self/status")

    assert int(run([sys.executable, "-c", block, *report]).stdout.split()[1], 16) == 1 << (signal.SIGUSR1 - 1)


@BOTH
def test_a_command_whose_reader_leaves_dies_of_sigpipe(program: str) -> None:
    with running(started(program, "cat", "/dev/zero")) as (process, said):
        said.read(1)
        said.close()

        assert process.wait() in {-signal.SIGPIPE, 128 + signal.SIGPIPE}


@linux_only
@BOTH
def test_inherited_descriptors_pass_and_none_of_ours_does(program: str) -> None:
    reader, writer = os.pipe()
    try:
        commands = [["ls", "/proc/self/fd"], started(program, "ls", "/proc/self/fd")]
        plain, ours = (
            subprocess.run(words, pass_fds=[writer], capture_output=True, check=True).stdout
            for words in commands
        )
    finally:
        os.close(reader)
        os.close(writer)

    assert ours == plain
    assert str(writer).encode() in ours.split()


@BOTH
def test_what_was_written_before_comes_out_before(program: str) -> None:
    talk = "import sys; print('first'); print('aside', file=sys.stderr)"
    said = run(started(talk + program, "echo", "second"), env={b"PATH": b"/usr/bin:/bin"})

    assert (said.stdout, said.stderr) == (b"first\nsecond\n", b"aside\n")


@linux_only
def test_what_cannot_be_written_any_more_does_not_keep_the_command_from_starting() -> None:
    talk = started("print('first')" + BECOME, "sh", "-c", "exit 3")
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(talk, stdout=full, env={"PATH": "/usr/bin:/bin"}, check=False)

    assert ended.returncode == 3


@BOTH
def test_closed_standard_streams_stay_closed(program: str) -> None:
    shell = ["/bin/sh", "-c", 'exec "$@" <&- >&-', "sh"]
    check = "[ -e /dev/fd/0 ] || [ -e /dev/fd/1 ] || exit 7"

    assert run([*shell, *started(program, "sh", "-c", check)]).returncode == 7


# ---- what exec refuses -------------------------------------------------------------------------------


@BOTH
def test_a_script_without_an_interpreter_line_is_run_by_the_shell(
    program: str, place: Callable[..., Path]
) -> None:
    script = str(place("script", b'echo "$0" "$@"\nexit 3\n'))
    ran = run(started(program, script, "a b", ""))

    assert (ran.returncode, ran.stdout) == (3, f"{script} a b \n".encode())


@pytest.mark.parametrize(
    ("content", "more", "reason"),
    [
        (b"\x7fELF\x02\x01\x01\0\n for another machine", "[]", "exec format error"),
        (b"#!/no/such/interpreter\n", "[]", "its interpreter is missing"),
        (b"#!/bin/sh\n", "['x' * 100_000] * 100", "argument list too long"),
        (b"#!/\n", "[]", "permission denied"),
    ],
)
def test_what_exec_refuses_is_named_with_status_126(
    place: Callable[..., Path], content: bytes, more: str, reason: str
) -> None:
    tool = str(place("tool", content))
    program = f"import os, sys; from vaultpy.launch import become; sys.argv += {more}" + SHOW_REFUSAL
    status, message, hint = run(started(program, tool)).stdout.decode().splitlines()

    assert (status, message) == ("126", f"{tool} cannot be executed: {reason}")
    assert hint


# ---- signals and terminals ---------------------------------------------------------------------------

# A handler may come in the middle of a print; os.write is not disturbed by another.
COUNT = """
import os, signal, sys, time
def say(*words):
    os.write(1, " ".join(map(str, words)).encode() + bytes([10]))
seen = []
def note(number, _):
    seen.append(int(number))
    if number == signal.SIGUSR2:
        say("seen", *seen)
        sys.exit()
    say("one")
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(number, note)
say("ready")
while True:
    time.sleep(0.1)  # pause would not end by a signal that comes just before it
"""


@BOTH
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"])
def test_a_signal_sent_to_us_reaches_the_command_once(program: str, name: str) -> None:
    number = signal.Signals[name]
    with running(started(program, sys.executable, "-c", COUNT)) as (process, said):
        assert said.readline() == b"ready\n"
        process.send_signal(number)
        assert said.readline() == b"one\n"
        process.send_signal(signal.SIGUSR2)

        assert said.readline() == f"seen {int(number)} {int(signal.SIGUSR2)}\n".encode()


def test_a_signal_that_was_ignored_is_passed_on_to_a_command_that_minds_it() -> None:
    shell = ["sh", "-c", "trap '' TERM; " + 'exec "$@"', "sh"]
    with running([*shell, *started(SUPERVISE, sys.executable, "-c", COUNT)]) as (process, said):
        assert said.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)

        assert said.readline() == b"one\n"


def test_a_command_of_another_user_is_left_to_the_terminal() -> None:
    assert run(started(LEAST + "launch._send(1, 0)")).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_supervised_command_that_dies_of_a_signal_gives_128_and_its_number(number: int) -> None:
    assert run(started(SUPERVISE, "sh", "-c", f"kill -{int(number)} $$")).returncode == 128 + number


@linux_only
def test_without_a_terminal_a_stopped_command_does_not_stop_its_supervisor() -> None:
    watch = "(until grep -q ' (sh) T' /proc/$$/stat; do :; done; kill -CONT $$) &"
    with running(started(SUPERVISE, "sh", "-c", f"{watch} kill -STOP $$; exit 5")) as (process, _):
        assert process.wait() == 5


def test_a_stopped_command_is_continued_through_its_supervisor() -> None:
    with running(started(SUPERVISE, "sh", "-c", "echo ready; kill -STOP $$; exit 5")) as (process, said):
        said.readline()
        status = None
        while status is None:
            process.send_signal(signal.SIGCONT)
            with suppress(subprocess.TimeoutExpired):
                status = process.wait(0.05)

    assert status == 5


def test_after_supervision_signals_are_handled_as_before() -> None:
    program = SUPERVISE.replace(
        "sys.exit(", "import signal; before = [*map(signal.getsignal, range(1, 32))]\n("
    )
    program += (
        "assert before == [*map(signal.getsignal, range(1, 32))]; assert signal.set_wakeup_fd(-1) == -1"
    )

    assert run(started(program, "true")).returncode == 0


def test_after_supervision_no_descriptor_is_left_open() -> None:
    program = SUPERVISE.replace("sys.exit(", "free = os.dup(0); os.close(free)\n(")
    program += "assert os.dup(0) == free"
    assert run(started(program, "true")).returncode == 0


class Terminal:
    """A pseudo-terminal whose session leader is the command started on it."""

    def __init__(self, words: list[str]) -> None:
        self._screen, keyboard = os.openpty()
        session = ["env", "--default-signal", "setsid", "--ctty", *words]
        self.process = subprocess.Popen(session, stdin=keyboard, stdout=keyboard, stderr=keyboard)
        os.close(keyboard)

    def wait_for(self, text: bytes) -> None:
        """Read what is shown until `text` is there."""
        seen = b""
        while text not in seen:
            seen += os.read(self._screen, 1)

    def type(self, keys: bytes) -> None:
        """Press `keys`."""
        os.write(self._screen, keys)

    def close(self) -> None:
        """End the command, if it has not ended."""
        os.close(self._screen)
        end_group(self.process)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_terminal(*words: str) -> Terminal:
        opened.append(Terminal([*words]))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


@linux_only
@BOTH
def test_ctrl_c_reaches_the_command_once(program: str, terminal: Callable[..., Terminal]) -> None:
    screen = terminal(*started(program, sys.executable, "-c", COUNT))
    screen.wait_for(b"ready\r\n")
    screen.type(b"\x03")
    screen.wait_for(b"one\r\n")
    screen.process.send_signal(signal.SIGUSR2)

    screen.wait_for(b"seen 2 12\r\n")


@linux_only
@pytest.mark.parametrize(("program", "status"), [(BECOME, -2), (SUPERVISE, 130)], ids=["become", "supervise"])
def test_ctrl_c_ends_a_command_that_does_not_mind_it(
    program: str, status: int, terminal: Callable[..., Terminal]
) -> None:
    screen = terminal(*started(program, "sh", "-c", "echo ready; read line"))
    screen.wait_for(b"ready")
    screen.type(b"\x03")

    assert screen.process.wait() == status


@linux_only
@BOTH
def test_ctrl_z_stops_the_command_and_fg_takes_it_up_again(
    program: str, terminal: Callable[..., Terminal]
) -> None:
    shell = "set -m; " + '"$@"; echo status $?; fg; echo status $?'
    child = "echo ready; read line; echo got $line; exit 5"
    screen = terminal("sh", "-c", shell, "sh", *started(program, "sh", "-c", child))
    screen.wait_for(b"ready")
    screen.type(b"\x1a")
    screen.wait_for(b"status 1")  # 128 + the signal that stopped it
    screen.type(b"words\n")
    screen.wait_for(b"got words")

    screen.wait_for(b"status 5")


@linux_only
def test_a_command_that_stops_itself_stops_its_supervisor(terminal: Callable[..., Terminal]) -> None:
    shell = "set -m; " + '"$@"; echo status $?; fg; echo status $?'
    child = started(SUPERVISE, "sh", "-c", "kill -STOP $$; exit 5")
    screen = terminal("sh", "-c", shell, "sh", *child)
    screen.wait_for(b"status 147")

    screen.wait_for(b"status 5")
