"""The server's own signature: Ed25519 in a DSSE envelope, with a key that is made on first use."""

import hashlib
import os
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headgate.model.images import Envelope
from headgate.ports import AdapterError


class Ed25519Signer:
    def __init__(self, path: Path) -> None:
        """`path`: the private key. Made when something is signed first; 0600. Beside it, as .pub, the public one."""
        self._path = path
        self._loaded: Ed25519PrivateKey | None = None

    def sign(self, payload_type: str, payload: bytes) -> Envelope:
        key = self._key(make=True)
        signature = key.sign(encoded(payload_type, payload))
        return Envelope(payload_type, b64encode(payload).decode(), _name(key), b64encode(signature).decode())

    def opened(self, envelope: Envelope) -> bytes:
        key = self._key(make=False)
        if envelope.keyid != _name(key):
            raise AdapterError(f"it is signed with the key {envelope.keyid}, and this server's is {_name(key)}")
        try:
            payload = b64decode(envelope.payload, validate=True)
            signature = b64decode(envelope.signature, validate=True)
            key.public_key().verify(signature, encoded(envelope.payload_type, payload))
        except (InvalidSignature, ValueError) as error:
            raise AdapterError("its signature is not that of what it says: someone changed it") from error
        return payload

    def _key(self, make: bool) -> Ed25519PrivateKey:
        if self._loaded is None:
            self._loaded = self._read() or (self._made() if make else None)
        if self._loaded is None:
            raise AdapterError(f"there is no key to verify it with: {self._path} is gone; put it back from a copy")
        return self._loaded

    def _read(self) -> Ed25519PrivateKey | None:
        try:
            found = serialization.load_pem_private_key(self._path.read_bytes(), None)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise AdapterError(f"the signing key {self._path} cannot be read ({error})") from error
        if not isinstance(found, Ed25519PrivateKey):
            raise AdapterError(f"the signing key {self._path} is no Ed25519 key")
        return found

    def _made(self) -> Ed25519PrivateKey:
        """Whole or not at all, and never for other eyes: linked to its name once it is written."""
        key = Ed25519PrivateKey.generate()
        form = serialization.PrivateFormat.PKCS8
        content = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._path.with_suffix(".partial")
        self._path.with_suffix(".pub").write_bytes(_public(key))
        beside.unlink(missing_ok=True)
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, self._path)
        return key


def encoded(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: no payload can pass for one of another type."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _public(key: Ed25519PrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def _name(key: Ed25519PrivateKey) -> str:
    """Of the public key: sha256 of its 32 bytes."""
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:32]
