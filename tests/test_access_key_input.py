"""An access key as other programs write it, and whatever else may come instead."""

from __future__ import annotations

import json
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultpy.access_key_input import MAX_BYTES, from_bytes, from_environment, typed
from vaultpy.credentials import AccessKey
from vaultpy.errors import BadKeyInput
from vaultpy.values import Secret

# AWS's documentation uses these two everywhere.
ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY = AccessKey(ID, Secret(SECRET))

CONSOLE = f"Access key ID,Secret access key\n{ID},{SECRET}\n"
OLDER_CONSOLE = (
    "User name,Password,Access key ID,Secret access key,Console login link\n"
    f"alice,,{ID},{SECRET},https://123456789012.signin.aws.amazon.com/console\n"
)
AWS_CLI = {
    "AccessKey": {
        "UserName": "alice",
        "AccessKeyId": ID,
        "Status": "Active",
        "SecretAccessKey": SECRET,
        "CreateDate": "2026-01-02T03:04:05+00:00",
    }
}
AWS_VAULT_JSON = {"Version": 1, "AccessKeyId": ID, "SecretAccessKey": SECRET}
AWS_VAULT_ENV = (
    f"AWS_VAULT=dev\nAWS_REGION=eu-central-1\nAWS_ACCESS_KEY_ID={ID}\nAWS_SECRET_ACCESS_KEY={SECRET}\n"
)
EXPORTS = f"export AWS_ACCESS_KEY_ID='{ID}'\nexport AWS_SECRET_ACCESS_KEY=\"{SECRET}\"\n"

FORMS = {
    "the console's CSV": CONSOLE,
    "the console's CSV with a byte order mark": "\ufeff" + CONSOLE,
    "the console's CSV with Windows line ends": CONSOLE.replace("\n", "\r\n"),
    "the console's CSV with both": "\ufeff" + CONSOLE.replace("\n", "\r\n"),
    "the console's CSV in quotes": f'"Access key ID","Secret access key"\n"{ID}","{SECRET}"',
    "the older console's CSV": OLDER_CONSOLE,
    "aws iam create-access-key": json.dumps(AWS_CLI, indent=4),
    "aws-vault export --format=json": json.dumps(AWS_VAULT_JSON),
    "aws-vault export --format=env": AWS_VAULT_ENV,
    "lines of a shell": EXPORTS,
    "blank lines around": f"\n\n  {json.dumps(AWS_CLI)}\n\n",
}


def refusal(data: bytes) -> BadKeyInput:
    with pytest.raises(BadKeyInput) as caught:
        from_bytes(data)
    return caught.value


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_a_key_is_read_from_what_other_programs_write(text: str) -> None:
    assert from_bytes(text.encode()) == KEY


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"", "id or secret is missing", id="nothing"),
        pytest.param(b"\x00\xff\xfe\x80" * 9, "it is not UTF-8 text", id="binary"),
        pytest.param(CONSOLE.encode("utf-16"), "it is not UTF-8 text", id="UTF-16"),
        pytest.param(b"\x00" * 99, "id or secret is missing", id="NULs"),
        pytest.param(CONSOLE.encode() + b" " * MAX_BYTES, "it is longer than 64 KiB", id="too long"),
        pytest.param(
            b"A" * MAX_BYTES + b"\xc3", "it is longer than 64 KiB", id="too long, cut within a letter"
        ),
        pytest.param(CONSOLE.encode() + b"AKIAI44QH8DHBEXAMPLE,s3cret\n", "it holds 2 keys", id="two keys"),
        pytest.param(b'{"a":' * 9999 + b"1" + b"}" * 9999, "id or secret is missing", id="deep JSON"),
        pytest.param(b'{"AccessKey": []}', "id or secret is missing", id="a list for a key"),
        pytest.param(
            json.dumps({"AccessKeyId": ID, "SecretAccessKey": {"nested": SECRET}}).encode(),
            "id or secret is missing",
            id="an object for a secret",
        ),
        pytest.param(b'{"AccessKeyId": "' + ID.encode(), "id or secret is missing", id="cut JSON"),
        pytest.param(f"{ID},{SECRET}\n".encode(), "id or secret is missing", id="CSV without its header"),
        pytest.param(
            f"AWS_ACCESS_KEY_ID={ID}\n".encode(), "id or secret is missing", id="an id without its secret"
        ),
        pytest.param(
            EXPORTS.replace("AKIA", "ASIA").encode(), "these are temporary credentials", id="an ASIA key"
        ),
        pytest.param(
            f"{AWS_VAULT_ENV}AWS_SESSION_TOKEN=FwoGZXIvYXdzEXAMPLE\n".encode(),
            "these are temporary credentials",
            id="a session token",
        ),
        pytest.param(
            json.dumps({**AWS_VAULT_JSON, "SessionToken": "FwoGZXIvYXdzEXAMPLE"}).encode(),
            "these are temporary credentials",
            id="a session token in JSON",
        ),
        pytest.param(CONSOLE.replace("AKIA", "AK IA").encode(), "its id is not", id="a space in the id"),
        pytest.param(CONSOLE.replace(ID, "AKIA").encode(), "its id is not", id="a short id"),
        pytest.param(CONSOLE.replace(ID, "A" * 129).encode(), "its id is not", id="a long id"),
        pytest.param(CONSOLE.replace("AKIA", "ÄKIA").encode(), "its id is not", id="an umlaut in the id"),
        pytest.param(
            CONSOLE.replace("K7MD", "K7 MD").encode(), "its secret has characters", id="a space in the secret"
        ),
        pytest.param(
            CONSOLE.replace("K7MD", "K7\x1bMD").encode(), "its secret has characters", id="an escape sequence"
        ),
    ],
)
def test_what_is_no_key_is_refused_with_its_reason(data: bytes, problem: str) -> None:
    error = refusal(data)
    assert error.message.startswith(f"no access key in standard input: {problem}")
    assert error.hint


def test_ids_of_the_shortest_and_of_the_longest_length_are_taken() -> None:
    for length in (16, 128):
        key_id = "A" * length
        assert from_bytes(CONSOLE.replace(ID, key_id).encode()).id == key_id


def test_exactly_64_kib_are_read() -> None:
    assert from_bytes(CONSOLE.encode().ljust(MAX_BYTES)) == KEY


def test_the_environment_holds_a_key() -> None:
    assert from_environment({"AWS_ACCESS_KEY_ID": ID, "AWS_SECRET_ACCESS_KEY": SECRET}) == KEY


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "id or secret is missing"),
        ({"AWS_ACCESS_KEY_ID": ID}, "id or secret is missing"),
        (
            {"AWS_ACCESS_KEY_ID": ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": "t"},
            "these are temporary credentials",
        ),
    ],
)
def test_an_environment_without_a_long_term_key_is_refused(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(BadKeyInput, match=f"no access key in the environment: {problem}"):
        from_environment(environ)


def test_what_is_typed_may_have_blanks_around_it() -> None:
    assert typed(f" {ID}", Secret(f"{SECRET} ")) == KEY


def test_a_secret_that_was_typed_wrong_is_not_shown() -> None:
    with pytest.raises(BadKeyInput) as caught:
        typed(ID, Secret("my secret"))
    assert "my secret" not in caught.value.message + caught.value.hint


ASKED_FOR = st.sampled_from(
    [
        ID,
        "ASIA" + ID[4:],
        "Access key ID",
        "Secret access key",
        "AccessKey",
        "AccessKeyId",
        "SecretAccessKey",
        "SessionToken",
        "AWS_ACCESS_KEY_ID=",
        "AWS_SECRET_ACCESS_KEY=",
        "export ",
        ",",
        "\n",
        "\r",
        '"',
        "{",
        "}",
        "[",
        ":",
        "\ufeff",
    ]
)


@given(st.lists(ASKED_FOR | st.text(max_size=9), max_size=30), st.binary(max_size=9))
def test_no_input_does_anything_but_give_a_key_or_be_refused_without_showing_the_secret(
    parts: list[str], tail: bytes
) -> None:
    canary = "canary-7f3a"
    data = canary.join(parts).encode("utf-8", "surrogatepass") + tail
    try:
        found = from_bytes(data)
    except BadKeyInput as error:
        shown = "".join(traceback.format_exception(error)) + repr(error) + error.message + error.hint
    else:
        shown = repr(found).replace(found.id, "")
    assert canary not in shown


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.dictionaries(
                st.sampled_from(["AccessKey", "AccessKeyId", "SecretAccessKey", "SessionToken"]), inner
            )
            | st.lists(inner, max_size=3)
        ),
    )
)
def test_no_json_does_anything_but_give_a_key_or_be_refused(document: object) -> None:
    try:
        found = from_bytes(json.dumps({"AccessKey": document}).encode())
    except BadKeyInput:
        return
    assert isinstance(found, AccessKey)
