"""A root file system of this machine's own Python. That it runs is shown wherever a container runs in tests."""

import io
import tarfile
from pathlib import Path

import pytest

from headgate.cli.demo.root import Root, imported, interpreter, libraries, standard_library, wanted


def members(root: Root) -> dict[str, tarfile.TarInfo]:
    held = io.BytesIO()
    root.write(held)
    held.seek(0)
    with tarfile.open(fileobj=held) as tar:
        return {f"/{member.name}": member for member in tar}


def test_it_holds_the_interpreter_where_it_lies_here_and_its_libraries() -> None:
    found = members(Root())
    assert found["/bin/python"].linkname == str(interpreter())
    assert found[str(interpreter())].mode & 0o111
    assert any("libc.so" in name for name in found)
    assert found["/tmp"].mode == 0o1777


def test_scripts_can_be_run_and_times_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("x = 1")
    found = members(Root(texts={"/bin/tool": b"#!/bin/sh\n"}, files={"/app/module.py": file}))
    assert found["/bin/tool"].mode & 0o111
    assert found["/app/module.py"].mtime == int(file.stat().st_mtime), "else what is compiled would not count"
    assert {"/etc/passwd", str(interpreter())} <= found.keys(), "also where more was given"


def test_a_library_that_a_wheel_brings_is_not_there_twice() -> None:
    root, own = Root(), libraries([interpreter()])
    root.files |= {f"/opt/{path.name}": path for path in own}
    assert not {str(path) for path in own} & members(root).keys()


def test_modules_that_are_imported_are_found() -> None:
    found = {"/".join(path.parts[-2:]) for path in imported("json")}
    assert {"json/decoder.py", "json/__init__.py"} <= found
    assert "wave.py" not in {path.name for path in imported("json")}
    assert "os.py" in {path.name for path in imported("json")}, "by it Python knows where its library lies"


def test_the_standard_library_comes_without_tests_and_packages() -> None:
    names = {str(path) for path in standard_library()}
    assert any(name.endswith("/asyncio/runners.py") for name in names)
    assert not any("/site-packages/" in name or "/test/" in name for name in names)


@pytest.mark.parametrize(
    ("path", "is_wanted"),
    [
        ("uvloop/loop.pyx", False),
        ("pip/_vendor/distlib/w64.exe", False),
        ("numpy/tests/test_one.py", False),
        ("jinja2/tests.py", True),
        ("a/__pycache__/b.cpython-27.pyc", False),
        ("EXTERNALLY-MANAGED", False),
        ("pydantic-2.dist-info/RECORD", True),
    ],
)
def test_what_nobody_runs_is_left_out(path: str, is_wanted: bool) -> None:
    assert wanted(Path(path)) is is_wanted


def test_a_program_that_is_not_here_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        Root().add_program("no-such-program")
