"""KV version 2 over its HTTP API: a version is its number with the moment it was made.

A secret that was deleted with all its versions and made anew counts from 1 again: the moment tells the two apart.
"""

import re
from datetime import UTC, datetime
from urllib.parse import quote

from headgate.adapters.quoted import short
from headgate.adapters.secrets.references import entry, keyed, near, text
from headgate.adapters.secrets.server import Answer, Server
from headgate.adapters.secrets.vault.login import Login, reason
from headgate.model.secrets import Secret, SecretRules
from headgate.ports import AdapterError, Unusable

NAME = re.compile(r"[A-Za-z0-9_@.+~-][A-Za-z0-9_@.+~ -]*(/[A-Za-z0-9_@.+~ -]+)*")
MOUNT = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
VERSION = re.compile(r"([1-9][0-9]{0,8})@([0-9TZ:.+-]{1,40})")
SUCH_AS = "shop/production/database#url"


class VaultStore:
    keeps_versions = True

    def __init__(self, login: Login | None = None) -> None:
        self._login = login or Login()

    async def get(self, reference: str, store: SecretRules, version: str | None = None) -> Secret:
        path, key = keyed(reference, NAME, SUCH_AS)
        number, made = _numbered(version, reference) if version is not None else ("", "")
        answer = await self._ask("GET", "data", path, store, {"version": number} if number else None)
        entries, metadata = answer.field("data", "data"), answer.field("data", "metadata")
        if answer.status != 200 or not isinstance(entries, dict) or not isinstance(metadata, dict):
            raise await self._refusal(answer, "data", path, store, number)
        current = _version(metadata.get("version"), metadata.get("created_time"))
        if made and current != version:
            raise Unusable(f"version {number} of {path} is another than it was: it was deleted and made anew since")
        return Secret(text(entry(entries, key, path), reference), current)

    async def version(self, reference: str, store: SecretRules) -> str:
        """From the metadata; of a policy that grants no more than the data, the data is read and let go."""
        path, _ = keyed(reference, NAME, SUCH_AS)
        answer = await self._ask("GET", "metadata", path, store)
        if answer.status == 403:
            return (await self.get(reference, store)).version
        number = answer.field("data", "current_version")
        current = answer.field("data", "versions", str(number))
        if answer.status != 200 or not isinstance(current, dict):
            raise await self._refusal(answer, "metadata", path, store, "")
        if current.get("destroyed") or _is_past(current.get("deletion_time")):
            raise Unusable(f"version {number} of {path}, the current one, was deleted; write a new one or undelete it")
        return _version(number, current.get("created_time"))

    async def _ask(
        self, method: str, part: str, path: str, store: SecretRules, query: dict[str, str] | None = None
    ) -> Answer:
        server, mount = Server.of("Vault", store.settings), store.settings.get("mount", "secret")
        if not MOUNT.fullmatch(mount) or ".." in mount.split("/"):
            raise AdapterError(f"{server}: {short(mount)!r} is no mount: write its path, such as secret")
        where = f"/v1/{mount}/{part}/{quote(path)}"
        answer = await server.ask(method, where, await self._login.headers(server, store.settings), query=query)
        if answer.status == 403 and self._login.forget(store.settings):
            answer = await server.ask(method, where, await self._login.headers(server, store.settings), query=query)
        return answer

    async def _refusal(self, answer: Answer, part: str, path: str, store: SecretRules, number: str) -> AdapterError:
        server, mount = Server.of("Vault", store.settings), store.settings.get("mount", "secret")
        if answer.status == 403:
            rule = f'path "{mount}/{part}/{path}" {{ capabilities = ["read"] }}'
            return AdapterError(f"{server} does not let us read {path}: {reason(answer)}; add to the policy: {rule}")
        if answer.status == 503:
            return AdapterError(f"{server} is sealed or starting: {reason(answer)}; unseal it")
        if answer.status != 404:
            return AdapterError(f"{server} answered {reason(answer)} for {path}; check url and mount")
        if isinstance(answer.field("data", "metadata"), dict):
            which = f"version {number}" if number else "the current version"
            return Unusable(f"{which} of {path} was deleted; write a new one or undelete it in Vault")
        if number:
            return Unusable(f"{path} has no version {number} in Vault: it keeps as many as max_versions says")
        return Unusable(f"{server} has no secret {path} in {mount}/{await self._near(path, store)}")

    async def _near(self, path: str, store: SecretRules) -> str:
        """Names beside it, where the policy allows a list of them."""
        folder, _, name = path.rpartition("/")
        try:
            answer = await self._ask("GET", "metadata", folder, store, {"list": "true"})
        except AdapterError:
            return ""
        names = answer.field("data", "keys")
        prefix = f"{folder}/" if folder else ""
        known = [one for one in names if isinstance(one, str)] if isinstance(names, list) else []
        return near(f"{prefix}{name}", [f"{prefix}{one}" for one in known])


def _is_past(moment: object) -> bool:
    """Where `delete_version_after` is set, the deletion of what is there still is written already."""
    if not isinstance(moment, str) or not moment:
        return False
    try:
        return datetime.fromisoformat(moment) <= datetime.now(UTC)
    except (ValueError, TypeError):
        return True


def _numbered(version: str, reference: str) -> tuple[str, str]:
    found = VERSION.fullmatch(version)
    if not found:
        raise Unusable(f"{short(version, 60)!r} is no version of {reference}")
    return found[1], found[2]


def _version(number: object, made: object) -> str:
    if not VERSION.fullmatch(version := f"{number}@{made}"):
        raise AdapterError("what answers is no KV version 2: it names no version; check url and mount")
    return version
