"""Writing a session where there may be no room: others make it, those first that are missed least."""

from __future__ import annotations

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.index import Index
    from vaultpy.records import SessionEntry
    from vaultpy.session_places import Place


def write(index: Index, place: Place, entry: SessionEntry, text: str, ttl: int) -> None:
    """Write for `ttl` seconds, and while there is no room remove what is missed least.

    That is first what no index lists, which nobody finds again, then the session that ends first and before
    this one. Raises the place's OSError and what the index raises.
    """
    candidates: list[str] | None = None
    while True:
        try:
            place.write(entry.digest, text, ttl)
        except OSError as error:  # noqa: PERF203  # each round makes room for the next
            if error.errno != errno.EDQUOT:
                raise
            if candidates is None:
                candidates = _missed_least_last(index, place, entry)
            if not _evict(index, place, candidates):
                raise
        else:
            return


def _missed_least_last(index: Index, place: Place, entry: SessionEntry) -> list[str]:
    listed = index.sessions()
    sooner = [it for it in listed if it.digest != entry.digest and it.expiration <= entry.expiration]
    sooner.sort(key=lambda it: it.expiration, reverse=True)
    known = {it.digest for it in listed}
    return [it.digest for it in sooner] + [name for name in place.names() if name not in known]


def _evict(index: Index, place: Place, candidates: list[str]) -> bool:
    """Remove the last of `candidates` that lives there; tell whether there was one."""
    while candidates:
        name = candidates.pop()
        if place.read(name) is not None:
            place.delete(name)
            _unlist(index, name, place)
            return True
    return False


def _unlist(index: Index, name: str, place: Place) -> None:
    """Take the session out of the index, unless another place may hold it too."""
    for entry in index.sessions():
        others = tuple(it for it in entry.places if it != place.name)
        if entry.digest == name and others:
            index.record(entry.living_in(others))
            return
    index.forget([name])
