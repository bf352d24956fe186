"""What stands for a text where the text itself would be too long, or may hold a secret."""

from __future__ import annotations

_SIZE = 16


def digest(text: str, size: int = _SIZE) -> str:
    """Return a BLAKE2b digest of `text`, `size` bytes as twice as many hexadecimal digits."""
    from _blake2 import blake2b  # `hashlib` would load OpenSSL

    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()
