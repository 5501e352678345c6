"""etcd's JSON gateway: a version is the revision at which a key was written, and can be read until it is compacted."""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from headgate.adapters.credentials import from_variable
from headgate.adapters.quoted import short
from headgate.adapters.secrets.references import decoded, named, near
from headgate.adapters.secrets.server import Answer, Server
from headgate.model.secrets import Secret, SecretRules
from headgate.ports import AdapterError, Unusable

NAME = re.compile(r"/?[A-Za-z0-9_@:+~-][A-Za-z0-9_.@:+~-]*(/[A-Za-z0-9_.@:+~-]+)*")
VERSION = re.compile("[1-9][0-9]{0,17}")
SUCH_AS = "shop/production/log-level"
MOST_NAMES = 200  # that are looked through for one that may be meant
DENIED = 7  # gRPC's code


class EtcdStore:
    keeps_versions = True

    async def get(self, reference: str, store: SecretRules, version: str | None = None) -> Secret:
        key = _key(reference, store.settings)
        if version is not None and not VERSION.fullmatch(version):
            raise Unusable(f"{short(version, 60)!r} is no version of {reference}")
        found = await self._find(key, store, {"revision": version} if version else {})
        if version not in (None, found["mod_revision"]):
            raise Unusable(f"{key} has no version {version} in etcd")
        try:
            return Secret(decoded(b64decode(found.get("value", "")), reference), found["mod_revision"])
        except (ValueError, TypeError):
            raise AdapterError(f"etcd sent no base64 for {key}") from None

    async def version(self, reference: str, store: SecretRules) -> str:
        found = await self._find(_key(reference, store.settings), store, {"keys_only": True})
        return str(found["mod_revision"])

    async def _find(self, key: str, store: SecretRules, asked: dict[str, Any]) -> dict[str, Any]:
        """The key's entry, with its mod_revision as a text. Raises Unusable, AdapterError."""
        server = Server.of("etcd", store.settings)
        answer = await self._range(server, store, {"key": _encoded(key), **asked})
        if answer.status != 200:
            raise _refusal(server, answer, key)
        found = answer.field("kvs")
        if not found:
            raise Unusable(f"{server} has no key {key}{await self._near(server, store, key)}")
        if not isinstance(found, list) or not isinstance(found[0], dict) or "mod_revision" not in found[0]:
            raise AdapterError(f"what answers at {server} is no etcd 3; check url")
        return {**found[0], "mod_revision": str(found[0]["mod_revision"])}

    async def _range(self, server: Server, store: SecretRules, asked: dict[str, Any]) -> Answer:
        return await server.ask("POST", "/v3/kv/range", await self._headers(server, store), asked)

    async def _headers(self, server: Server, store: SecretRules) -> dict[str, str]:
        """A token for each call: etcd's last minutes, and are forgotten when a member restarts."""
        if not (variable := store.settings.get("login_from")):
            return {}
        user, colon, password = from_variable(variable).partition(":")
        if not colon or not user or not password:
            raise AdapterError(f"{server}: set the variable {variable} to USER:PASSWORD where the Headgate server runs")
        answer = await server.ask("POST", "/v3/auth/authenticate", None, {"name": user, "password": password})
        token = answer.field("token")
        if answer.status != 200 or not isinstance(token, str):
            raise AdapterError(f"{server} does not log user {user} in: check {variable}, and that auth is enabled")
        return {"Authorization": token}

    async def _near(self, server: Server, store: SecretRules, key: str) -> str:
        """Keys beside it, where the role allows a list of them."""
        folder = key.rpartition("/")[0]
        begin = f"{folder}/" if folder else key[:1]
        end = begin[:-1] + chr(ord(begin[-1]) + 1)
        asked = {"key": _encoded(begin), "range_end": _encoded(end), "keys_only": True, "limit": MOST_NAMES}
        try:
            answer = await self._range(server, store, asked)
            found = answer.field("kvs") or []
            return near(key, [b64decode(one["key"]).decode(errors="replace") for one in found])
        except (AdapterError, ValueError, TypeError, KeyError):
            return ""


def _key(reference: str, settings: Mapping[str, str]) -> str:
    return settings.get("prefix", "") + named(reference, NAME, SUCH_AS)


def _encoded(key: str) -> str:
    return b64encode(key.encode()).decode()


def _refusal(server: Server, answer: Answer, key: str) -> AdapterError:
    said = short(answer.field("message") or answer.field("error") or f"HTTP {answer.status}", 160)
    if "compacted" in said:
        return Unusable(f"that version of {key} is gone: etcd was compacted since; write the value anew")
    if "future revision" in said:
        return Unusable(f"{key} has no such version in etcd: it is of the future")
    if answer.field("code") == DENIED or "user name is empty" in said or "auth token" in said:
        remedy = f"name a login as login_from, and grant it: etcdctl role grant-permission ROLE read {key}"
        return AdapterError(f"{server} does not let us read {key}: {said}; {remedy}")
    return AdapterError(f"{server} answered for {key}: {said}")
