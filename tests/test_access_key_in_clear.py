"""An access key goes out of a text, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultpy.access_key_in_clear import KEY_ID, SECRET, InClear, holds, without_key
from vaultpy.config_text import IniText
from vaultpy.credentials import AccessKey
from vaultpy.errors import ConfigMalformed
from vaultpy.values import Secret

KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI"))
ID_LINE, SECRET_LINE = f"aws_access_key_id = {KEY.id}", f"aws_secret_access_key = {KEY.secret.reveal()}"
DEV = InClear("credentials", "dev")
OF_AWS_MFA = InClear("credentials", "dev", whole=True)


def filled(text: str) -> str:
    """Return `text` with the key's lines for ID and SECRET."""
    return text.replace("ID", ID_LINE).replace("SECRET", SECRET_LINE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[dev]\nID\nSECRET\n", "[dev]\n"),
        ("[dev]\nID\nSECRET", "[dev]\n"),
        ("[dev]\nSECRET\nregion = x\nID\n", "[dev]\nregion = x\n"),
        ("[dev]\nregion = x\nID\nSECRET", "[dev]\nregion = x\n"),
        ("# a\n[dev] # b\n; c\nID\n\n# d\nSECRET\n\n\n[e]\n", "# a\n[dev] # b\n; c\n\n# d\n\n\n[e]\n"),
        ("[dev]\r\nID\r\nSECRET\r\nregion=x\r\n", "[dev]\r\nregion=x\r\n"),
        ("[dev]\rID\rSECRET\rregion=x\r", "[dev]\rregion=x\r"),
        ("[dev]\r\nID\nSECRET\r\nregion=x\n", "[dev]\r\nregion=x\n"),
        ("  [dev]\n    ID\n    SECRET\n    region = x", "  [dev]\n    region = x"),
        ("\t[dev]\n\t\tID\n  SECRET\n  [e]\n", "\t[dev]\n  [e]\n"),
        (
            "[dev]\ns3 =\n  # nested\n  aws_access_key_id = mine\n\nID\nSECRET\n",
            "[dev]\ns3 =\n  # nested\n  aws_access_key_id = mine\n\n",
        ),
        ("[a]\nID\n[dev]\nID\nSECRET\n[b]\nSECRET\n", "[a]\nID\n[dev]\n[b]\nSECRET\n"),
        ("[dev]\n# ID\nID\nSECRET\n#SECRET\n", "[dev]\n# ID\n#SECRET\n"),
        ("[dev]\nID\nSECRET\naws_mfa_device = x\n", "[dev]\naws_mfa_device = x\n"),
    ],
)
def test_the_lines_that_set_the_key_go_and_every_other_byte_stays(before: str, after: str) -> None:
    assert holds(filled(before), DEV, KEY)
    assert without_key(filled(before), DEV) == filled(after)


@pytest.mark.parametrize(
    "spelled",
    [
        f"AWS_ACCESS_KEY_ID={KEY.id}\nAws_Secret_Access_Key:{KEY.secret.reveal()}\n",
        f"aws_access_key_id: {KEY.id}\naws_secret_access_key\t =\t{KEY.secret.reveal()} \n",
    ],
)
def test_a_setting_is_found_however_it_is_spelled(spelled: str) -> None:
    text = f"[dev]\n{spelled}output = json\n"
    assert holds(text, DEV, KEY)
    assert without_key(text, DEV) == "[dev]\noutput = json\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[a]\nk = v\n\n[dev]\nID\nSECRET\naws_mfa_device = x\n\n[b]\n", "[a]\nk = v\n\n\n[b]\n"),
        ("[dev]\nID\naws_mfa_device = x\nSECRET", ""),
        ("[dev]\n# mine\nID\nSECRET\n", "[dev]\n# mine\n"),
        ("[dev]\nID\nSECRET\nassume_role = r\n", "[dev]\nassume_role = r\n"),
    ],
)
def test_a_section_of_aws_mfas_goes_whole_unless_something_else_is_in_it(before: str, after: str) -> None:
    assert without_key(filled(before), OF_AWS_MFA) == filled(after)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", None),
        ("[other]\nID\nSECRET\n", None),
        ("[dev]\nregion = x\n", None),
        ("[dev]\nID\n", False),
        ("[dev]\nID\naws_secret_access_key = another\n", False),
        ("[dev]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\nSECRET\n", False),
        ("[dev]\nID\nSECRET\n", True),
    ],
)
def test_a_key_is_told_from_another_and_from_none(text: str, *, answer: bool | None) -> None:
    assert holds(filled(text), DEV, KEY) is answer


@pytest.mark.parametrize(
    "text", ["[dev]\nID\nSECRET\n[dev]\n", "\ufeff[dev]\nID\nSECRET\n", "[dev]\nID\nSECRET\nSECRET\n"]
)
def test_a_text_that_botocore_refuses_is_a_mistake_that_is_named_without_the_secret(text: str) -> None:
    with pytest.raises(ConfigMalformed) as refused:
        holds(filled(text), DEV, KEY)
    assert KEY.secret.reveal() not in str(refused.value)


LINES = st.sampled_from(
    ["", "  ", "# c", "  ; c", "[a]", " [b]", "k = v", "  k = v", "s3 =", "    deep = er", "\tl: m", "[dev"]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@given(
    st.lists(LINES, max_size=6),
    st.lists(LINES, max_size=6),
    st.lists(LINES, max_size=6),
    st.lists(LINES, max_size=6),
    ENDS,
    st.sampled_from(["", " ", "  "]),
    st.booleans(),
)
def test_whatever_stands_around_it_the_rest_reads_as_before(  # noqa: PLR0913, PLR0917  # one argument a strategy
    before: list[str],
    inside: list[str],
    between: list[str],
    after: list[str],
    end: str,
    indent: str,
    whole: bool,  # noqa: FBT001  # a strategy
) -> None:
    lines = [*before, "[dev]", *inside, indent + ID_LINE, *between, indent + SECRET_LINE, *after]
    text = "".join(line + end for line in lines)
    place = InClear("credentials", "dev", whole=whole)
    try:
        if not holds(text, place, KEY):
            return
        kept = without_key(text, place)
    except ConfigMalformed:
        return
    sections = {name: one.settings for name, one in IniText(text, "credentials").sections().items()}
    del sections["dev"][KEY_ID], sections["dev"][SECRET]
    left = {name: one.settings for name, one in IniText(kept, "credentials").sections().items()}
    assert left == sections or (whole and left | {"dev": {}} == sections)
    assert [line for line in lines if line not in {indent + ID_LINE, indent + SECRET_LINE, "[dev]"}] == [
        line for line in kept.split(end)[:-1] if line != "[dev]"
    ]
