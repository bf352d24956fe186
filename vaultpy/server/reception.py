"""What becomes of a visitor: the rules, the source, an answer; in HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import vaultpy
from vaultpy.server.answers import failing, handing_over, refusing
from vaultpy.server.exchange import Exchange
from vaultpy.server.rules import Rules
from vaultpy.server.source import NoSuchPathError

if TYPE_CHECKING:
    from vaultpy.server.answers import Answer
    from vaultpy.server.limits import Limits
    from vaultpy.server.rules import Request
    from vaultpy.server.source import Source
    from vaultpy.server.visitor import Take
    from vaultpy.values import Secret


class Reception:
    """Answers those who keep to the rules with what `source` has."""

    def __init__(self, source: Source, token: Secret, port: int, limits: Limits) -> None:
        self._source = source
        self._rules = Rules(token, port, limits.fields)
        self._limits = limits

    def exchange(self) -> Take:
        """Return what takes a visitor's request, part by part, and in the end returns the reply."""
        return Exchange(self._answer, self._limits.head).take

    def _answer(self, request: Request) -> Answer:
        refusal = self._rules.refusal(request)
        if refusal is not None:
            return refusal
        try:
            return handing_over(*self._source.credentials(unquote(request.target.decode(), errors="strict")))
        except (NoSuchPathError, UnicodeDecodeError):
            return refusing(404, "NoSuchPath", "there are no credentials at this path")
        except vaultpy.errors.VaultpyError as error:
            return failing(error)
        except Exception:  # noqa: BLE001  # a bug, and what it says may hold a secret
            return refusing(500, "InternalError", "this is a bug in vaultpy; please report it")
