"""The file is read at each call: what is written there is rotated. It keeps no earlier values."""

import asyncio
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from headgate.adapters.quoted import short
from headgate.adapters.secrets.private import read_private
from headgate.adapters.secrets.references import decoded, named, near
from headgate.model.secrets import Secret, SecretRules
from headgate.ports import AdapterError, Unusable

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
SUCH_AS = "DATABASE_URL"
KEY_LENGTH = 32  # bytes


class EnvFileStore:
    keeps_versions = False

    def __init__(self, key: Path) -> None:
        """`key`: file of the key of the versions, made on first use. A plain hash of a short secret can be guessed."""
        self._key = key

    async def get(self, reference: str, store: SecretRules, version: str | None = None) -> Secret:
        found = await asyncio.to_thread(self._read, reference, store)
        if version not in (None, found.version):
            what = f"version {short(version, 40)} of {reference} is gone"
            raise Unusable(f"{what}: {store.settings.get('file')} keeps the current value only")
        return found

    async def version(self, reference: str, store: SecretRules) -> str:
        return (await asyncio.to_thread(self._read, reference, store)).version

    def _read(self, reference: str, store: SecretRules) -> Secret:
        name, path = named(reference, NAME, SUCH_AS), Path(store.settings.get("file", ""))
        if not path.is_absolute():
            raise AdapterError("store env-file needs `file`, an absolute path on the server")
        values = parsed(decoded(read_private(path), str(path)), path)
        if name not in values:
            raise Unusable(f"{path} has no line {name}={near(name, values)}")
        value = values[name]
        return Secret(value, self._version(name, value))

    def _version(self, name: str, value: str) -> str:
        return hmac.new(self._secret_key(), f"{name}\n{value}".encode(), hashlib.sha256).hexdigest()[:24]

    def _secret_key(self) -> bytes:
        if not self._key.exists():
            self._make()
        return read_private(self._key)

    def _make(self) -> None:
        """Whole or not at all: linked to its name once it is written; another that was first stays."""
        self._key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._key.with_name(f"{self._key.name}.{secrets.token_hex(8)}")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(KEY_LENGTH))
            os.link(draft, self._key)
        except FileExistsError:
            pass
        except OSError as error:
            raise AdapterError(f"no key can be kept in {self._key.parent} ({error.strerror})") from error
        finally:
            draft.unlink(missing_ok=True)


def parsed(content: str, path: Path) -> dict[str, str]:
    """Values are taken as they stand: no quotes are removed, nothing is filled in. Raises AdapterError without any."""
    values: dict[str, str] = {}
    for number, line in enumerate(content.split("\n"), start=1):
        name, equals, value = line.removesuffix("\r").partition("=")
        if not line.strip() or line.startswith("#"):
            continue
        if not equals or not NAME.fullmatch(name):
            raise AdapterError(f"{path}:{number}: this line is not NAME=VALUE (a # begins a comment)")
        if name in values:
            raise AdapterError(f"{path}:{number}: {name} is there twice; remove one of the two lines")
        values[name] = value
    return values
