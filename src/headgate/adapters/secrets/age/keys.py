"""age's keys: an identity opens, and lies on one machine; its recipient closes, and may be told to everyone."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headgate.adapters.quoted import short
from headgate.adapters.secrets.private import read_private, work_tree
from headgate.ports import AdapterError, Unusable

IDENTITY = Path(".config/headgate/identity.age")  # below the home of the server's user


def identity_path(settings_path: str | None) -> Path:
    return Path(settings_path) if settings_path else Path.home() / IDENTITY


def made(path: Path) -> str:
    """A new identity, written whole or not at all, for its owner alone; returns its recipient. Raises AdapterError."""
    if inside := work_tree(path):
        raise AdapterError(f"{path} lies in the git work tree {inside}: name a place outside of every repository")
    identity = _pyrage().x25519.Identity.generate()
    recipient = str(identity.to_public())
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"# public key: {recipient}\n{identity}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise AdapterError(f"the key cannot be written to {path} ({error.strerror})") from error
    return recipient


def identities(path: Path) -> list[Any]:
    """Those of the file, one on each line as age-keygen writes them. Raises AdapterError, and shows none of them."""
    lines = [line.strip() for line in read_private(path).decode("ascii", "replace").splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    try:
        found = [_pyrage().x25519.Identity.from_str(key) for key in keys]
    except _pyrage().IdentityError:
        found = []
    if not found:
        raise AdapterError(f"{path} holds no key of age: a line AGE-SECRET-KEY-1...; `headgate secrets init` makes one")
    return found


def recipients_of(path: Path) -> list[str]:
    return [str(one.to_public()) for one in identities(path)]


def checked(recipient: str) -> str:
    """Raises Unusable; a secret key that was pasted by mistake is not repeated."""
    try:
        return str(_pyrage().x25519.Recipient.from_str(recipient))
    except _pyrage().RecipientError:
        shown = "a secret key" if "SECRET-KEY" in recipient.upper() else repr(short(recipient, 80))
        raise Unusable(f"{shown} is no recipient of age: write a public key, age1...") from None


def sealed(content: bytes, recipients: Sequence[str]) -> bytes:
    keys = [_pyrage().x25519.Recipient.from_str(one) for one in recipients]
    return bytes(_pyrage().encrypt(content, keys))


def opened(content: bytes, keys: Sequence[Any]) -> bytes | None:
    """None: none of the keys opens it, or it was tampered with."""
    try:
        return bytes(_pyrage().decrypt(content, list(keys)))
    except _pyrage().DecryptError:
        return None


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError as error:
        raise AdapterError("store age needs pyrage, which is not installed; pip install 'headgate[age]'") from error
    return pyrage
