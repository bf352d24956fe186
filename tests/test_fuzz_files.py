"""Files of any content: AWS's, the state's, a keystore's, a session's. An error, or passed over."""

from __future__ import annotations

import io
import os
import time
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.fuzzing import at_most, examples
from support.keystore_fixtures import Answers
from vaultpy import errors
from vaultpy.cli.run import run
from vaultpy.config import Config
from vaultpy.credentials import Credentials
from vaultpy.index import Index
from vaultpy.keystore_file import FileKeystore
from vaultpy.keystore_format import Argon2, Header
from vaultpy.ledger import Ledger
from vaultpy.profile import Profile
from vaultpy.recent_timeouts import RecentTimeouts
from vaultpy.records import parse as parse_records
from vaultpy.session_text import parse as parse_session
from vaultpy.sessions import serves
from vaultpy.text import printable
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.timeout(900)  # for the long form
NAMES = st.sampled_from(
    ["dev", "default", "a b", "x\x1b[2J", "\u202e", "é", "'", '"', "[", "profile", "{0}", "%s"]
)
_KEYS = """
role_arn source_profile include_profile mfa_serial region duration_seconds external_id services s3
sts endpoint_url credential_process sso_session vaultpy_mfa vaultpy_mfa_serials
vaultpy_session_duration vaultpy_account vaultpy_yubikey aws_access_key_id aws_secret_access_key
aws_session_token credential_source web_identity_token_file role_session_name tags
transitive_tag_keys source_identity
"""
KEYS = st.sampled_from(_KEYS.split())
VALUES = st.one_of(
    st.sampled_from(
        [
            "dev",
            "default",
            "arn:aws:iam::123456789012:role/dev",
            "arn:aws:iam::123456789012:mfa/alice",
            "9" * 400,
            "-1",
            "1e400",
            "3600",
            "direct",
            "true",
            "\x1b]0;x\x07",
            "\u202e",
            "\n  endpoint_url = http://x",
            "",
            "a=b,c=d",
            "\u0663\u0666\u0660\u0660",
            "²",
            "1_000",
            "x" * 3000,
            "\n\n  x\n y = \n",
        ]
    ),
    st.text(max_size=10),
)
LINES = st.one_of(
    st.builds("[profile {}]".format, NAMES),
    st.builds("[{}]".format, NAMES),
    st.builds("[services {}]".format, NAMES),
    st.builds("[sso-session {}]".format, NAMES),
    st.builds("{} = {}".format, KEYS, VALUES),
    st.builds("{}: {}".format, KEYS, VALUES),
    st.builds("  {} = {}".format, KEYS, VALUES),
    st.sampled_from(
        ["", "# x", "; y", "\x00", "\ufeff", "[", "]", "[]", "=", " = x", "[profile", "\x85", " ", "\x1c"]
    ),
    st.text(max_size=12),
)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n"])


def _encoded(lines: list[str], end: str, encoding: str) -> bytes:
    return end.join(lines).encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")


FILES = st.one_of(
    st.builds(
        _encoded,
        st.lists(LINES, max_size=12),
        ENDS,
        st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    ),
    st.binary(max_size=60),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("home")
    (directory / "state" / "vaultpy" / "ledger").mkdir(parents=True, mode=0o700)
    return directory


def environment(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        "VAULTPY_SESSIONS": "off",
    }


def said(home: Path, *words: str) -> str:
    """Run a verb in this process; return all that it says, which shows no bug and moves no cursor."""
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(stdout), redirect_stderr(stderr):
        status = run(list(words), environment(home))
    texts = [stream.buffer.getvalue().decode() for stream in (stdout, stderr)]
    for line in "".join(texts).split("\n"):
        assert printable(line) == line, (words, line)
    assert "a bug in vaultpy" not in texts[1], (words, texts[1])
    if status not in {0, 1} or "vaultpy: error:" in texts[1]:
        assert [line.split(":")[1] for line in texts[1].splitlines()[-2:]] == [" error", " hint"], (
            words,
            texts,
        )
    return "".join(texts)


def _judge(error: errors.VaultpyError) -> None:
    said = error.message + error.hint
    assert printable(said) == said


def _told(question: Callable[[], object]) -> object:
    try:
        return question()
    except errors.VaultpyError as error:
        _judge(error)
        return None


VERBS = (("list",), ("list", "--json"), ("status",), ("status", "dev", "--json"), ("clear", "dev"))
SOME = (("list",), ("status", "dev"))


@examples(6)
@given(config=FILES, credentials=FILES)
@example(config=b"[profile dev]\nrole_arn = x\nduration_seconds = " + b"9" * 400, credentials=b"")
@example(config=b"\xef\xbb\xbf[default]\nregion = x", credentials=b"\xff\xfe[\0d\0e\0v\0]\0")
def test_aws_s_files_may_hold_anything(home: Path, config: bytes, credentials: bytes) -> None:
    (home / "config").write_bytes(config)
    (home / "credentials").write_bytes(credentials)
    found = _told(lambda: Config.load(environment(home)))
    if isinstance(found, Config):
        for name in [*found.names(), "dev", "missing"]:
            profile = _told(partial(found.profile, name))
            _told(partial(found.chain, name))
            if isinstance(profile, Profile):
                _told(partial(found.endpoint_url, "sts", profile))
                _told(partial(found.child_settings, profile))
    for words in SOME:
        said(home, *words)


@pytest.mark.parametrize(
    "text",
    [
        b"[profile dev]\n" + b"x" * 2_000_000,
        b"[" * 1_000_000,
        b"[profile dev]\nregion = " + b"\\" * 1_000_000,
        b"[profile '" + b"a" * 1_000_000 + b"]\n",
        b"\n" * 400_000,
        b"[profile dev]\ninclude_profile = dev\n" * 5_000,
        b"".join(b"[profile p%d]\nrole_arn = x\nsource_profile = p%d\n" % (i, i + 1) for i in range(1500)),
        b"".join(b"[profile p%d]\ninclude_profile = p%d\n" % (i, i + 1) for i in range(1500)),
    ],
    ids=["a line", "brackets", "backslashes", "a name", "nothing", "repeated", "a chain", "includes"],
)
def test_a_giant_is_read_in_bounds(home: Path, text: bytes) -> None:
    (home / "config").write_bytes(text)
    (home / "credentials").write_bytes(b"")
    with at_most(150_000):
        found = _told(lambda: Config.load(environment(home)))
        assert found is None or isinstance(found, Config)
        if found is not None:
            for name in ("dev", "p0", "missing"):
                _told(partial(found.chain, name))


# ---- the state's files -------------------------------------------------------------------------------

NUMBERS = st.sampled_from(
    ["0", "-1", "9" * 400, "-" + "9" * 400, "1e999", "nan", "\u0661", "9" * 400, "1764000000", ""]
)
RECORDS = st.builds(
    "\t".join,
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    "session",
                    "enrolment",
                    "confirmed",
                    "rotation",
                    "dev",
                    "AKIAEXAMPLE123456789",
                    "mfa",
                    "kernel",
                    "system",
                    "file",
                    "%",
                    "%0A",
                    "%09",
                    "x%1B",
                ]
            ),
            NUMBERS,
            st.text(max_size=6),
        ),
        max_size=9,
    ),
)
SESSION = st.builds(
    "session\tabcdef\tAKIAEXAMPLE123456789\tmfa\t{}\t{}\tdev\tkernel".format, NUMBERS, NUMBERS
)
ENROLMENT = st.builds(
    "enrolment\tdev\tAKIAEXAMPLE123456789\tarn:aws:iam::123456789012:user/{}\tfile\t{}\t{}\t{}".format,
    st.sampled_from(["alice", "\x1b[2J", ""]),
    st.sampled_from(["", "/nonexistent", "\x00"]),
    NUMBERS,
    st.sampled_from(["arn:aws:iam::123456789012:mfa/alice", "", "x\x1b[2J"]),
)
ROTATION = st.builds(
    "rotation\tAKIAEXAMPLE123456789\t{}\t{}\t{}".format, NUMBERS, NUMBERS, st.text(max_size=5)
)
INDEXES = st.one_of(
    st.builds(
        lambda lines: "\n".join(["vaultpy index 1", *lines, "end", ""]).encode("utf-8", "surrogatepass"),
        st.lists(RECORDS | SESSION | ENROLMENT | ROTATION, max_size=5),
    ),
    st.builds(
        lambda lines: "\n".join(["vaultpy index 1", *lines, "end", ""]).encode("utf-8", "surrogatepass"),
        st.lists(SESSION | ENROLMENT | ROTATION, max_size=5),
    ),
    st.binary(max_size=50),
)


@examples(6)
@given(INDEXES)
@example(
    b"vaultpy index 1\nsession\tabc\tAKIAEXAMPLE123456789\tmfa\t3600\t" + b"9" * 400 + b"\tdev\tkernel\nend\n"
)
def test_the_index_may_hold_anything(home: Path, data: bytes) -> None:
    (home / "config").write_bytes(
        b"[profile dev]\n[profile role]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = dev\n"
    )
    (home / "credentials").write_bytes(b"")
    path = home / "state" / "vaultpy" / "index"
    path.write_bytes(data)
    for words in SOME:
        said(home, *words)
    index = Index(str(path))
    for question in (index.enrolments, index.sessions, index.rotations, lambda: index.withdraw("dev")):
        _told(question)


KINDS = ("a directory", "unreadable", "a broken link", "a link to itself")
STATE = ("index", "index.lock", "ledger", "ledger/clock-offset")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(name, kind, marks=() if (place + number) % 2 else pytest.mark.long)
        for place, name in enumerate(STATE)
        for number, kind in enumerate(KINDS)
    ],
)
def test_a_file_of_the_state_s_may_be_something_else(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / "state" / "vaultpy" / name
    path.parent.mkdir(parents=True, mode=0o700)
    if kind == "a directory":
        path.mkdir()
    elif kind == "unreadable":
        path.write_bytes(b"x")
        path.chmod(0)
    else:
        path.symlink_to("nowhere" if kind == "a broken link" else path.name)
    for words in VERBS:
        said(tmp_path, *words)
    ledger = Ledger(str(tmp_path / "state" / "vaultpy"), time.time)
    _told(lambda: ledger.spend("serial", 1))
    _told(lambda: ledger.next_step("serial"))
    _told(ledger.time)


@examples(6)
@given(
    st.one_of(
        st.binary(max_size=40),
        NUMBERS.map(str.encode),
        st.builds(b"%b %b\n".__mod__, st.tuples(NUMBERS.map(str.encode), NUMBERS.map(str.encode))),
    )
)
def test_the_ledger_may_hold_anything(home: Path, data: bytes) -> None:
    state = home / "state" / "vaultpy"
    (state / "index").unlink(missing_ok=True)
    ledger = Ledger(str(state), time.time)
    ledger.spend("serial", 1)
    for file in (state / "ledger").iterdir():
        file.write_bytes(data)
    now = int(time.time()) // 30
    assert now - 10**9 < ledger.next_step("serial") <= now + 10**9
    ledger.spend("serial", now)
    assert ledger.spent("serial") in {now, None} or data.strip().isdigit()
    for words in SOME:
        said(home, *words)
    (state / "ledger" / "clock-offset").unlink(missing_ok=True)


@examples(60)
@given(
    st.binary(max_size=60)
    | st.builds("{}\n{}\n{}\n".format, NUMBERS, st.text(max_size=9), st.text(max_size=9)).map(
        lambda it: it.encode("utf-8", "surrogatepass")
    )
)
def test_what_was_waited_for_in_vain_may_be_anything(home: Path, data: bytes) -> None:
    timeouts = RecentTimeouts(str(home / "state" / "vaultpy"), time.time)
    timeouts.remember("question", errors.CardRemoved())
    for file in (home / "state" / "vaultpy" / "timeouts").iterdir():
        file.write_bytes(data)
    _told(lambda: timeouts.check("question"))


@examples(100)
@given(
    st.lists(
        st.one_of(NUMBERS, st.sampled_from(["vaultpy session 1", "guard"]), st.text(max_size=8)), max_size=8
    ),
    NUMBERS,
    NUMBERS,
)
def test_the_text_of_a_session_may_be_anything(lines: list[str], end: str, made_for: str) -> None:
    whole = ["vaultpy session 1", "guard", "ASIAEXAMPLE123456789", "secret", "token", end, made_for]
    for text in ("\n".join(lines), "\n".join(["vaultpy session 1", "guard", *lines]), "\n".join(whole)):
        found = parse_session(text, "guard")
        if found is not None:
            credentials, seconds = found
            assert isinstance(credentials, Credentials)
            assert serves(credentials.expiration, seconds, time.time()) in {True, False}


@examples(150)
@given(
    st.binary(max_size=80)
    | st.lists(RECORDS, max_size=4).map(lambda it: "\n".join(it).encode("utf-8", "surrogatepass"))
)
def test_records_are_read_or_refused(data: bytes) -> None:
    with suppress(ValueError):
        parse_records(data.decode("utf-8", "surrogatepass"))


# ---- the keystore's file -----------------------------------------------------------------------------

CHEAP = Argon2(memory=64, passes=1, lanes=1)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("keystore") / "keystore"
    FileKeystore(str(path), {}, Answers(), CHEAP).set("AKIA", Secret("secret"))
    return path.read_bytes()


@examples(60)
@given(data=st.data())
def test_the_keystore_s_file_may_be_damaged_anywhere(home: Path, sealed: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(sealed) - 1))
    damaged = data.draw(
        st.sampled_from(
            [
                sealed[:at],
                sealed[:at] + os.urandom(1) + sealed[at + 1 :],
                sealed + b"x",
                sealed[at:],
                sealed * 2,
            ]
        )
    )
    path = home / "keystore"
    path.write_bytes(damaged)
    keystore = FileKeystore(str(path), {}, Answers(), CHEAP)
    found = _told(lambda: keystore.get("AKIA"))
    assert found is None or damaged == sealed


@examples(60)
@given(st.binary(min_size=68, max_size=100))
def test_a_planted_header_costs_no_more_than_is_bearable(data: bytes) -> None:
    from hashlib import blake2b

    head = b"VAULTPYK\x01" + data[9:48]
    head += blake2b(head, digest_size=8).digest() + data[56:68]
    header = _told(lambda: Header.unpack(head + bytes(40), "x"))
    assert header is None or (isinstance(header, Header) and header.cost.bearable())
