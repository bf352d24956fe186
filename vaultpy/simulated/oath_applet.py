"""The OATH application of a YubiKey, byte for byte.

Formats and status words are those of Yubico's YKOATH protocol specification and of recordings of a
YubiKey 5.4.3. What neither tells is chosen, not known: 6982 for a PUT on a FIPS key without access code
(unproven Y6), 6984 for a RENAME onto a name that is taken (unproven Y5), 6A80 for what firmware or format
does not allow (unproven Y7).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vaultpy.simulated.apdu import CardError, Command, StatusWord, take_tlv, tlv
from vaultpy.simulated.oath_account import (
    ALGORITHM,
    CHALLENGE,
    HASHES,
    HOTP,
    HOTP_HERE,
    KEY,
    NAME,
    NAME_LIST,
    PROPERTY,
    RESPONSE,
    TOUCH_HERE,
    VERSION,
    Account,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NAME_MAX = 64
_RENAME_SINCE = (5, 3, 1)
_SIXTY_FOUR_SINCE = (5, 7, 0)


@dataclass(frozen=True)
class _AccessCode:
    algorithm: int
    key: bytes = field(repr=False)

    def proof(self, challenge: bytes) -> bytes:
        return hmac.digest(self.key, challenge, HASHES[self.algorithm])


class OathApplet:
    """Accounts, an access code, and codes; `touched` waits for the finger and tells whether it came."""

    aid = bytes.fromhex("a0000005272101")
    more = 0xA5

    def __init__(
        self,
        version: tuple[int, int, int],
        random: Callable[[int], bytes],
        touched: Callable[[], bool],
        *,
        fips: bool,
        untouched_status: int,
    ) -> None:
        self.version = version
        self.accounts: dict[bytes, Account] = {}
        self._random = random
        self._touched = touched
        self._fips = fips
        self._untouched_status = untouched_status
        self._access_code: _AccessCode | None = None
        self._challenge = b""
        self._unlocked = False
        self._salt = random(8)
        open_to_all = {0x04: ("RESET", self._reset), 0xA3: ("VALIDATE", self._validate)}
        self._guarded = {
            0x01: ("PUT", self._put),
            0x02: ("DELETE", self._delete),
            0x03: ("SET CODE", self._set_code),
            0xA1: ("LIST", self._list),
            0xA2: ("CALCULATE", self._calculate),
            0xA4: ("CALCULATE ALL", self._calculate_all),
        }
        if version >= _RENAME_SINCE:
            self._guarded[0x05] = ("RENAME", self._rename)
        self.instructions = open_to_all | self._guarded

    @property
    def protected(self) -> bool:
        """Whether an access code is set."""
        return self._access_code is not None

    def select(self) -> bytes:
        """Return version and salt, and the challenge to answer where an access code is set."""
        answer = tlv(VERSION, bytes(self.version)) + tlv(NAME, self._salt)
        self._unlocked = self._access_code is None
        if self._access_code is not None:
            self._challenge = self._random(8)
            answer += tlv(CHALLENGE, self._challenge)
            answer += tlv(ALGORITHM, bytes((self._access_code.algorithm,)))
        return answer

    def execute(self, command: Command) -> bytes:
        """Answer one of `instructions`; raises CardError."""
        if command.ins in self._guarded and not self._unlocked:
            raise CardError(StatusWord.SECURITY_NOT_SATISFIED)
        return self.instructions[command.ins][1](command)

    def _reset(self, command: Command) -> bytes:
        if (command.p1, command.p2) != (0xDE, 0xAD):
            raise CardError(StatusWord.WRONG_P1P2)
        self.accounts.clear()
        self._access_code, self._unlocked = None, True
        self._salt = self._random(8)
        return b""

    def put(self, name: bytes, account: Account) -> None:
        """Store `account` under `name`, in the place of one of that name (unproven Y4); raises CardError."""
        if self._fips and self._access_code is None:
            raise CardError(StatusWord.SECURITY_NOT_SATISFIED)
        room = 64 if self.version >= _SIXTY_FOUR_SINCE else 32
        if _valid(name) not in self.accounts and len(self.accounts) >= room:
            raise CardError(StatusWord.NO_SPACE)
        self.accounts[name] = account

    def _put(self, command: Command) -> bytes:
        fields = dict(_fields(command.data))
        self.put(fields.get(NAME, b""), Account.parse(fields, self.version))
        return b""

    def _delete(self, command: Command) -> bytes:
        name = dict(_fields(command.data)).get(NAME, b"")
        self._find(name)
        del self.accounts[name]
        return b""

    def _rename(self, command: Command) -> bytes:
        names = [value for tag, value in _fields(command.data) if tag == NAME]
        if len(names) != 2:  # noqa: PLR2004  # the old one and the new one
            raise CardError(StatusWord.WRONG_DATA)
        old, new = names
        self._find(old)
        if _valid(new) in self.accounts:
            raise CardError(StatusWord.DATA_INVALID)
        self.accounts = {new if name == old else name: held for name, held in self.accounts.items()}
        return b""

    def _set_code(self, command: Command) -> bytes:
        """Set or remove the access code; who has set it needs not give it now (unproven Y3)."""
        fields = dict(_fields(command.data))
        key = fields.get(KEY, b"")
        if not key:
            self._access_code = None
            return b""
        code = _AccessCode(key[0] & 0x0F, key[1:])
        if code.algorithm not in HASHES or not code.key:
            raise CardError(StatusWord.WRONG_DATA)
        if not hmac.compare_digest(code.proof(fields.get(CHALLENGE, b"")), fields.get(RESPONSE, b"")):
            raise CardError(StatusWord.DATA_INVALID)
        self._access_code = code
        return b""

    def _validate(self, command: Command) -> bytes:
        if self._access_code is None:
            raise CardError(StatusWord.DATA_INVALID)
        fields = dict(_fields(command.data))
        if not hmac.compare_digest(self._access_code.proof(self._challenge), fields.get(RESPONSE, b"")):
            raise CardError(StatusWord.WRONG_DATA)
        self._unlocked = True
        return tlv(RESPONSE, self._access_code.proof(fields.get(CHALLENGE, b"")))

    def _list(self, _command: Command) -> bytes:
        return b"".join(
            tlv(NAME_LIST, bytes((account.kind | account.algorithm,)) + name)
            for name, account in self.accounts.items()
        )

    def _calculate(self, command: Command) -> bytes:
        fields = dict(_fields(command.data))
        account = self._find(fields.get(NAME, b""))
        if account.touch and not self._touched():
            raise CardError(self._untouched_status)
        challenge = fields.get(CHALLENGE, b"")
        if account.kind == HOTP:
            challenge = account.counter.to_bytes(8, "big")
            account.counter += 1
        return account.answer(challenge, truncate=command.p2 == 1)

    def _calculate_all(self, command: Command) -> bytes:
        challenge = dict(_fields(command.data)).get(CHALLENGE, b"")
        answer = b""
        for name, account in self.accounts.items():
            answer += tlv(NAME, name)
            if account.kind == HOTP:
                answer += tlv(HOTP_HERE, bytes((account.digits,)))
            elif account.touch:
                answer += tlv(TOUCH_HERE, bytes((account.digits,)))
            else:
                answer += account.answer(challenge, truncate=command.p2 == 1)
        return answer

    def _find(self, name: bytes) -> Account:
        if name not in self.accounts:
            raise CardError(StatusWord.DATA_INVALID)
        return self.accounts[name]


def _valid(name: bytes) -> bytes:
    if not 0 < len(name) <= _NAME_MAX:
        raise CardError(StatusWord.WRONG_DATA)
    return name


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tags and values; the property alone has no length: it is the two bytes `78 xx`."""
    while data:
        if data[0] == PROPERTY:
            yield PROPERTY, data[1:2] or b"\0"
            data = data[2:]
        else:
            tag, value, data = take_tlv(data)
            yield tag, value
