"""A server that hands out bearer tokens for a registry (the "token" authentication of Docker's registry)."""

import json
import threading
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from tests.adapters.registries.authority import Authority
from tests.adapters.registries.server import PASSWORD, USER

SERVICE, ISSUER = "registry", "tests"


class TokenServer:
    def __init__(self, folder: Path, authority: Authority) -> None:
        certificate, key = authority.certificate(folder)
        self._bundle = certificate
        self._key = serialization.load_pem_private_key(key.read_bytes(), None)
        self.asked: list[str] = []  # scopes
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def settings(self) -> dict[str, str]:
        realm = f"http://127.0.0.1:{self._server.server_port}/token"
        return {"realm": realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": str(self._bundle)}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                basic = self.headers.get("Authorization", "").removeprefix("Basic ")
                known = b64decode(basic).decode() == f"{USER}:{PASSWORD}" if basic else False
                scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
                body = json.dumps({"token": server.token(scopes)} if known else {}).encode()
                self.send_response(200 if known else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def token(self, scopes: list[str]) -> str:
        """A JWT for what is asked, signed by a key whose certificate it carries."""
        self.asked += scopes
        certificate = x509.load_pem_x509_certificate(self._bundle.read_bytes())
        chain = [b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()]
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": USER, "aud": SERVICE, "jti": str(now)}
        claims |= {"nbf": now - 10, "iat": now, "exp": now + 300, "access": [_access(one) for one in scopes]}
        signed = f"{_part({'typ': 'JWT', 'alg': 'ES256', 'x5c': chain})}.{_part(claims)}"
        assert isinstance(self._key, ec.EllipticCurvePrivateKey)
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_url_safe(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _access(scope: str) -> dict[str, object]:
    kind, name, actions = scope.split(":")
    return {"type": kind, "name": name, "actions": actions.split(",")}


def _part(content: dict[str, object]) -> str:
    return _url_safe(json.dumps(content).encode())


def _url_safe(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()

