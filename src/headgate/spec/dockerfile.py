"""What a Dockerfile says about running its image: the command and the port."""

import json
import re
import shlex
from dataclasses import dataclass

SHELL_SYNTAX = re.compile(r"[;&|<>`()\n]")  # more than one program with arguments
USABLE = re.compile("[^\x00\ud800-\udfff]+")  # what an argument may hold
PORT_VARIABLE = re.compile(r"\$\{PORT(?::?-[0-9]+)?\}")


@dataclass(frozen=True, slots=True)
class Instructions:
    command: tuple[str, ...] = ()  # ENTRYPOINT and CMD of the last stage, with $PORT for the port
    port: int | None = None


def instructions(text: str) -> Instructions:
    found: dict[str, str] = {}
    for line in re.sub(r"\\[ \t]*\r?\n", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word.upper() == "FROM":
            found = {}
        found[word.upper()] = rest.strip()
    port = _port(found.get("EXPOSE", ""))
    command = _words(found.get("ENTRYPOINT", "")) + _words(found.get("CMD", ""))
    return Instructions(tuple(_portable(word, port) for word in command), port)


def _port(exposed: str) -> int | None:
    match = re.match(r"([0-9]{1,5})(/tcp)?(\s|$)", exposed)
    return int(match[1]) if match and 1 <= int(match[1]) <= 65535 else None


def _words(instruction: str) -> tuple[str, ...]:
    """Exec form, shell form, and the `sh -c` that people write so that $PORT is filled in."""
    try:
        words = json.loads(instruction) if instruction.startswith("[") else ["sh", "-c", instruction]
    except json.JSONDecodeError:
        words = ["sh", "-c", instruction]
    if not instruction or not all(isinstance(word, str) and USABLE.fullmatch(word) for word in words):
        return ()
    if len(words) == 3 and words[0] in ("sh", "/bin/sh", "bash", "/bin/bash") and words[1] == "-c":
        return _unwrapped(words)
    return tuple(words)


def _unwrapped(words: list[str]) -> tuple[str, ...]:
    line = PORT_VARIABLE.sub("$PORT", words[2])
    if SHELL_SYNTAX.search(line) or "$" in line.replace("$PORT", ""):
        return tuple(words)
    try:
        plain = shlex.split(line)
    except ValueError:  # a quote that is not closed
        return tuple(words)
    return tuple(plain[1:] if plain[:1] == ["exec"] else plain)


def _portable(word: str, port: int | None) -> str:
    """Each instance is told its own $HOST and $PORT; every other dollar sign is doubled, which stands for itself."""
    word = re.sub(r"\$(?!PORT\b)", "$$", PORT_VARIABLE.sub("$PORT", word))
    word = re.sub(r"(0\.0\.0\.0|127\.0\.0\.1)", "$HOST", word)
    return re.sub(rf"(^|[:=]){port}$", r"\1$PORT", word) if port else word
