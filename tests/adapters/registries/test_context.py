"""The context of a build: the same bytes for the same folder, without what `.dockerignore` names."""

import os
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate.adapters.registries.images.context import write
from headgate.adapters.registries.images.ignored import ignored
from headgate.ports import AdapterError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

# As Docker's own documentation has it: rules -> what is out, what is not.
RULES = {
    "*/temp*": (["a/temp", "a/temporary.txt", "a/temp/b"], ["temp", "a/b/temp"]),
    "*/*/temp*": (["a/b/temporary.txt"], ["a/temp"]),
    "temp?": (["tempa", "tempb"], ["temp", "tempab"]),
    "**/*.go": (["a.go", "a/b/c.go"], ["a.goo"]),
    "**": (["a", "a/b"], []),
    "a/**": (["a/b", "a/b/c"], ["a", "b"]),
    "/a": (["a", "a/b"], ["b/a"]),
    "./a/": (["a", "a/b"], []),
    "*.md\n!README.md": (["a.md"], ["README.md", "a/b.md"]),
    "*.md\n!README*.md\nREADME-secret.md": (["a.md", "README-secret.md"], ["README.md", "README-x.md"]),
    "README-secret.md\n*.md\n!README*.md": (["a.md"], ["README-secret.md"]),
    "*\n!a\n": (["b", ".git"], ["a", "a/c"]),
    "# a\n\n  b  ": (["b"], ["a", "# a"]),
    "[a-c]x": (["ax", "cx"], ["dx", "[a-c]x"]),
    "[^a]x": (["bx"], ["ax"]),
    r"a\*b": (["a*b"], ["axb"]),
    "[": (["["], ["a"]),
    "a.b": (["a.b"], ["axb"]),
    "": ([], ["a"]),
    "!": ([], ["a"]),
}


@pytest.mark.parametrize("rules", RULES)
def test_rules_mean_what_they_mean_to_docker(rules: str) -> None:
    out, stays = RULES[rules]
    test = ignored(rules)
    assert [path for path in out if not test(path)] == []
    assert [path for path in stays if test(path)] == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "web"
    (made / "b").mkdir(parents=True)
    for name in ("Dockerfile", "a", "b/program", ".dockerignore"):
        (made / name).write_text(name)
    (made / "b" / "program").chmod(0o700)
    os.symlink("/etc", made / "b" / "out")
    return made


def members(folder: Path, dockerfile: str = "Dockerfile") -> dict[str, tarfile.TarInfo]:
    into = folder.parent / "context.tar"
    write(folder, dockerfile, NOON, into)
    with tarfile.open(into) as tar:
        return {one.name: one for one in tar}


def test_it_holds_what_git_holds_and_nothing_of_this_machine(folder: Path) -> None:
    found = members(folder)
    assert list(found) == ["Dockerfile", ".dockerignore", "a", "b", "b/out", "b/program"]
    assert {(one.mtime, one.uid, one.gid, one.uname) for one in found.values()} == {(NOON.timestamp(), 0, 0, "")}
    assert (found["a"].mode, found["b/program"].mode, found["b"].mode) == (0o644, 0o755, 0o755)
    assert (found["b/out"].issym(), found["b/out"].linkname) == (True, "/etc")


def test_the_same_folder_is_the_same_bytes(folder: Path) -> None:
    members(folder)
    first = (folder.parent / "context.tar").read_bytes()
    os.utime(folder / "a", (1, 1))
    (folder / "a").chmod(0o640)
    members(folder)
    assert (folder.parent / "context.tar").read_bytes() == first


def test_what_is_ignored_is_left_out_but_the_dockerfile(folder: Path) -> None:
    (folder / ".dockerignore").write_text("*\n!b/program\n")
    assert list(members(folder)) == ["Dockerfile", ".dockerignore", "b/program"]


def test_a_dockerfile_elsewhere_has_rules_of_its_own(folder: Path) -> None:
    (folder / ".dockerignore").write_text("a\n")
    (folder / "b" / "web.Dockerfile").write_text("FROM scratch\n")
    assert list(members(folder, "b/web.Dockerfile")) == [
        "b/web.Dockerfile", ".dockerignore", "Dockerfile", "b", "b/out", "b/program",
    ]  # fmt: skip
    (folder / "b" / "web.Dockerfile.dockerignore").write_text("*\n")
    assert list(members(folder, "b/web.Dockerfile")) == ["b/web.Dockerfile", ".dockerignore"]


@pytest.mark.parametrize("kind", ["missing", "link", "folder"])
def test_a_dockerfile_is_a_file(folder: Path, kind: str) -> None:
    (folder / "Dockerfile").unlink()
    if kind == "link":
        os.symlink("/etc/passwd", folder / "Dockerfile")
    if kind == "folder":
        (folder / "Dockerfile").mkdir()
    with pytest.raises(AdapterError, match="no Dockerfile"):
        members(folder)


@pytest.mark.parametrize("name", [".é", "A" * 120])
def test_it_begins_with_a_plain_header(folder: Path, name: str) -> None:
    """BuildKit looks at the first 1,024 bytes only to tell whether it is a tar: an extended header does not fit."""
    (folder / name).touch()
    write(folder, "Dockerfile", NOON, folder.parent / "context.tar")
    assert (folder.parent / "context.tar").read_bytes().startswith(b"Dockerfile\0")
    assert {"Dockerfile", name} <= members(folder).keys()
