"""The format of the encrypted keystore file.

Version 1; integers are big-endian:

    offset  bytes
         0      8  magic: b"VAULTPYK"
         8      1  version: 1
         9      1  Argon2id lanes
        10      2  Argon2id passes
        12      4  Argon2id memory, KiB
        16     16  salt, made with the file
        32     16  key check: the last 16 of the 48 bytes that Argon2id (RFC 9106) derives from the passphrase
        48      8  BLAKE2b of bytes 0..47: tells a damaged header from a wrong passphrase, no more
        56     12  nonce, new at every write
        68      -  AES-256-GCM of the items as JSON (name to text), its key the first 32 derived bytes,
                   bytes 0..67 as additional data; the last 16 bytes are the tag
"""

from __future__ import annotations

from hashlib import blake2b

from vaultpy.errors import KeystoreFileDamaged, KeystoreFileUnusable
from vaultpy.values import Value

_MAGIC = b"VAULTPYK"
_VERSION = 1
_MAX_LANES = 16
_MAX_MEMORY_KIB = 1 << 20
_MAX_WORK_KIB = 4 << 20  # memory times passes: some seconds at most
_TAG_SIZE = 16


class Argon2(Value):
    """What Argon2id costs: memory in KiB, passes over it, lanes side by side."""

    __slots__ = ("lanes", "memory", "passes")
    memory: int
    passes: int
    lanes: int

    def __init__(self, memory: int = 64 * 1024, passes: int = 3, lanes: int = 4) -> None:
        self._set(memory=memory, passes=passes, lanes=lanes)

    def bearable(self) -> bool:
        """Tell whether they are within Argon2's own limits and what a computer can spend on one file."""
        return (
            1 <= self.lanes <= _MAX_LANES
            and self.passes >= 1
            and 8 * self.lanes <= self.memory <= _MAX_MEMORY_KIB
            and self.memory * self.passes <= _MAX_WORK_KIB
        )


class Header(Value):
    """What stands before the sealed items: everything that opening them needs but the passphrase."""

    __slots__ = ("check", "cost", "nonce", "salt")
    SIZE = 68
    cost: Argon2
    salt: bytes
    check: bytes
    nonce: bytes

    def __init__(self, cost: Argon2, salt: bytes, check: bytes, nonce: bytes) -> None:
        self._set(cost=cost, salt=salt, check=check, nonce=nonce)

    def pack(self) -> bytes:
        """Return its bytes."""
        cost = self.cost
        numbers = (
            bytes((_VERSION, cost.lanes)) + cost.passes.to_bytes(2, "big") + cost.memory.to_bytes(4, "big")
        )
        body = _MAGIC + numbers + self.salt + self.check
        return body + blake2b(body, digest_size=8).digest() + self.nonce

    @classmethod
    def unpack(cls, data: bytes, path: str) -> Header:
        """Return the header of `data`; raises KeystoreFileUnusable or KeystoreFileDamaged."""
        if not data.startswith(_MAGIC):
            raise KeystoreFileUnusable(path=path, reason="it is not a keystore file of vaultpy's")
        if len(data) < cls.SIZE + _TAG_SIZE:
            raise KeystoreFileDamaged(path=path, problem="it is cut short")
        if data[8] != _VERSION:
            raise KeystoreFileUnusable(path=path, reason=f"its format {data[8]} needs another vaultpy")
        if blake2b(data[:48], digest_size=8).digest() != data[48:56]:
            raise KeystoreFileDamaged(path=path, problem="its header does not match its checksum")
        cost = Argon2(int.from_bytes(data[12:16], "big"), int.from_bytes(data[10:12], "big"), data[9])
        if not cost.bearable():
            raise KeystoreFileDamaged(path=path, problem="its Argon2id parameters are out of bounds")
        return cls(cost, data[16:32], data[32:48], data[56:68])
