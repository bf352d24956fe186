"""`assume-role` in real shells: a role goes in, is shown, comes out again, and nothing else changes."""

from __future__ import annotations

import os
import shutil
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.session_at_hand import forget_all
from support.world import ACCOUNT, World
from vaultpy.config import Config
from vaultpy.errors import UsageError
from vaultpy.index import Index
from vaultpy.shell_init import SHELLS, init, left
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_pcscd = pytest.mark.skipif(missing() is not None, reason=str(missing()))
EACH = pytest.mark.parametrize(
    "shell",
    [pytest.param(s, marks=pytest.mark.skipif(not shutil.which(s), reason=f"no {s}")) for s in SHELLS],
)
STATUS = {"bash": "$?", "zsh": "$?", "fish": "$status"}
EVIL = "$(touch executed)'; touch executed #"


# ---- what it prints -------------------------------------------------------------------------------------


@EACH
def test_the_shell_understands_it(shell: str, tmp_path: Path) -> None:
    file = tmp_path / "init"
    file.write_text(init(nothing(tmp_path), shell)[0])
    done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_another_shell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="tcsh is none of bash, zsh, fish"):
        init(nothing(tmp_path), "tcsh")


def test_profiles_are_one_a_line_and_what_no_line_can_hold_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "[default]\n[profile dev]\n[profile 'a b']\n[profile a\x1bb]\n[services x]\n"
    )
    assert init(nothing(tmp_path), "profiles") == ("default\ndev\na b\n", 0)


def nothing(directory: Path) -> SimpleNamespace:
    environ = {
        "AWS_CONFIG_FILE": str(directory / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(directory / "credentials"),
    }
    return SimpleNamespace(
        environ=environ, config=Config.load(environ), index=Index(str(directory / "index"))
    )


@pytest.mark.parametrize(
    ("ends", "line", "status"),
    [
        ("1970-01-01T01:01:00Z", "dev: 1h 00m left (until ", 0),
        ("1970-01-01T00:01:00Z", "dev: ended\n", 1),
        ("soon", "dev: nobody knows until when\n", 1),
        (None, "dev: nobody knows until when\n", 1),
    ],
)
def test_what_is_left_is_told_from_the_variables(ends: str | None, line: str, status: int) -> None:
    environ = {"VAULTPY": "dev"} | ({} if ends is None else {"AWS_CREDENTIAL_EXPIRATION": ends})
    told, result = left(environ, 60)
    assert told.startswith(line)
    assert result == status


def test_without_a_role_there_is_nothing_left() -> None:
    assert left({}, 60) == ("no role of vaultpy's is in this shell\n", 1)


def test_a_name_of_the_environment_moves_no_cursor() -> None:
    assert left({"VAULTPY": "dev\x1b[2J"}, 60)[0] == "dev\\x1b[2J: nobody knows until when\n"


# ---- in a shell -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a world with sessions at hand, and a profile whose name is a trap."""
    with World(tmp_path_factory.mktemp("world"), finger=SteadyFinger(0.2)) as world:
        world.enrol()
        with (world.home / ".aws" / "config").open("a") as config:
            config.write(f'[profile "{EVIL}"]\nrole_arn = {world.role.arn}\nsource_profile = dev\n')
            config.write(f"[profile far]\nrole_arn = {world.role.arn}\nsource_profile = dev\n")
            config.write("endpoint_url = https://far.example\nca_bundle = /far\n")
        assert world.vaultpy("exec", "dev-role", "--", "true").returncode == 0
        write_functions(world)
        yield world


def write_functions(world: World) -> None:
    for shell in SHELLS:
        (world.home / f"init.{shell}").write_text(init(nothing(world.home), shell)[0])


def script(
    world: World, shell: str, text: str, *, before: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `text` in a shell that has the function; STATUS in it is the last exit status."""
    text = f"{before}\n. {world.home}/init.{shell}\n" + text.replace("STATUS", STATUS[shell])
    return subprocess.run(
        [shell, "-c", text],
        env=world.environment | more,
        cwd=world.home,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )


WAS = {"AWS_PROFILE": EVIL, "AWS_SECRET_ACCESS_KEY": "old\nsecret'\\", "AWS_DEFAULT_REGION": ""}
SHOW = "printenv -0 | tr '\\n\\0' '~\\n' | grep -aE '^(AWS_|VAULTPY)' | sort; echo '=='\n"


@needs_pcscd
@EACH
def test_a_role_goes_in_and_comes_out_and_all_is_as_it_was(world: World, shell: str) -> None:
    text = f"{SHOW}assume-role dev-role\n{SHOW}assume-role --exit; echo STATUS\n{SHOW}"
    done = script(world, shell, text, **WAS)
    before, within, after, _ = done.stdout.split("==\n")
    assert "VAULTPY=dev-role\n" in within
    assert "AWS_PROFILE" not in within
    assert "old" not in within
    assert after == f"0\n{before}"
    assert "old~secret'\\" in before
    assert not (world.home / "executed").exists()
    assert " left (until " in done.stderr


@needs_pcscd
@EACH
def test_the_role_is_really_assumed(world: World, shell: str) -> None:
    done = script(world, shell, "assume-role dev-role; printenv AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY")
    key_id, secret = done.stdout.split()
    session = world.aws.session(key_id)
    assert session.principal.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/dev/alice"
    assert session.secret == secret


@needs_pcscd
@EACH
def test_alone_it_shows_what_is_left_and_its_status_tells(world: World, shell: str) -> None:
    done = script(world, shell, "assume-role; echo STATUS; assume-role dev-role; assume-role; echo STATUS")
    none, status, shown, then = done.stdout.splitlines()
    assert (none, status, then) == ("no role of vaultpy's is in this shell", "1", "0")
    assert shown.startswith("dev-role: ")
    assert " left (until " in shown


@needs_pcscd
@EACH
def test_the_next_role_takes_the_place_of_the_first_with_all_that_came_with_it(
    world: World, shell: str
) -> None:
    assume = "assume-role far; assume-role --region eu-west-3 dev-role"
    text = f"{SHOW}{assume}\n{SHOW}assume-role --exit\n{SHOW}"
    environ = {"AWS_ENDPOINT_URL_STS": world.environment["AWS_ENDPOINT_URL"], "AWS_ENDPOINT_URL": ""}
    before, within, after, _ = script(world, shell, text, **environ).stdout.split("==\n")
    assert "AWS_REGION=eu-west-3\n" in within
    assert "far" not in within
    assert after == before


@needs_pcscd
@EACH
def test_a_failure_leaves_the_role_that_is_in_and_its_status_tells(world: World, shell: str) -> None:
    text = (
        f"assume-role dev-role\n{SHOW}assume-role nobody; echo STATUS\n{SHOW}assume-role --exit; echo STATUS"
    )
    before, after, end = script(world, shell, text).stdout.split("==\n")
    assert after == f"1\n{before}"
    assert end == "0\n"


@needs_pcscd
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_readonly_variable_is_told_and_nothing_is_changed(world: World, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    text = f"readonly AWS_PROFILE AWS_SESSION_TOKEN=x\n{SHOW}assume-role dev-role; echo STATUS\n{SHOW}"
    done = script(world, shell, text, AWS_PROFILE="mine")
    before, after, _ = done.stdout.split("==\n")
    assert after == f"1\n{before}"
    error, hint = done.stderr.splitlines()
    assert error.startswith("vaultpy: error: assume-role cannot set what is readonly in this shell: ")
    assert set(error.split()) >= {"AWS_PROFILE", "AWS_SESSION_TOKEN"}
    assert hint == "vaultpy: hint: start a shell with the role instead: vaultpy exec PROFILE"


@needs_pcscd
@EACH
def test_what_was_never_put_in_cannot_be_taken_out(world: World, shell: str) -> None:
    done = script(world, shell, f"{SHOW}assume-role --exit; echo STATUS\n{SHOW}", VAULTPY="dev")
    before, after, _ = done.stdout.split("==\n")
    assert after == f"1\n{before}"
    assert done.stderr.splitlines() == [
        "vaultpy: error: assume-role has put no role into this shell",
        "vaultpy: hint: put one in: assume-role PROFILE",
    ]


@needs_pcscd
@EACH
def test_a_profile_whose_name_is_a_trap_is_only_a_name(world: World, shell: str) -> None:
    done = script(world, shell, 'assume-role "$EVIL"; printenv VAULTPY; assume-role --exit', EVIL=EVIL)
    assert done.stdout == f"{EVIL}\n"
    assert not (world.home / "executed").exists()


@needs_pcscd
@EACH
@pytest.mark.parametrize("words", ["--help", "--format json dev-role", "dev-role --format dotenv"])
def test_what_is_no_script_is_shown_and_not_run(world: World, shell: str, words: str) -> None:
    done = script(world, shell, f"{SHOW}assume-role {words} > shown; echo STATUS\n{SHOW}")
    before, after, _ = done.stdout.split("==\n")
    assert after == f"0\n{before}"
    assert (world.home / "shown").read_text() == world.vaultpy("export", *words.split()).stdout


@needs_pcscd
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_it_is_safe_where_errors_end_a_script_and_everything_is_traced_and_exported(
    world: World, shell: str
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    text = f"assume-role dev-role\nset +x\n{SHOW}set -x\nassume-role --exit\nset +x; {SHOW}echo $-"
    done = script(world, shell, text, before="set -euxa", AWS_SESSION_TOKEN="the old token")
    within, after, options = done.stdout.split("==\n")
    secret = next(line for line in within.splitlines() if line.startswith("AWS_SECRET_ACCESS_KEY="))
    assert "__vaultpy" not in within
    assert "AWS_SESSION_TOKEN=the old token\n" in after
    assert set("eua") <= set(options)
    assert "assume-role dev-role" in done.stderr
    assert secret.partition("=")[2] not in done.stderr
    assert "the old token" not in done.stderr
    failed = script(world, shell, "assume-role nobody\necho went on", before="set -eu")
    assert (failed.returncode, failed.stdout) == (1, "")


@needs_pcscd
@EACH
def test_a_variable_that_was_not_exported_is_not_exported_again(world: World, shell: str) -> None:
    plain = "set -e AWS_REGION; set -g AWS_REGION x" if shell == "fish" else "unset AWS_REGION; AWS_REGION=x"
    show = "echo $AWS_REGION; printenv AWS_REGION"
    text = f"{plain}; assume-role --region y dev-role; {show}; assume-role --exit; {show}"
    assert script(world, shell, text).stdout == "y\ny\nx\n"


# ---- at a terminal --------------------------------------------------------------------------------------

# The prompt, as each shell has its own order in which it writes what else belongs to a line's start.
READY = "what now> "


def sit_down(world: World, shell: str) -> PseudoTerminal:
    """Start a shell that reads the function at its start, and wait for its prompt."""
    home = world.home / f"at-{shell}"
    (home / "fish").mkdir(parents=True, exist_ok=True)
    # Without this fish starts a program that reads all manual pages.
    (world.home / "data" / "fish" / "generated_completions").mkdir(parents=True, exist_ok=True)
    (home / ".bashrc").write_text(f". {world.home}/init.bash\nPS1='{READY}'\n")
    (home / ".zshrc").write_text(
        f"autoload -Uz compinit; compinit -u\n. {world.home}/init.zsh\n"
        f"HISTFILE=~/h; SAVEHIST=99; PS1='{READY}'\n"
    )
    (home / "fish" / "config.fish").write_text(
        f"source {world.home}/init.fish\nfunction fish_prompt; echo -n '{READY}'; end\n"
    )
    own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    environ = world.environment | own | {"AWS_CONFIG_FILE": str(world.home / ".aws" / "config")}
    terminal = PseudoTerminal([str(shutil.which(shell)), "-i"], environ, size=(40, 200))
    terminal.expect(READY)
    terminal.screen = ""
    return terminal


@needs_pcscd
@EACH
def test_profile_names_are_completed(world: World, shell: str) -> None:
    with sit_down(world, shell) as terminal:
        terminal.type("assume-role dev-\t")
        terminal.expect("dev-role")
        terminal.type("\r")
        terminal.expect("left (until")
        terminal.expect(READY)
        terminal.screen = ""
        terminal.type("assume-role --e\t\r")
        terminal.expect("--exit")
        terminal.expect(READY)
        terminal.screen = ""
        terminal.type('echo "now:$VAULTPY:"\r')
        terminal.expect("now::")


@needs_pcscd
@EACH
def test_a_completed_trap_is_quoted(world: World, shell: str) -> None:
    with sit_down(world, shell) as terminal:
        terminal.type("assume-role \\$\t")
        terminal.expect("executed")
        terminal.type("\r")
        terminal.expect("left (until")
    assert not (world.home / f"at-{shell}" / "executed").exists()
    assert not (world.home / "executed").exists()
    assert not os.path.exists("executed")  # noqa: PTH110  # where the shell was started


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a world in which nobody touches the YubiKey."""
    with World(tmp_path_factory.mktemp("quiet")) as world:
        world.enrol()
        write_functions(world)
        yield world


@pytest.fixture
def untouched(quiet: World) -> World:
    """Provide it without a session, with no code spent, and with nothing that blinks for another test."""
    forget_all(quiet)
    return quiet


@needs_pcscd
@EACH
def test_a_code_can_be_typed(untouched: World, shell: str) -> None:
    with sit_down(untouched, shell) as terminal:
        terminal.type("assume-role dev-role\r")
        terminal.expect("type")
        terminal.type(untouched.device.code(untouched.aws.clock()))
        terminal.expect("dev-role: ")


@needs_pcscd
@EACH
def test_ctrl_c_gives_the_prompt_back_and_leaves_the_shell_as_it_was(untouched: World, shell: str) -> None:
    with sit_down(untouched, shell) as terminal:
        terminal.type("assume-role dev-role\r")
        terminal.expect("type")
        terminal.screen = ""
        terminal.type("\x03")
        terminal.expect(READY)
        terminal.type('echo "now:$VAULTPY:"\r')
        terminal.expect("now::")
