"""The server's signature: a key made on first use for its owner only, and no envelope that was touched verifies."""

import json
import stat
from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from headgate.adapters.signing import Ed25519Signer, encoded
from headgate.model.images import Envelope
from headgate.ports import AdapterError

KIND = "application/vnd.in-toto+json"
STATEMENT = json.dumps({"subject": "web"}).encode()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "signing" / "key.pem"


@pytest.fixture
def envelope(key: Path) -> Envelope:
    return Ed25519Signer(key).sign(KIND, STATEMENT)


def test_the_key_is_made_once_and_is_its_owners(key: Path, envelope: Envelope) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    before = key.read_bytes()
    assert Ed25519Signer(key).sign(KIND, STATEMENT) == envelope  # Ed25519 is deterministic
    assert key.read_bytes() == before
    assert sorted(path.name for path in key.parent.iterdir()) == ["key.pem", "key.pub"]


def test_nothing_is_made_by_looking(key: Path, envelope: Envelope) -> None:
    key.unlink()
    with pytest.raises(AdapterError, match="there is no key to verify it with"):
        Ed25519Signer(key).opened(envelope)
    assert not key.exists()


def test_what_was_signed_is_read_after_a_restart(key: Path, envelope: Envelope) -> None:
    assert Ed25519Signer(key).opened(envelope) == STATEMENT


def test_others_can_verify_it_by_the_rules_of_dsse(key: Path, envelope: Envelope) -> None:
    """The encoding written out: lengths in decimal, one space between the parts."""
    assert encoded("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"  # the example of the DSSE protocol
    )
    public = load_pem_public_key(key.with_suffix(".pub").read_bytes())
    assert isinstance(public, Ed25519PublicKey)
    signed = b"DSSEv1 %d %b %d %b" % (len(KIND), KIND.encode(), len(STATEMENT), STATEMENT)
    public.verify(b64decode(envelope.signature), signed)


def other(content: bytes) -> str:
    return b64encode(content).decode()


@pytest.mark.parametrize(
    "change",
    [
        {"payload": other(STATEMENT.replace(b"web", b"wab"))},
        {"payload": other(STATEMENT + b" ")},
        {"payload": "not base64 \u00e9"},
        {"payload_type": "text/plain"},
        {"signature": other(b"\0" * 64)},
        {"signature": ""},
        {"keyid": "0" * 32},
    ],
    ids=["payload", "a blank", "no base64", "type", "signature", "none", "key"],
)
def test_what_was_touched_does_not_verify(key: Path, envelope: Envelope, change: dict[str, str]) -> None:
    with pytest.raises(AdapterError):
        Ed25519Signer(key).opened(replace(envelope, **change))


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff"])
def test_a_key_that_is_none_is_told(key: Path, content: bytes) -> None:
    key.parent.mkdir()
    key.write_bytes(content)
    with pytest.raises(AdapterError, match="cannot be read"):
        Ed25519Signer(key).sign(KIND, STATEMENT)
    assert key.read_bytes() == content
