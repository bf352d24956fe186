"""What `clear PROFILE` forgets."""

from __future__ import annotations

from vaultpy.errors import VaultpyError
from vaultpy.plan import Options, make_plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.config import Config
    from vaultpy.index import Index
    from vaultpy.sessions import SessionStore


def forget_profile(
    config: Config, index: Index, sessions: SessionStore, name: str, environ: Mapping[str, str]
) -> int:
    """Forget what would serve profile `name`, so that it takes a touch again; return how many were alive.

    Under an enrolled name that is all of its key; else the sessions that answer the profile's own questions,
    whoever asked first, the MFA session that it shares with other roles, and what was made for it when its
    config was another. Raises NoSuchProfile, and SessionsLeft as `SessionStore.forget` does.
    """
    enrolment = index.enrolment(name)
    if enrolment is not None:
        return sessions.forget(access_key_id=enrolment.access_key_id)
    config.profile(name)
    try:
        plan = make_plan(config, index, name, Options(), environ)
    except VaultpyError:  # what has no plan now may have had one
        return sessions.forget_profile(name, [])
    own = [plan.question(made + 1) for made in range(len(plan.requests))]
    return sessions.forget_profile(name, [*own, plan.mfa_session_question()])
