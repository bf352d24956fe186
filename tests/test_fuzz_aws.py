"""A server that answers anything at all in AWS's place: an error for the user, in bounded time and memory.

What was asked once is never asked again, whatever was answered.
"""

from __future__ import annotations

import gzip
import itertools
import string
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.fuzzing import at_most, examples
from support.raw_server import RawServer, saying
from vaultpy import errors
from vaultpy.aws_api import AwsClient
from vaultpy.aws_body import LARGEST_ANSWER
from vaultpy.credentials import AccessKey, Credentials
from vaultpy.iam import Iam
from vaultpy.mfa import TokenCode
from vaultpy.signin import Signin
from vaultpy.sts import Sts
from vaultpy.sts_requests import GetSessionToken
from vaultpy.text import printable
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

pytestmark = pytest.mark.timeout(900)  # for the long form
KEY = AccessKey("AKIAEXAMPLE123456789", Secret("the-long-term-secret"))
SESSION = Credentials(
    "ASIAEXAMPLE123456789", Secret("session-secret"), Secret("session-token"), 2_000_000_000
)
DATE = b"Date: Sat, 21 Nov 2026 17:00:00 GMT"
FACTS: dict[str, object] = {"profile": "dev", "user": "alice"}
KILOBYTES = 24 * 1024
LIMIT = 0.2


def reply(body: bytes, *headers: bytes, status: int = 200, length: int | None = None) -> list[bytes]:
    """Return an answer in pieces; `length` is what it says of its length."""
    said = len(body) if length is None else length
    head = [
        f"HTTP/1.1 {status} X".encode(),
        DATE,
        b"Connection: close",
        b"Content-Length: %d" % said,
        *headers,
    ]
    return [b"\r\n".join([*head, b"", b""]), body]


class Asked:
    """A server that says what the example wants, and clients of it, built once."""

    def __init__(self, server: RawServer) -> None:
        self.server = server
        self.sts = Sts("eu-central-1", server.url, {})
        self.sts._built = AwsClient("sts", "eu-central-1", server.url, {})
        self.sts._thread = threading.Thread(target=str)
        self.sts._thread.start()
        self.iam = Iam("us-east-1", server.url, {})
        self.signin = Signin(server.url, {}, {})

    def calls(self) -> Iterator[Callable[[], object]]:
        """Return calls of each shape: a text, credentials, lists, a seed, times, a key, nothing, JSON."""
        sts, iam = self.sts, self.iam
        code = TokenCode("arn:aws:iam::123456789012:mfa/alice", "860427", 1)
        yield lambda: sts.caller_arn(KEY)
        yield lambda: sts.credentials(GetSessionToken((), 3600), KEY, code, FACTS)
        yield lambda: sts._client().date()
        yield lambda: iam.mfa_devices(KEY, "alice")
        yield lambda: iam.create_mfa_device(KEY, "alice")
        yield lambda: iam.access_keys(SESSION, "alice")
        yield lambda: iam.last_use(KEY, KEY.id)
        yield lambda: iam.create_access_key(KEY, "alice")
        yield lambda: iam.delete_access_key(SESSION, "alice", KEY.id)
        yield lambda: self.signin.token(SESSION, 3600, "dev")

    def answered(self, pieces: Iterable[bytes]) -> list[str]:
        """Answer every call with `pieces`; return the errors' names. One request a call, pages aside."""
        found = []
        said = list(pieces)
        self.server.said = lambda: said
        for call in self.calls():
            self.server.requests.clear()
            found.append(_told(call))
            assert len(self.server.requests) in {0, 1} or found[-1] == "AnswerMalformed"
        return found


def _judge(error: errors.VaultpyError) -> None:
    said = error.message + error.hint
    assert printable(said) == said
    assert len(error.message) < 1000
    for secret in ("the-long-term-secret", "session-secret", "session-token", "860427"):
        assert secret not in said


def _told(call: Callable[[], object]) -> str:
    try:
        call()
    except errors.VaultpyError as error:
        _judge(error)
        return type(error).__name__
    return "OK"


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    with saying(list) as server:
        yield Asked(server)


# ---- bodies that are nearly AWS's --------------------------------------------------------------------

_NAMES = """
Arn Credentials AccessKeyId SecretAccessKey SessionToken Expiration MFADevices member SerialNumber
EnableDate IsTruncated Marker AccessKeyMetadata Status CreateDate AccessKeyLastUsed LastUsedDate
Region ServiceName AccessKey VirtualMFADevice Base32StringSeed Error Code Message ErrorResponse
GetCallerIdentityResult GetSessionTokenResult ListMFADevicesResult ListAccessKeysResult
CreateAccessKeyResult CreateVirtualMFADeviceResult GetAccessKeyLastUsedResult ResponseMetadata
"""
NAMES = st.sampled_from(_NAMES.split())
TEXTS = st.one_of(
    st.sampled_from(
        [
            "true",
            "2026-11-21T17:00:00Z",
            "1e999",
            "-1",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59-23:59",
            "99999999999999999999",
            "QUJD",
            "AKIAEXAMPLE123456789",
            "\x1b[2J",
            "\u202e",
            "x" * 5000,
            "NaN",
            "SignatureDoesNotMatch",
            "Signature expired: x",
            "AccessDenied",
            "{profile}",
            "%s",
        ]
    ),
    st.text(max_size=12),
)


def _element(name: str, children: list[str]) -> str:
    return f"<{name}>{''.join(children)}</{name}>"


def _escaped(text: str) -> str:
    bare = "".join(c for c in text if c >= " " and not "\ud800" <= c <= "\udfff")
    return bare.replace("&", "&amp;").replace("<", "&lt;")


TREES = st.recursive(
    TEXTS.map(_escaped),
    lambda inner: st.builds(_element, NAMES, st.lists(inner, max_size=4)),
    max_leaves=14,
)
_CALLS = """
GetCallerIdentity GetSessionToken ListMFADevices CreateVirtualMFADevice ListAccessKeys GetAccessKeyLastUsed
CreateAccessKey DeleteAccessKey
"""
CALLS = _CALLS.split()
RESULTS = st.builds(
    lambda call, tree: _element(f"{call}Response", [_element(f"{call}Result", [tree])]),
    st.sampled_from(CALLS),
    TREES,
)
REFUSALS = st.builds(
    lambda code, text: (
        f"<ErrorResponse><Error><Code>{_escaped(code)}</Code><Message>{_escaped(text)}</Message>"
        f"</Error></ErrorResponse>"
    ),
    TEXTS,
    TEXTS,
)
JSON = st.recursive(
    st.sampled_from(["null", "1", '"x"', "true", '"\\u001b[2J"', "NaN"]),
    lambda inner: st.builds('{{"SigninToken": {}}}'.format, inner) | st.builds("[{}]".format, inner),
    max_leaves=5,
)
BODIES = st.one_of(
    (RESULTS | TREES | REFUSALS | JSON).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=80),
)
STATUSES = st.sampled_from([200, 200, 200, 204, 301, 303, 307, 400, 403, 404, 413, 429, 500, 503, 599, 999])
HEADERS = st.lists(
    st.sampled_from(
        [
            b"Location: http://127.0.0.1:9/",
            b"Content-Encoding: gzip",
            b"Content-Encoding: br, deflate",
            b"Transfer-Encoding: chunked",
            b"Content-Type: text/html; charset=utf-16",
            b"Retry-After: 99999",
            b"Date: never",
            b"Date: Sat, 99 Nov 99999 99:99:99 +9999",
            b"Date: \xff\xfe",
            b"x-amzn-RequestId: \x1b[2J",
            b"Content-Length: -1",
            b"Content-Length: 99999999999",
            b": empty",
            b"no colon",
            b"Set-Cookie: a=b",
            b"Upgrade: h2c",
            b"Date: Sat, 21 Nov 0001 17:00:00 GMT",
        ]
    ),
    max_size=3,
)
DATES = st.builds(
    lambda text: b"Date: " + text.encode("utf-8")[:200], st.text(string.printable + "é", max_size=40)
)


# urllib3 leaves a connection for the collector whose answer it could not read.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@examples(25)
@given(body=BODIES, status=STATUSES, headers=HEADERS, cut=st.none() | st.integers(0, 300))
def test_whatever_is_answered_the_user_is_told_in_words(
    asked: Asked, body: bytes, status: int, headers: list[bytes], cut: int | None
) -> None:
    asked.answered(reply(body, *headers, status=status, length=None if cut is None else cut))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@examples(10)
@given(data=st.binary(max_size=100), like_http=st.booleans())
def test_what_is_not_even_http_is_told_in_words(asked: Asked, data: bytes, *, like_http: bool) -> None:
    told = asked.answered([b"HTTP/1.1 " + data if like_http else data])
    assert "OK" not in told


@examples(15)
@given(DATES)
def test_a_date_that_is_none_is_told_in_words(asked: Asked, date: bytes) -> None:
    line = b" ".join(date.split())
    asked.server.said = lambda: [b"HTTP/1.1 403 X\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n"]
    assert _told(lambda: asked.sts._client().date()) in {"OK", "AnswerMalformed", "Unreachable"}


# ---- bombs -------------------------------------------------------------------------------------------


def _laughs() -> bytes:
    names = string.ascii_lowercase[:12]
    entities = [b'<!ENTITY a "ha">']
    entities += [f'<!ENTITY {b} "{f"&{a};" * 10}">'.encode() for a, b in itertools.pairwise(names)]
    return _identity(b"&l;", b"<!DOCTYPE x [" + b"".join(entities) + b"]>")


def _identity(arn: bytes, before: bytes = b"") -> bytes:
    result = b"<GetCallerIdentityResult><Arn>" + arn + b"</Arn></GetCallerIdentityResult>"
    return before + b"<GetCallerIdentityResponse>" + result + b"</GetCallerIdentityResponse>"


def _blowup() -> bytes:
    return _identity(b"&a;" * 20_000, b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 50_000 + b'">]>')


def _external() -> bytes:
    return _identity(b"&a;", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>')


@lru_cache
def _zipped() -> bytes:
    return gzip.compress(bytes(50 * LARGEST_ANSWER))


NEVER: dict[str, Callable[[], list[bytes]]] = {
    "a billion laughs": lambda: reply(_laughs()),
    "a quadratic blow-up": lambda: reply(_blowup()),
    "a file of this computer": lambda: reply(_external()),
    "a gzip bomb": lambda: reply(_zipped(), b"Content-Encoding: gzip"),
    "more than was said": lambda: reply(b"x" * 4096, length=10),
    "less than was said": lambda: reply(b"x" * 10, length=4096),
    "a giant": lambda: [*reply(b"", length=10**12), *([b"x" * 65536] * 200)],
    "a chunk of 64 GB": lambda: [
        b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
        b"x" * 3_000_000,
    ],
    "a chunk's length without an end": lambda: [
        b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"f" * 3_000_000,
    ],
    "a header without an end": lambda: [b"HTTP/1.1 200 X\r\nX: ", b"x" * 3_000_000],
    "headers without an end": lambda: [b"HTTP/1.1 200 X\r\n", b"X: y\r\n" * 30_000],
    "a status without an end": lambda: [b"HTTP/1.1 200 ", b"x" * 3_000_000],
    "elements in elements": lambda: reply(b"<a>" * 10_000),
    "JSON in JSON": lambda: reply(b"[" * 30_000),
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("bomb", NEVER.values(), ids=NEVER)
def test_a_bomb_costs_little_memory(asked: Asked, bomb: Callable[[], list[bytes]]) -> None:
    pieces = bomb()
    with at_most(KILOBYTES):
        told = asked.answered(pieces)
    assert "OK" not in told[:2]


def test_a_list_of_many_pages_and_entries_is_given_up(asked: Asked) -> None:
    entries = b"<MFADevices>" + b"<member></member>" * 15_000 + b"</MFADevices>"
    result = b"<ListMFADevicesResult><IsTruncated>true</IsTruncated><Marker>x</Marker>" + entries
    body = b"<ListMFADevicesResponse>" + result + b"</ListMFADevicesResult></ListMFADevicesResponse>"
    said = reply(body)
    asked.server.said = lambda: said
    asked.server.requests.clear()
    with pytest.raises(errors.AnswerMalformed, match="without an end"):
        asked.iam.mfa_devices(KEY, "alice")
    assert len(asked.server.requests) == 2


# ---- time --------------------------------------------------------------------------------------------

DRIPS = {
    "a body": (b"".join(reply(b"", length=1000)), b"x"),
    "headers": (b"HTTP/1.1 200 X\r\nX: ", b"x"),
    "a status": (b"H", b"T"),
    "one interim answer after the other": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "chunks": (b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
}


@pytest.mark.parametrize(("first", "drop"), DRIPS.values(), ids=DRIPS)
def test_an_answer_that_drips_is_given_up_in_its_time(first: bytes, drop: bytes) -> None:
    over = threading.Event()

    def drip() -> Iterator[bytes]:
        yield first
        while not over.wait(LIMIT / 10):
            yield drop

    with saying(drip) as server:
        client = AwsClient("sts", "eu-central-1", server.url, {}, LIMIT)
        signin = Signin(server.url, {}, {}, LIMIT)
        found: list[Any] = []
        for ask in (
            lambda: client.call("get_caller_identity", KEY, {}, FACTS),
            client.date,
            lambda: signin.token(SESSION, 3600, "dev"),
        ):
            with pytest.raises(
                (errors.NoAnswer, errors.Unreachable), match=f"no whole answer within {LIMIT} s"
            ):
                found.append(ask())
        over.set()
    assert found == []
