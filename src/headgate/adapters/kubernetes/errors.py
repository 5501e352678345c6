"""What an API server refuses, by what to do about it. Each text says what happened, where, and the remedy."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from headgate.adapters.quoted import short
from headgate.model.errors import Away, TryLater
from headgate.ports import AdapterError

LONG = 500  # characters of what a server says: a quota names its figures
WORDS = re.compile(
    r'cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'( in the namespace "(?P<namespace>[^"]+)"| at the cluster scope)?'
)
WEBHOOK = re.compile("admission webhook|ValidatingAdmissionPolicy")
MANAGER = re.compile(r'conflict with "(?P<manager>[^"]+)"')


class ClusterAway(Away):
    """Nothing answers, or nothing that is an API server: what runs there is not known."""


class Refused(AdapterError):
    """The API server answered, and said no."""

    def __init__(self, text: str, status: int = 0, said: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.said = said  # its own words


class NotFound(Refused): ...


class NoSuchKind(NotFound):
    """A CustomResourceDefinition is missing, or another version of it is there."""


class Forbidden(Refused):
    """RBAC. The text names the rule to add to a Role."""


class Expired(Refused):
    """410: the version that a watch or a page wants to go on from is forgotten. List again."""


class Conflicted(Refused):
    """Somebody changed it first, or it exists already."""


class OwnedByOthers(Conflicted):
    """Server-side apply: fields of ours belong to another manager. Never forced."""

    def __init__(self, text: str, owners: tuple[tuple[str, str], ...]) -> None:
        super().__init__(text, 409)
        self.owners = owners  # manager and field


class Denied(Refused):
    """An admission webhook or policy said no."""


class OverQuota(Refused): ...


class Terminating(Refused):
    """The namespace is being deleted: nothing new is made in it."""


class Invalid(Refused):
    """Not a valid object, or a field that cannot be changed."""


PLAIN: dict[int, type[Refused]] = {410: Expired, 422: Invalid}


class Busy(TryLater):
    """429, or an API server that is short of time."""


def refusal(what: str, where: str, status: int, body: Any, after: float | None = None) -> AdapterError:
    """`what` was asked, as "apply Deployment pcw-production/web"; `where`, the cluster; `body`, what came back."""
    said = body if isinstance(body, Mapping) else {}
    message, begin = short(said.get("message") or f"HTTP {status}", LONG), f"{where} refused to {what}"
    if WEBHOOK.search(message) and status != 500:
        return Denied(f"{begin}: {message}. Ask who runs that policy, or change what it objects to", status, message)
    if status == 401:
        return Refused(f"{begin}: it does not know us ({message}); renew the login of its kubeconfig", status, message)
    if status == 403:
        return _forbidden(begin, message, said)
    if status == 404:
        return _not_found(what, where, message, said)
    if status == 409:
        return _conflict(begin, message, said)
    if status in PLAIN:
        return PLAIN[status](f"{begin}: {message}", status, message)
    return _short_of_time(what, where, status, message, after) or Refused(f"{begin}: {message}", status, message)


def _short_of_time(what: str, where: str, status: int, message: str, after: float | None) -> AdapterError | None:
    if status == 429 or (status == 503 and after):
        wait = timedelta(seconds=1 if after is None else after)
        return Busy(f"{where} asks for time before it will {what}: {message}", wait)
    if status >= 500:
        return ClusterAway(f"{where} is in trouble (HTTP {status}: {message}): it could not {what}; it is asked again")
    return None


def _forbidden(begin: str, message: str, said: Mapping[str, Any]) -> AdapterError:
    if "exceeded quota" in message:
        remedy = "raise the ResourceQuota, ask for less in `container`, or retire what nobody uses"
        return OverQuota(f"{begin}: {message}; {remedy}", 403, message)
    if "being terminated" in message or "NamespaceTerminating" in _causes(said):
        remedy = "wait until it is gone, or name another namespace in the file"
        return Terminating(f"{begin}: {message}; {remedy}", 403, message)
    if "violates PodSecurity" in message:
        remedy = "the namespace's Pod Security level is stricter than `platform.kubernetes.security` in the file"
        return Denied(f"{begin}: {message}; {remedy}", 403, message)
    found = WORDS.search(message)
    if found is None:
        return Forbidden(f"{begin}: {message}", 403, message)
    rule = f'{{apiGroups: ["{found["group"]}"], resources: [{found["resource"]}], verbs: [{found["verb"]}]}}'
    role = f"a Role in namespace {found['namespace']}" if found["namespace"] else "a ClusterRole"
    return Forbidden(f"{begin}: {message}; add to {role} that is bound to it: {rule}", 403, message)


def _not_found(what: str, where: str, message: str, said: Mapping[str, Any]) -> AdapterError:
    details = said.get("details") or {}
    if not details.get("name") and "could not find the requested resource" in message:
        remedy = "install its CustomResourceDefinition, in this version"
        return NoSuchKind(f"{where} cannot {what}: it serves no such kind; {remedy}", 404, message)
    if details.get("kind") == "namespaces":
        remedy = "make it, or let Headgate: `platform: {kubernetes: {create_namespace: true}}`"
        return NotFound(f"{where} cannot {what}: {message}; {remedy}", 404, message)
    return NotFound(f"{where} cannot {what}: {message}", 404, message)


def _conflict(begin: str, message: str, said: Mapping[str, Any]) -> AdapterError:
    causes = (said.get("details") or {}).get("causes") or []
    owners = tuple(
        (found["manager"], str(one.get("field", "")))
        for one in causes
        if one.get("reason") == "FieldManagerConflict" and (found := MANAGER.search(str(one.get("message", ""))))
    )
    if not owners:
        return Conflicted(f"{begin}: {message}", 409, message)
    held = ", ".join(f"{field} is {manager}'s" for manager, field in owners)
    remedy = "nothing was changed; let go of the field there, or take it out of what Headgate is to set"
    return OwnedByOthers(f"{begin}: {held}; {remedy}", owners)


def _causes(said: Mapping[str, Any]) -> set[str]:
    return {str(one.get("reason")) for one in (said.get("details") or {}).get("causes") or []}
