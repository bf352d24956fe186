"""`write`: temporary credentials in the credentials file, renewed in time, and nothing else is changed."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.session
import pytest

from support.hurry import HurriedWorld
from support.pcscd import missing
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.world import World

needs_pcscd = pytest.mark.skipif(missing() is not None, reason=str(missing()))
pytestmark = needs_pcscd
HOUR = 3600
OTHERS = "# mine\n[other]\r\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n\n[half]\nregion=y"
SUPPORT = Path(__file__).parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a computer on which `dev` and `dev-role` are enrolled."""
    with HurriedWorld(tmp_path_factory.mktemp("writing"), finger=SteadyFinger(0.1)) as world:
        world.enrol()
        write(world, "dev", "--duration", "36h")
        yield world


@pytest.fixture
def world(built: World) -> World:
    """Return it without a credentials file."""
    (built.home / ".aws" / "credentials").unlink(missing_ok=True)
    return built


def file_of(world: World) -> Path:
    return world.home / ".aws" / "credentials"


def write(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    done = world.vaultpy("write", *words)
    assert done.returncode == 0, done.stderr
    return done


def caller(world: World, profile: str) -> str:
    """Return who botocore is with a profile of these files, in AWS's words."""
    session = botocore.session.Session(profile=profile)
    session.set_config_variable("config_file", str(world.home / ".aws" / "config"))
    session.set_config_variable("credentials_file", str(file_of(world)))
    sts = session.create_client("sts", region_name="eu-central-1", endpoint_url=world.aws.url)
    return str(sts.get_caller_identity()["Arn"])


def calls(world: World) -> int:
    return sum(call.action in {"GetSessionToken", "AssumeRole"} for call in world.aws.calls)


def settings(world: World, section: str) -> dict[str, str]:
    lines = file_of(world).read_text().partition(f"[{section}]\n")[2].partition("\n[")[0].splitlines()
    return dict(line.split(" = ", 1) for line in lines if " = " in line)


def test_an_sdk_reads_what_is_written(world: World) -> None:
    done = write(world, "dev")
    assert done.stdout == f"wrote credentials into [dev] of {file_of(world)}\n"
    assert caller(world, "dev") == world.alice.arn
    write(world, "dev-role", "--to", "dev-role-keys")
    assert caller(world, "dev-role-keys").endswith("assumed-role/dev/alice")


def test_their_end_stands_beside_them_as_aws_mfa_writes_it(world: World) -> None:
    write(world, "dev")
    session = world.aws.session(settings(world, "dev")["aws_access_key_id"])
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(session.expiration))
    assert settings(world, "dev")["expiration"] == stamp


@pytest.mark.parametrize("again", [False, True])
def test_each_time_it_is_said_that_they_lie_in_clear_and_until_when(world: World, again: bool) -> None:  # noqa: FBT001  # pytest's
    done = write(world, "dev")
    if again:
        done = write(world, "dev")
    session = world.aws.session(settings(world, "dev")["aws_access_key_id"])
    until = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(session.expiration))
    assert (
        f"warning: temporary credentials of dev lie in clear in {file_of(world)} until {until}" in done.stderr
    )


def test_what_is_fresh_enough_is_left_even_when_no_session_is_kept(world: World) -> None:
    write(world, "dev")
    before, sent = file_of(world).read_bytes(), calls(world)
    without = world.environment | {"VAULTPY_SESSIONS": "off"}
    done = world.vaultpy("write", "dev", "--min-ttl", "11h", env=without)
    assert "are left in [dev]" in done.stdout
    assert "nothing was written" in done.stdout
    assert file_of(world).read_bytes() == before
    assert calls(world) == sent


def test_an_mfa_session_may_hold_for_36_hours(world: World) -> None:
    write(world, "dev", "--duration", "36h", "--min-ttl", "35h")
    session = world.aws.session(settings(world, "dev")["aws_access_key_id"])
    assert session.expiration > time.time() + 35 * HOUR
    assert session.mfa_at is not None


def test_too_little_left_of_it_is_renewed(world: World) -> None:
    write(world, "dev-role", "--to", "keys")
    whole = file_of(world).read_bytes()
    soon = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 1000))
    file_of(world).write_text(whole.decode().replace(settings(world, "keys")["expiration"], soon))
    assert "16m" in write(world, "dev-role", "--to", "keys").stdout
    assert file_of(world).read_bytes() != whole
    write(world, "dev-role", "--to", "keys", "--min-ttl", "20m")
    assert file_of(world).read_bytes() == whole


def test_another_profiles_credentials_in_that_section_are_not_taken_for_ones_own(world: World) -> None:
    write(world, "dev", "--to", "shared")
    write(world, "dev-role", "--to", "shared")
    assert caller(world, "shared").endswith("assumed-role/dev/alice")


def test_without_a_cache_they_are_always_new(world: World) -> None:
    write(world, "dev-role", "--to", "keys")
    old = settings(world, "keys")
    write(world, "dev-role", "--to", "keys", "--no-cache")
    assert settings(world, "keys")["aws_access_key_id"] != old["aws_access_key_id"]


def test_every_other_byte_stays(world: World) -> None:
    file_of(world).write_bytes(OTHERS.encode())
    write(world, "dev", "--to", "half")
    after = file_of(world).read_bytes().decode()
    assert after.startswith(OTHERS)
    first = after
    write(world, "dev-role", "--to", "half")
    second = file_of(world).read_bytes().decode()
    assert second != first
    assert second.startswith(OTHERS)


def test_a_new_file_is_for_its_user_alone(world: World) -> None:
    write(world, "dev")
    assert stat.S_IMODE(file_of(world).stat().st_mode) == 0o600


def test_a_file_that_others_could_read_is_taken_away_from_them(world: World) -> None:
    file_of(world).write_text(OTHERS)
    file_of(world).chmod(0o644)
    done = write(world, "dev")
    assert stat.S_IMODE(file_of(world).stat().st_mode) == 0o600
    assert "its mode is 0600 now" in done.stderr


def test_a_symlink_stays_one(world: World, tmp_path: Path) -> None:
    file_of(world).symlink_to(tmp_path / "elsewhere")
    write(world, "dev")
    assert file_of(world).is_symlink()
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o600


@pytest.mark.parametrize("words", [("dev-role",), ("dev", "--to", "dev-role"), ("dev", "--to", "sdk")])
def test_a_name_that_sdks_take_otherwise_is_refused_before_the_touch(
    world: World, words: tuple[str, ...], tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(
        (world.home / ".aws" / "config").read_text() + "[profile sdk]\ncredential_process = x\n"
    )
    sent = calls(world)
    done = world.vaultpy("write", *words, env=world.environment | {"AWS_CONFIG_FILE": str(config)})
    assert done.returncode == 1
    assert "already, and an SDK would take only one" in done.stderr
    assert "--to NAME" in done.stderr
    assert calls(world) == sent
    assert not file_of(world).exists()


def test_a_role_without_a_profile_needs_a_name(world: World) -> None:
    done = world.vaultpy("write", "dev", "--role", "dev")
    assert done.returncode == 2
    assert "--role needs --to NAME" in done.stderr


def test_a_long_term_key_is_never_written_over(world: World) -> None:
    file_of(world).write_text(OTHERS)
    done = world.vaultpy("write", "dev", "--to", "other", "--no-cache")
    assert done.returncode == 1
    assert "[other]" in done.stderr
    assert "not written over" in done.stderr
    assert file_of(world).read_bytes() == OTHERS.encode()


def test_a_name_that_no_section_can_have_is_refused(world: World) -> None:
    for name in ("a]b", "x\ny"):
        done = world.vaultpy("write", "dev", "--to", name)
        assert "cannot be the name of a profile" in done.stderr


def test_writers_at_once_lose_nothing(world: World) -> None:
    file_of(world).write_text(OTHERS)
    names = [f"w{number}" for number in range(4)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "support.writer", str(file_of(world)), name, "15"], cwd=SUPPORT
        )
        for name in names
    ]
    commands = [world.vaultpy("write", "dev-role", "--to", f"c{number}") for number in range(3)]
    assert [done.returncode for done in commands] == [0, 0, 0]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    text = file_of(world).read_text()
    assert text.startswith(OTHERS.replace("\r\n", "\n"))
    for name in names:
        assert settings(world, name)["expiration"] == "1970-01-01 00:00:14"
    for number in range(3):
        assert caller(world, f"c{number}").endswith("assumed-role/dev/alice")
