"""Who we are in a cluster that runs already: a token, a certificate, or a program that tells a token."""

import json
import os
import ssl
import subprocess
import tempfile
from base64 import b64decode
from pathlib import Path
from typing import Any

import yaml


def entered(path: Path) -> tuple[str, ssl.SSLContext, str, Path | None]:
    """Address, trust and certificate, token, and the authority's file, of the current context."""
    read = yaml.safe_load(path.read_text())
    context = _named(read["contexts"], read["current-context"])["context"]
    cluster = _named(read["clusters"], context["cluster"])["cluster"]
    user = _named(read["users"], context["user"])["user"]
    authority = _file(path, cluster, "certificate-authority")
    trust = ssl.create_default_context(cafile=str(authority) if authority else None)
    certificate = _file(path, user, "client-certificate")
    if certificate is not None:
        trust.load_cert_chain(certificate, _file(path, user, "client-key"))
    return str(cluster["server"]).rstrip("/"), trust, _token(path, user), authority


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(one for one in entries if one["name"] == name)


def _file(path: Path, section: dict[str, Any], key: str) -> Path | None:
    if f"{key}-data" in section:
        handle, written = tempfile.mkstemp(suffix=".pem")  # readable by its owner only
        os.write(handle, b64decode(section[f"{key}-data"]))
        os.close(handle)
        return Path(written)
    return path.parent / section[key] if key in section else None


def _token(path: Path, user: dict[str, Any]) -> str:
    if "tokenFile" in user:
        return (path.parent / user["tokenFile"]).read_text().strip()
    if "exec" in user:
        program = user["exec"]
        told = {one["name"]: one["value"] for one in program.get("env") or []}
        command = [program["command"], *(program.get("args") or [])]
        said = subprocess.run(command, env={**os.environ, **told}, capture_output=True, check=True, timeout=60)
        return str(json.loads(said.stdout)["status"].get("token", ""))
    return str(user.get("token", ""))
