"""Temporary credentials in a section of the credentials file: put in, read again, nothing else touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultpy.config_text import IniText
from vaultpy.credentials import Credentials
from vaultpy.credentials_section import end_of, settings_of, with_settings
from vaultpy.errors import ConfigMalformed, LongTermKeyThere
from vaultpy.values import Secret

END = 1795276800  # 2026-11-21 16:00:00 UTC
CREDENTIALS = Credentials("ASIAX", Secret("sec/ret+="), Secret("to=ken"), END)
SETTINGS = settings_of(CREDENTIALS, "d1")
OURS = (
    "aws_access_key_id = ASIAX\naws_secret_access_key = sec/ret+=\naws_session_token = to=ken\n"
    "expiration = 2026-11-21 16:00:00\nvaultpy_session = d1\n"
)
AWS_MFA = (
    "[dev-long-term]\naws_access_key_id = AKIAX\naws_secret_access_key = x\n\n"
    "[dev]\n# by aws-mfa\nassumed_role = False\naws_access_key_id = ASIAOLD\naws_secret_access_key = old\n"
    "aws_session_token = old\naws_security_token = old\nexpiration = 2026-11-20 16:00:00\n"
    "region = eu-west-1\n"
)


def put(text: str, name: str = "dev") -> str:
    return with_settings(text, "credentials", name, SETTINGS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"[dev]\n{OURS}"),
        ("# mine\n", f"# mine\n\n[dev]\n{OURS}"),
        ("[x]\nregion = y", f"[x]\nregion = y\n\n[dev]\n{OURS}"),
        (
            "[x]\r\na = b\r\n",
            f"[x]\r\na = b\r\n\r\n[dev]\r\n{OURS}".replace("\r\n", "\n").replace("\n", "\r\n"),
        ),
        ("[dev]\n[x]\n", f"[dev]\n{OURS}[x]\n"),
        (
            "[dev]\n  region = y\n\n[x]\n",
            f"[dev]\n  region = y\n{'  ' + OURS[:-1].replace(chr(10), chr(10) + '  ')}\n\n[x]\n",
        ),
        ("[dev]", f"[dev]\n{OURS}"),
        (f"[dev]\n{OURS}".replace("ASIAX", "ASIAOLD").replace("d1", "d0"), f"[dev]\n{OURS}"),
    ],
)
def test_the_section_gets_them_and_every_other_byte_stays(before: str, after: str) -> None:
    assert put(before) == after
    assert put(after) == after


def test_what_aws_mfa_wrote_gives_way_where_it_stood() -> None:
    before, after = AWS_MFA.split("aws_access_key_id = ASIAOLD", maxsplit=1)[0], "region = eu-west-1\n"
    assert put(AWS_MFA) == before + OURS + after


@pytest.mark.parametrize(
    "section",
    [
        "aws_access_key_id = AKIAX\naws_secret_access_key = x\n",
        "aws_access_key_id = AKIAX\naws_secret_access_key = x\naws_session_token = t\n",
        "aws_access_key_id = ASIAX\naws_secret_access_key = x\n",
        "AWS_Secret_Access_Key: x\n",
        "aws_access_key_id = AKIAX\naws_secret_access_key = x\naws_session_token =\nvaultpy_session = d1\n",
    ],
)
def test_a_long_term_key_is_never_written_over(section: str) -> None:
    text = f"[dev]\n{section}"
    with pytest.raises(LongTermKeyThere):
        put(text)
    with pytest.raises(LongTermKeyThere):
        end_of(text, "credentials", "dev", "d1")


def test_their_end_is_known_of_what_we_wrote_alone() -> None:
    text = put(AWS_MFA)
    assert end_of(text, "credentials", "dev", "d1") == END
    assert end_of(text, "credentials", "dev", "another question") is None
    assert end_of(AWS_MFA, "credentials", "dev", "d1") is None
    assert end_of("", "credentials", "dev", "d1") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("aws_session_token = to=ken\n", ""),
        ("expiration = 2026-11-21 16:00:00\n", ""),
        ("16:00:00", "soon"),
        ("aws_secret_access_key = sec/ret+=\naws_session", "aws_session"),
    ],
)
def test_what_is_not_whole_has_no_end(old: str, new: str) -> None:
    text = put("").replace(old, new)
    if "aws_session_token" not in text:
        with pytest.raises(LongTermKeyThere):
            end_of(text, "credentials", "dev", "d1")
    else:
        assert end_of(text, "credentials", "dev", "d1") is None


@pytest.mark.parametrize("text", ["[dev]\nnonsense\n", "[x]\na = 1\na = 2\n", "a = b\n", "[dev]\n[dev]\n"])
def test_a_file_with_a_mistake_is_left_alone(text: str) -> None:
    with pytest.raises(ConfigMalformed):
        put(text)


@given(
    st.lists(
        st.sampled_from(
            [
                "[dev]",
                "[x]",
                " [dev]",
                "region = y",
                "  region = y",
                "  more",
                "# comment",
                "",
                "aws_session_token = old",
                "aws_access_key_id: ASIAOLD",
                " aws_security_token=old",
                "s3 =",
                "    a = b",
            ]
        )
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_stands_there_all_else_reads_as_before(lines: list[str], newline: str) -> None:
    text = newline.join(lines)
    try:
        after = put(text)
    except (ConfigMalformed, LongTermKeyThere):
        return
    wanted = {name: dict(section.settings) for name, section in IniText(text, "c").sections().items()}
    wanted.setdefault("dev", {}).update(SETTINGS)
    wanted["dev"].pop("aws_security_token", None)
    assert {name: section.settings for name, section in IniText(after, "c").sections().items()} == wanted
    assert after.splitlines().count("# comment") == lines.count("# comment")
