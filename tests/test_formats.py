"""Every format is read back by what it is for: real shells, botocore, Node; PowerShell's by its grammar."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultpy.credentials import Credentials
from vaultpy.errors import Unexportable
from vaultpy.formats import dotenv, ini_section, shell_script
from vaultpy.values import Secret

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = [
    "",
    "'",
    "''",
    "'; touch executed; '",
    '"; touch executed; "',
    "$(touch executed)",
    "`touch executed`",
    "${HOME} $HOME $env:HOME",
    "(touch executed)",
    "; touch executed",
    "a' ; touch executed #",
    "\\",
    "\\\\",
    "\\'",
    "'\\",
    "\\n\\x41\\u0041",
    "!! !x",
    "~ * ? [a] {a,b}",
    " blanks around ",
    "-n",
    "%s %d",
    "a=b=c",
    "# no comment",
    "&|<>",
    "ünïcödé \u65e5\u672c \U0001f511",
    "\u2018\u2019\u201a\u201b typographic",
    "\u2019; touch executed #",
    "no UTF-8: \udcff",
    "x" * 8192,
]
CREDENTIALS = Credentials("ASIAEXAMPLE", Secret("secret/+="), Secret("token/+="), 1)
# One line of text, without what no terminal shows.
LINES = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=20)
QUOTES = st.text(st.sampled_from("'\"\\$`\u2018\u2019\u201a\u201b a"), max_size=12)


def numbered(values: list[str]) -> dict[str, str]:
    return {f"V{at}": value for at, value in enumerate(values)}


def read_by(shell: str, script: str, names: list[str], directory: Path, **environ: str) -> list[str]:
    """Return what the variables are in a program that `shell` starts once it has run `script` by eval."""
    (directory / "script").write_bytes(os.fsencode(script))
    evaluated = "cat script | source" if shell == "fish" else 'eval "$(cat script)"'
    done = subprocess.run(
        [shell, "-c", f"{evaluated}; env -0"],
        cwd=directory,
        env={"PATH": os.environ["PATH"], "HOME": str(directory), "LC_ALL": "C.UTF-8", **environ},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    found = dict(entry.split("=", 1) for entry in os.fsdecode(done.stdout).split("\0") if entry)
    return [found.get(name, "absent") for name in names]


# ---- shells ---------------------------------------------------------------------------------------------

SHELLS = pytest.mark.parametrize(
    ("shell", "format_name"),
    [
        pytest.param(shell, name, marks=pytest.mark.skipif(not shutil.which(shell), reason=f"no {shell}"))
        for shell, name in [("bash", "env"), ("zsh", "env"), ("dash", "env"), ("fish", "fish")]
    ],
)


@SHELLS
def test_a_shell_reads_back_exactly_the_values_and_runs_none_of_them(
    shell: str, format_name: str, tmp_path: Path
) -> None:
    values = numbered(HOSTILE)
    script = shell_script(format_name, "dev", values)
    assert read_by(shell, script, list(values), tmp_path) == HOSTILE
    assert not (tmp_path / "executed").exists()


@SHELLS
def test_what_is_unwanted_is_gone_and_what_was_not_there_is_no_error(
    shell: str, format_name: str, tmp_path: Path
) -> None:
    script = shell_script(format_name, "dev", {"V": "1"}, ["AWS_PROFILE", "AWS_NONE"])
    found = read_by(shell, script, ["AWS_PROFILE", "AWS_NONE", "V"], tmp_path, AWS_PROFILE="other")
    assert found == ["absent", "absent", "1"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "dash"])
def test_the_lines_are_safe_where_errors_end_a_script(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    script = "set -eu\n" + shell_script("env", "dev", {"V": "1"}, ["AWS_PROFILE"])
    assert read_by(shell, script, ["V"], tmp_path) == ["1"]


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish")
def test_a_universal_variable_of_fish_belongs_to_all_shells_and_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(shell_script("fish", "dev", {}, ["AWS_PROFILE"]))
    script = "set -Ux AWS_PROFILE other; set -gx AWS_PROFILE x; source script; echo $AWS_PROFILE"
    done = subprocess.run(
        ["fish", "-c", script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "other\n"
    assert done.stderr.startswith("vaultpy: warning: universal variable AWS_PROFILE leads past the role")


def powershell(script: str) -> dict[str, str | None]:
    """Read assignments by the grammar of PowerShell's verbatim strings ("2.3.5.2" of its specification)."""
    quotes = "'\u2018\u2019\u201a\u201b"
    found: dict[str, str | None] = {}
    at = 0
    while at < len(script):
        name, _, _ = script[at:].removeprefix("$env:").partition(" = ")
        at += len(f"$env:{name} = ")
        if script.startswith("$null\n", at):
            found[name] = None
            at += len("$null\n")
            continue
        assert script[at] in quotes
        value, at = "", at + 1
        while script[at] not in quotes or script[at + 1] in quotes:
            at += script[at] in quotes
            value += script[at]
            at += 1
        assert script[at + 1] == "\n"
        found[name] = value
        at += 2
    return found


@given(st.lists(LINES | QUOTES | st.sampled_from(HOSTILE)))
def test_powershell_reads_back_exactly_the_values(values: list[str]) -> None:
    read = powershell(shell_script("powershell", "dev", numbered(values), ["AWS_PROFILE"]))
    assert read == {"AWS_PROFILE": None, **numbered(values)}


@given(st.lists(LINES | QUOTES, min_size=20, max_size=60))
def test_sh_reads_back_whatever_one_line_may_be(values: list[str]) -> None:
    script = shell_script("env", "dev", numbered(values)) + 'printf "%s\\n"'
    script += "".join(f' "$V{at}"' for at in range(len(values)))
    read = subprocess.run(["sh"], input=os.fsencode(script), capture_output=True, check=True).stdout
    assert os.fsdecode(read).split("\n")[:-1] == values


# ---- files ----------------------------------------------------------------------------------------------

CARRIED = [value for value in HOSTILE if not {"'", "\\", "$"} & set(value)]


def test_a_dotenv_file_can_be_sourced(tmp_path: Path) -> None:
    script = "set -a\n" + dotenv("dev", numbered(CARRIED))
    assert read_by("sh", script, list(numbered(CARRIED)), tmp_path) == CARRIED
    assert not (tmp_path / "executed").exists()


@pytest.mark.skipif(not shutil.which("node"), reason="no node")
def test_a_dotenv_file_is_read_by_node(tmp_path: Path) -> None:
    values = [value for value in CARRIED if "\udcff" not in value]
    (tmp_path / "file").write_text(dotenv("dev", numbered(values)))
    script = "for (let i = 0; i < +process.argv[1]; i++) process.stdout.write(process.env['V' + i] + '\\0')"
    done = subprocess.run(
        ["node", f"--env-file={tmp_path}/file", "-e", script, str(len(values))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\0")[:-1] == values


def test_what_credentials_are_made_of_needs_no_quotes_which_docker_would_not_take_away() -> None:
    value = "AZaz09/+=.:_-"
    assert dotenv("dev", {"A": value}) == f"A={value}\n"


@pytest.mark.parametrize("value", [value for value in HOSTILE if value not in CARRIED])
def test_dotenv_refuses_what_its_readers_take_differently(value: str) -> None:
    with pytest.raises(Unexportable, match="AWS_VAULT cannot be exported as dotenv"):
        dotenv("dev", {"AWS_VAULT": value})


@pytest.mark.parametrize(
    "name", ["dev", "a b", "it's", '"q"', "$(touch executed)", "ünï", "a#b", "a;b", "[x", "%(x)s", "default"]
)
def test_botocore_reads_the_section_of_a_credentials_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "credentials"
    path.write_text(ini_section(name, CREDENTIALS, "eu-west-1"))
    session = botocore.session.Session(profile=name)
    session.set_config_variable("credentials_file", str(path))
    session.set_config_variable("config_file", str(tmp_path / "none"))
    found = session.get_credentials()
    assert found is not None
    read = (found.access_key, found.secret_key, found.token, session.get_config_variable("region"))
    assert read == ("ASIAEXAMPLE", "secret/+=", "token/+=", "eu-west-1")


def test_a_section_without_a_region_has_none() -> None:
    assert "region" not in ini_section("dev", CREDENTIALS, None)


@pytest.mark.parametrize("name", ["a]b", " dev", "dev ", "a\nb", "\x1b[2J", "DEFAULT"])
def test_a_name_that_no_header_can_hold_is_refused(name: str) -> None:
    with pytest.raises(Unexportable):
        ini_section(name, CREDENTIALS, None)


@pytest.mark.parametrize("region", ["a\nb", "a\n[other]", " a", "\x00"])
def test_a_setting_never_becomes_two(region: str) -> None:
    with pytest.raises(Unexportable, match="region cannot be exported as ini"):
        ini_section("dev", CREDENTIALS, region)


# ---- what no format holds -------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", ["env", "fish", "powershell", "dotenv"])
@pytest.mark.parametrize("value", ["a\nb", "\n", "\r", "\x1b[2J", "\x00", "\x85"])
def test_a_value_of_more_than_a_line_is_refused_and_not_told(format_name: str, value: str) -> None:
    with pytest.raises(Unexportable) as refused:
        write(format_name, {"AWS_REGION": f"secret{value}"})
    assert refused.value.message.startswith(f"AWS_REGION cannot be exported as {format_name}: ")
    assert "secret" not in refused.value.message + refused.value.hint
    assert refused.value.hint.endswith("vaultpy exec 'a dev' -- CMD")


@pytest.mark.parametrize("format_name", ["env", "fish", "powershell", "dotenv"])
@pytest.mark.parametrize("name", ["", "1A", "A B", "A;touch executed", "A-B", "A$(x)", "Ä", "A\n"])
def test_a_name_that_no_shell_takes_is_refused(format_name: str, name: str) -> None:
    with pytest.raises(Unexportable):
        write(format_name, {name: "x"})


def write(format_name: str, values: dict[str, str]) -> str:
    if format_name == "dotenv":
        return dotenv("a dev", values)
    return shell_script(format_name, "a dev", values)


def test_an_unwanted_name_that_no_shell_takes_is_left_out() -> None:
    assert shell_script("env", "dev", {}, ["A;touch executed", "A"]) == "unset A\n"
