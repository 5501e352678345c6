"""Reading the file for a server: the version is read in clear, the value with the machine's own key."""

import asyncio
from pathlib import Path

from headgate.adapters.secrets.age.file import SecretFile, read
from headgate.adapters.secrets.age.keys import identities, identity_path
from headgate.model.secrets import Secret, SecretRules
from headgate.ports import AdapterError


class AgeStore:
    keeps_versions = True

    async def get(self, reference: str, store: SecretRules, version: str | None = None) -> Secret:
        return await asyncio.to_thread(_get, reference, store, version)

    async def version(self, reference: str, store: SecretRules) -> str:
        return (await asyncio.to_thread(_file, store)).find(reference).id


def _get(reference: str, store: SecretRules, version: str | None) -> Secret:
    file = _file(store)
    found = file.find(reference, version)
    keys = identities(identity_path(store.settings.get("identity")))
    return Secret(file.value(reference, found, keys), found.id)


def _file(store: SecretRules) -> SecretFile:
    path = Path(store.settings.get("file", ""))
    if not path.is_absolute():
        raise AdapterError("store age needs `file`, an absolute path on the server")
    return read(path)
