"""What a built image carries: its variables, what building it said, and the files of every layer."""

import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from headgate.cli.failure import Failure
from headgate.cli.lint.finding import Finding
from headgate.cli.lint.source import BINARY, LARGEST, Source, decoded, kind_of

LARGEST_IMAGE = 4 << 30  # bytes of the tar
MOST_TEXT = 256 << 20  # bytes of files that are looked through, of all layers
MOST_FILES = 200_000  # entries of all layers: a tar may hold endless empty ones
LARGEST_CONFIG = 8 << 20  # bytes
# What the base and the packages bring is theirs: nobody who builds on it can mend it.
THEIRS = re.compile(
    r"^(usr/(lib|lib64|share|include|bin|sbin|libexec|local/(lib|share|include|bin))"
    r"|lib|lib64|bin|sbin|proc|sys|dev|var/(lib|cache|log)"
    r"|etc/(ssl|ca-certificates|pki|alternatives|apt|apk|init\.d|pam\.d|security|default|terminfo|fonts|ssh/moduli))/"
    r"|(^|/)(site-packages|dist-packages|node_modules|__pycache__|\.venv|venv|vendor)/"
)
# Files that are a secret by what they are for.
KEEPS_SECRETS = re.compile(
    r"(^|/)(\.netrc|\.pgpass|\.pypirc|\.git-credentials|\.dockercfg|\.docker/config\.json|\.aws/credentials|\.kube/config"
    r"|id_(rsa|dsa|ecdsa|ed25519)"
    r"|\.env(\.(local|prod|production|staging))?|\.vault-token|terraform\.tfstate)$"
)


@dataclass(slots=True)
class Budget:
    text: int = MOST_TEXT
    files: int = MOST_FILES


@contextmanager
def sources_of(reference: str) -> Iterator[tuple[list[Source], list[Finding]]]:
    """Texts, and files that should not be there at all. Raises Failure."""
    from headgate import bootstrap
    from headgate.ports import AdapterError

    with TemporaryDirectory(prefix="headgate-lint-") as folder:
        saved = Path(folder) / "image.tar"
        try:
            bootstrap.save_image(reference, saved, LARGEST_IMAGE)
            yield contents(reference, saved)
        except AdapterError as error:
            remedy = "Build or pull it first; `docker images` shows what there is."
            raise Failure(str(error), reference, remedy) from error
        except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise Failure(f"the image cannot be read: {error}", reference, "Try `docker save` on it.") from error


def contents(reference: str, saved: Path) -> tuple[list[Source], list[Finding]]:
    sources: list[Source] = []
    findings: list[Finding] = []
    budget = Budget()
    with tarfile.open(saved) as whole:
        for image in json.loads(_member(whole, "manifest.json")):
            sources += settings(reference, json.loads(_member(whole, image["Config"])))
            for number, layer in enumerate(image["Layers"], start=1):
                with _stream(whole, layer) as stream, tarfile.open(fileobj=stream, mode="r|*") as files:
                    _files(f"{reference}!{number}", files, budget, sources, findings)
    return sources, findings


def _member(whole: tarfile.TarFile, name: str) -> bytes:
    with _stream(whole, name) as stream:
        return stream.read(LARGEST_CONFIG)


def _stream(whole: tarfile.TarFile, name: str) -> IO[bytes]:
    found = whole.extractfile(name)
    if found is None:
        raise ValueError(f"{name} is missing in it")
    return found


def settings(reference: str, config: dict[str, Any]) -> list[Source]:
    """Each on a line of its own: variables, labels, and every instruction with the arguments it was built with."""
    inner = config.get("config") or {}
    labels = [f"{name}={value}" for name, value in (inner.get("Labels") or {}).items()]
    history = [one.get("created_by") or "" for one in config.get("history") or []]
    parts = (("variables", inner.get("Env") or []), ("labels", labels), ("history", history))
    told = [(name, "\n".join(line.replace("\n", " ") for line in lines)) for name, lines in parts if lines]
    command = [*(inner.get("Entrypoint") or []), *(inner.get("Cmd") or [])]
    told += [("command", " ".join(command))] if command else []
    return [Source(f"{reference}!{name}", text, kind="image") for name, text in told]


def _files(
    layer: str, files: tarfile.TarFile, budget: Budget, sources: list[Source], findings: list[Finding]
) -> None:
    for member in files:
        budget.files -= 1
        if budget.files < 0 or budget.text < 0:
            raise ValueError(f"more than {MOST_FILES} files, or {MOST_TEXT >> 20} MiB of text, in its layers")
        name = member.name.removeprefix("./").lstrip("/")
        if not member.isreg() or not member.size:
            continue
        path = f"{layer}/{name}"
        if KEEPS_SECRETS.search(name):
            findings.append(Finding("secret-file", path, 1, 1, "a file that keeps secrets, in the image", name))
        if THEIRS.search(name) or member.size > LARGEST or BINARY.search(name):
            continue
        stream = files.extractfile(member)
        text = decoded(stream.read(LARGEST + 1)) if stream else None
        if text is not None:
            budget.text -= member.size
            sources.append(Source(path, text, kind=kind_of(name)))
