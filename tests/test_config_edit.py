"""Profiles are added to AWS's config file without another byte changing, whatever else goes on."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore import configloader
from botocore.exceptions import ConfigParseError
from hypothesis import example, given
from hypothesis import strategies as st

from support.fuzzing import examples
from vaultpy.access_key_in_clear import InClear
from vaultpy.config import CONFIG_FILE, CREDENTIALS_FILE
from vaultpy.config_edit import NewProfile, add_profiles, edit, take_out_key, take_out_setting
from vaultpy.credentials import AccessKey
from vaultpy.errors import (
    BadConfigValue,
    BadProfileName,
    ConfigMalformed,
    ConfigUnreadable,
    ConfigUnwritable,
    KeyStays,
    ProfileExists,
    VaultpyError,
)
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534
ROLE = NewProfile("role", (("role_arn", "arn:aws:iam::123456789012:role/r"), ("source_profile", "user")))
ROLE_TEXT = "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = user\n"
SERIAL = "arn:aws:iam::123456789012:mfa/jo"
KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI"))
KEY_TEXT = f"[dev]\naws_access_key_id = {KEY.id}\naws_secret_access_key = wJalrXUtnFEMI\nregion = x\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config"


def botocore_reads(path: Path) -> dict[str, dict[str, str]]:
    profiles: dict[str, dict[str, str]] = configloader.load_config(str(path))["profiles"]
    return profiles


def botocore_reads_or_refuses(path: Path) -> dict[str, dict[str, str]] | None:
    try:
        return botocore_reads(path)
    except ConfigParseError:
        return None


# ---- what is written ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ROLE_TEXT),
        ("[default]\n", "[default]\n\n" + ROLE_TEXT),
        ("[default]\nregion = x", "[default]\nregion = x\n\n" + ROLE_TEXT),
        ("[default]\nregion = x\n\n", "[default]\nregion = x\n\n" + ROLE_TEXT),
        ("[default]\n\n\n", "[default]\n\n\n" + ROLE_TEXT),
        ("[default]\n  ", "[default]\n  \n" + ROLE_TEXT),
        ("# only a comment", "# only a comment\n\n" + ROLE_TEXT),
        ("[default]\r\nregion = x\r\n", "[default]\r\nregion = x\r\n\r\n" + ROLE_TEXT.replace("\n", "\r\n")),
        ("[default]\r\nregion = x\n", "[default]\r\nregion = x\n\n" + ROLE_TEXT),
        ("[default]\r\nregion = x", "[default]\r\nregion = x\r\n\r\n" + ROLE_TEXT.replace("\n", "\r\n")),
    ],
)
def test_a_new_profile_stands_at_the_end_after_one_blank_line(path: Path, before: str, after: str) -> None:
    path.write_bytes(before.encode())
    assert add_profiles(str(path), [ROLE]) == ["role"]
    assert path.read_bytes().decode() == after


def test_the_default_profile_has_a_header_of_its_own(path: Path) -> None:
    assert add_profiles(str(path), [NewProfile("default", (("region", "eu-west-1"),))]) == ["default"]
    assert path.read_text() == "[default]\nregion = eu-west-1\n"


def test_several_profiles_are_written_in_one_go(path: Path) -> None:
    user = NewProfile("user", (("mfa_serial", SERIAL),))
    assert add_profiles(str(path), [user, ROLE]) == ["user", "role"]
    assert path.read_text() == f"[profile user]\nmfa_serial = {SERIAL}\n\n{ROLE_TEXT}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "[profile user]\nregion = x\n\n# end\n[profile b]\n",
            "[profile user]\nregion = x\n+\n# end\n[profile b]\n",
        ),
        ("[profile user]", "[profile user]\n+"),
        ("[profile user]\n# a comment\n", "[profile user]\n+# a comment\n"),
        ("[profile user]\nregion = x", "[profile user]\nregion = x\n+"),
        ("[profile user]\ns3 =\n  a = b\n\n  c = d\n\n\n", "[profile user]\ns3 =\n  a = b\n\n  c = d\n+\n\n"),
        ("[profile user]\n  region = x\n  [profile b]\n", "[profile user]\n  region = x\n  +  [profile b]\n"),
        ("[profile user]\r\nregion = x\r\n", "[profile user]\r\nregion = x\r\n+"),
        ("[profile 'user']\nk = v\n", "[profile 'user']\nk = v\n+"),
    ],
)
def test_a_setting_that_is_missing_goes_to_the_end_of_its_section(
    path: Path, before: str, after: str
) -> None:
    path.write_bytes(before.encode())
    assert add_profiles(str(path), [NewProfile("user", (("mfa_serial", SERIAL),))]) == []
    newline = "\r\n" if "\r\n" in before else "\n"
    assert path.read_bytes().decode() == after.replace("+", f"mfa_serial = {SERIAL}{newline}")


def test_of_two_spellings_the_one_that_botocore_reads_gets_the_setting(path: Path) -> None:
    path.write_text("[default]\nregion = x\n[profile default]\nregion = y\n")
    add_profiles(str(path), [NewProfile("default", (("mfa_serial", SERIAL),))])
    assert botocore_reads(path)["default"] == {"region": "y", "mfa_serial": SERIAL}


def test_what_is_there_already_is_left_alone(path: Path) -> None:
    path.write_text("[profile role]\nSOURCE_PROFILE: user\nrole_arn=arn:aws:iam::123456789012:role/r")
    before = path.stat()
    assert add_profiles(str(path), [ROLE]) == []
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_another_value_is_an_error_and_nothing_is_written(path: Path) -> None:
    path.write_text("[profile role]\nsource_profile = somebody\n")
    with pytest.raises(ProfileExists, match=r"profile role is in .* already, with another source_"):
        add_profiles(str(path), [NewProfile("new", ()), ROLE])
    assert path.read_text() == "[profile role]\nsource_profile = somebody\n"


def test_a_section_whose_indentation_leaves_no_place_is_refused(path: Path) -> None:
    path.write_text("[profile user]\n  [profile b]\n")
    with pytest.raises(ConfigMalformed, match="line 1: its indentation leaves no place"):
        add_profiles(str(path), [NewProfile("user", (("mfa_serial", SERIAL),))])
    assert path.read_text() == "[profile user]\n  [profile b]\n"


@pytest.mark.parametrize(
    "text", ["region = x\n", "[a]\n[a]\n", "[a]\nk = v\nK = w\n", "[a]\nwhat\n", "\ufeff[a]\n"]
)
def test_a_file_that_botocore_refuses_is_not_touched(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigMalformed):
        add_profiles(str(path), [ROLE])
    assert path.read_text(encoding="utf-8") == text


def test_a_file_that_is_not_utf8_is_not_touched(path: Path) -> None:
    path.write_bytes(b"[a]\nk = \xff\n")
    with pytest.raises(ConfigUnreadable):
        add_profiles(str(path), [ROLE])
    assert path.read_bytes() == b"[a]\nk = \xff\n"


@pytest.mark.parametrize(
    "name", ["", "a b", "a]", "a\nb", "a\x1b[m", "a'b", 'a"b', "a\\b", "a#b", "\udcff", "a\u202eb"]
)
def test_names_that_would_not_read_back_everywhere_are_refused(path: Path, name: str) -> None:
    with pytest.raises(BadProfileName):
        add_profiles(str(path), [NewProfile(name, (("region", "x"),))])
    assert not path.exists()


@pytest.mark.parametrize("name", ["dev", "a.b-c_d/e@f+g", "123456789012", "é"])
def test_names_of_letters_digits_and_a_few_marks_are_taken(path: Path, name: str) -> None:
    add_profiles(str(path), [NewProfile(name, (("region", "x"),))])
    assert botocore_reads(path) == {name: {"region": "x"}}


@pytest.mark.parametrize("value", ["", " x", "x ", "x\ny", "x\r[profile y]", "x\x00", "\udcff", "x\u2028y"])
def test_values_that_would_not_read_back_are_refused(path: Path, value: str) -> None:
    with pytest.raises(BadConfigValue):
        add_profiles(str(path), [NewProfile("dev", (("region", value),))])
    assert not path.exists()


LINES = st.sampled_from(
    [
        "[default]",
        "[profile a]",
        "[profile 'b c']",
        "  [profile d]",
        "[sso-session s]",
        "region = x",
        "  region: y",
        "s3 =",
        "  k = v",
        "\tt = u",
        "# comment",
        "  ; comment",
        "",
        "   ",
        "é = ü",
    ]
)
FILES = st.tuples(
    st.lists(st.tuples(LINES, st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"])), max_size=12),
    st.one_of(st.just(""), LINES),
).map(lambda parts: "".join(line + end for line, end in parts[0]) + parts[1])


@examples(100)
@given(FILES, st.sampled_from(["default", "a", "d", "new"]))
@example("[a]\r", "new")
@example("[profile a]\n   [profile d]\n", "a")
def test_in_any_file_all_other_bytes_stay_and_botocore_reads_the_profile(text: str, name: str) -> None:
    profile = NewProfile(name, (("mfa_serial", SERIAL), ("external_id", "e-1")))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "config")
        path.write_bytes(text.encode())
        before = botocore_reads_or_refuses(path)
        try:
            added = add_profiles(str(path), [profile])
        except ConfigMalformed:
            assert before is None or name in before
            assert path.read_bytes() == text.encode()
            return
        assert before is not None
        assert added == ([] if name in before else [name])
        assert botocore_reads(path) == {**before, name: {**before.get(name, {}), **dict(profile.settings)}}
        after = path.read_bytes().decode()
    at = next((at for at, (old, new) in enumerate(zip(text, after, strict=False)) if old != new), len(text))
    grown = len(after) - len(text)
    assert after[:at] + after[at + grown :] == text
    if added:
        header = "[default]" if name == "default" else f"[profile {name}]"
        written = after[len(text) :].replace("\r\n", "\n").replace("\r", "\n")
        assert written.lstrip("\n") == f"{header}\nmfa_serial = {SERIAL}\nexternal_id = e-1\n"


# ---- the file itself ---------------------------------------------------------------------------------


def test_a_missing_file_is_made_for_its_owner_alone_in_a_directory_for_its_owner_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / ".aws" / "config"
    add_profiles(str(path), [ROLE])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640])
def test_permissions_stay(path: Path, mode: int) -> None:
    path.write_text("[default]\n")
    path.chmod(mode)
    add_profiles(str(path), [ROLE])
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_symlink_stays_one_and_its_target_is_written(tmp_path: Path, path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target = tmp_path / "dotfiles" / "aws-config"
    target.write_text("[default]\n")
    path.symlink_to("dotfiles/aws-config")
    add_profiles(str(path), [ROLE])
    assert path.is_symlink()
    assert target.read_text() == "[default]\n\n" + ROLE_TEXT


def test_a_symlink_to_nothing_stays_one_and_its_target_is_made(tmp_path: Path, path: Path) -> None:
    path.symlink_to("dotfiles/aws-config")
    add_profiles(str(path), [ROLE])
    assert path.is_symlink()
    assert (tmp_path / "dotfiles" / "aws-config").read_text() == ROLE_TEXT


@pytest.mark.parametrize("special", ["/dev/null", "/dev"])
def test_what_is_no_regular_file_is_never_replaced(special: str) -> None:
    before = os.stat(special)  # noqa: PTH116  # a path as text, as add_profiles takes it
    with pytest.raises(ConfigUnwritable, match="it is not a regular file"):
        add_profiles(special, [ROLE])
    assert os.stat(special).st_ino == before.st_ino  # noqa: PTH116  # as above


def test_an_empty_path_writes_nothing() -> None:
    with pytest.raises(ConfigUnwritable):
        add_profiles("", [ROLE])


# ---- more than one writer ----------------------------------------------------------------------------


WRITER = """
import sys
from vaultpy.config_edit import NewProfile, add_profiles
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    add_profiles(sys.argv[1], [NewProfile(f"{sys.argv[2]}-{number}", (("region", "x"),))])
"""


def test_writers_at_the_same_time_lose_nothing_of_each_other(path: Path) -> None:
    path.write_text("[default]\nregion = x\n")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(number), "15"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
            text=True,
        )
        for number in range(4)
    ]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.communicate("go\n")
    assert [writer.returncode for writer in writers] == [0] * 4
    expected = {"default", *(f"{writer}-{number}" for writer in range(4) for number in range(15))}
    assert set(botocore_reads(path)) == expected


def test_the_lock_is_held_while_the_file_is_read_changed_and_replaced(path: Path) -> None:
    held: list[bool] = []

    def change(text: str) -> str:
        lock = path.with_name(".config.vaultpy-lock")
        if lock.exists():
            with lock.open() as file, pytest.raises(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held.append(True)
        return text + "[profile ours]\n"

    edit(str(path), change)
    assert held == [True]


def test_what_a_second_vaultpy_has_added_meanwhile_is_not_written_again(path: Path) -> None:
    theirs: list[int] = []

    def change(_: str) -> str:
        path.write_text("[profile ours]\n")
        theirs.append(path.stat().st_ino)
        return "[profile ours]\n"

    edit(str(path), change)
    assert len(theirs) == 2
    assert path.stat().st_ino == theirs[-1]


def test_what_another_program_writes_meanwhile_is_kept(path: Path) -> None:
    path.write_text("[default]\n")
    seen: list[str] = []

    def change(text: str) -> str:
        seen.append(text)
        if len(seen) == 2:
            path.write_text("[default]\n[profile theirs]\n")
        return text + "[profile ours]\n"

    edit(str(path), change)
    assert path.read_text() == "[default]\n[profile theirs]\n[profile ours]\n"


def test_a_file_that_never_rests_is_given_up_on_and_left_as_it_is(path: Path) -> None:
    def change(text: str) -> str:
        path.write_text(text + "#")
        return text + "[profile ours]\n"

    path.write_text("")
    with pytest.raises(ConfigUnwritable, match="another program keeps changing it"):
        edit(str(path), change)
    assert set(path.read_text()) == {"#"}


# ---- a key is taken out ------------------------------------------------------------------------------


def test_a_key_is_taken_out_of_the_file_which_keeps_its_mode_and_its_link(path: Path) -> None:
    target = path.with_name("dotfile")
    target.write_text(KEY_TEXT)
    target.chmod(0o640)
    path.symlink_to(target)
    assert take_out_key(InClear(str(path), "dev"), KEY)
    assert target.read_text() == "[dev]\nregion = x\n"
    assert path.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.parametrize("text", [None, "", "[dev]\nregion = x\n", "[other]\n"])
def test_where_no_key_is_left_nothing_is_written(path: Path, text: str | None) -> None:
    if text is not None:
        path.write_text(text)
    assert take_out_key(InClear(str(path), "dev"), KEY)
    assert (path.read_text() if path.exists() else None) == text
    assert not path.with_name(".config.vaultpy-lock").exists()


def test_another_key_is_not_taken_out(path: Path) -> None:
    text = KEY_TEXT.replace("wJalr", "other")
    path.write_text(text)
    assert not take_out_key(InClear(str(path), "dev"), KEY)
    assert path.read_text() == text


def test_what_is_no_file_gives_no_key_back(path: Path) -> None:
    path.mkdir()
    with pytest.raises(KeyStays, match="it is not a regular file"):
        take_out_key(InClear(str(path), "dev"), KEY)


@pytest.mark.parametrize("variable", [CREDENTIALS_FILE, CONFIG_FILE])
def test_a_file_that_cannot_be_read_is_told_by_the_variable_for_it(path: Path, variable: str) -> None:
    path.write_bytes(b"[dev]\naws_access_key_id = \xff\n")
    with pytest.raises(ConfigUnreadable) as caught:
        take_out_key(InClear(str(path), "dev", variable=variable), KEY)
    assert caught.value.hint.endswith(f"name another with {variable}")


# ---- as a user who may not ---------------------------------------------------------------------------


@pytest.fixture
def foreign_directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    yield directory
    directory.chmod(0o755)
    shutil.rmtree(directory)


def error_as_a_plain_user(action: Callable[[], object]) -> str:
    """Run `action` in a child process that is not root, and return what it raised."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        answer = "something unexpected"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            action()
            answer = "nothing"
        except VaultpyError as error:
            answer = f"{type(error).__name__}: {error}"
        finally:
            os.write(writer, answer.encode())
            os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as file:  # noqa: PTH123  # a descriptor
        answer = file.read()
    os.waitpid(child, 0)
    return answer


def test_a_directory_that_may_not_be_written_is_an_error_and_the_file_stays(foreign_directory: Path) -> None:
    path = foreign_directory / "config"
    path.write_text("[default]\n")
    path.chmod(0o644)
    foreign_directory.chmod(0o555)
    answer = error_as_a_plain_user(lambda: add_profiles(str(path), [ROLE]))
    assert answer == f"ConfigUnwritable: cannot write {path}: Permission denied"
    assert path.read_text() == "[default]\n"


def test_a_key_that_may_not_be_taken_out_is_an_error_of_its_own_and_stays(foreign_directory: Path) -> None:
    path = foreign_directory / "credentials"
    path.write_text(KEY_TEXT)
    path.chmod(0o644)
    foreign_directory.chmod(0o555)
    answer = error_as_a_plain_user(lambda: take_out_key(InClear(str(path), "dev"), KEY))
    assert answer == f"KeyStays: cannot take access key {KEY.id} out of {path}: Permission denied"
    assert path.read_text() == KEY_TEXT


def test_where_nothing_is_missing_a_file_that_may_not_be_written_will_do(foreign_directory: Path) -> None:
    path = foreign_directory / "config"
    path.write_text(ROLE_TEXT)
    path.chmod(0o444)
    foreign_directory.chmod(0o555)
    assert error_as_a_plain_user(lambda: add_profiles(str(path), [ROLE])) == "nothing"


def test_a_file_that_may_not_be_read_is_an_error_and_not_taken_for_empty(foreign_directory: Path) -> None:
    path = foreign_directory / "config"
    path.write_text("[default]\n")
    path.chmod(0o000)
    answer = error_as_a_plain_user(lambda: add_profiles(str(path), [ROLE]))
    assert answer == f"ConfigUnreadable: cannot read {path}: Permission denied"


def test_a_missing_directory_that_may_not_be_made_is_an_error(foreign_directory: Path) -> None:
    foreign_directory.chmod(0o555)
    path = foreign_directory / ".aws" / "config"
    answer = error_as_a_plain_user(lambda: add_profiles(str(path), [ROLE]))
    assert answer == f"ConfigUnwritable: cannot write {path}: Permission denied"


# ---- taking a setting out ----------------------------------------------------------------------------

SETTING = "[profile dev]\r\n# kept\r\n  mfa_serial : gaht12345678\r\n\r\n  region = x\r\n"
SETTING += "[profile b]\nmfa_serial = y"


def test_a_setting_is_taken_out_and_no_other_byte(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(SETTING.encode())
    assert take_out_setting(str(path), "dev", "mfa_serial", "gaht12345678")
    assert path.read_bytes() == SETTING.replace("  mfa_serial : gaht12345678\r\n", "").encode()
    assert not take_out_setting(str(path), "dev", "mfa_serial", "gaht12345678")
    assert take_out_setting(str(path), "b", "mfa_serial", "y")
    assert path.read_text().endswith("[profile b]\n")


@pytest.mark.parametrize(("name", "value"), [("dev", "another"), ("nobody", "gaht12345678")])
def test_a_setting_of_another_value_or_profile_stays(tmp_path: Path, name: str, value: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(SETTING.encode())
    assert not take_out_setting(str(path), name, "mfa_serial", value)
    assert path.read_bytes() == SETTING.encode()


def test_a_setting_of_the_default_profile_is_taken_out_too(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("[default]\nmfa_serial = y\nregion = x\n")
    assert take_out_setting(str(path), "default", "mfa_serial", "y")
    assert path.read_text() == "[default]\nregion = x\n"


def test_a_file_is_not_made_for_want_of_a_setting(tmp_path: Path) -> None:
    assert not take_out_setting(str(tmp_path / "config"), "dev", "mfa_serial", "y")
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_others_hang_on_by_their_indentation_stays(tmp_path: Path) -> None:
    path = tmp_path / "config"
    text = "[profile dev]\na = b\n c = d\nmfa_serial = y\n region = x\n"
    path.write_text(text)
    assert not take_out_setting(str(path), "dev", "mfa_serial", "y")
    assert path.read_text() == text
