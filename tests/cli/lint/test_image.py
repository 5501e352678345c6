"""What an image carries is found in its variables, its history and the files of every layer, deleted ones too."""

import gzip
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from headgate.cli.commands.lint import lint
from headgate.cli.failure import Failure
from headgate.cli.lint import image as images
from headgate.cli.lint.image import contents
from headgate.cli.lint.scan import look_through

KEY = "AKIA" + "QX7P2LMN4RST6VWZ"


def tar(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as made:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def saved(folder: Path, config: dict[str, object], *layers: bytes) -> Path:
    names = [f"blobs/{number}" for number in range(len(layers))]
    manifest = [{"Config": "config.json", "Layers": names}]
    files = {"manifest.json": json.dumps(manifest).encode(), "config.json": json.dumps(config).encode()}
    path = folder / "image.tar"
    path.write_bytes(tar({**files, **dict(zip(names, layers, strict=True))}))
    return path


def rules(path: Path) -> set[tuple[str, str]]:
    sources, findings = contents("shop:1", path)
    return {(one.rule, one.path) for one in [*findings, *look_through(sources).findings]}


def test_everything_is_looked_at(tmp_path: Path) -> None:
    config: dict[str, object] = {
        "config": {"Env": ["PATH=/usr/bin", "API=https://quotes.prod.acme.io"], "Labels": {"key": KEY}},
        "history": [{"created_by": f"RUN |1 TOKEN={KEY} /bin/sh -c make"}, {}],
    }
    first = tar({"app/settings.py": f'K = "{KEY}"'.encode(), "usr/lib/x.py": f'K = "{KEY}"'.encode()})
    second = tar({"./home/app/.aws/credentials": b"[default]\n", "app/.wh.settings.py": b""})
    assert rules(saved(tmp_path, config, first, gzip.compress(second))) == {
        ("hostname", "shop:1!variables"),
        ("secret", "shop:1!labels"),
        ("secret", "shop:1!history"),
        ("secret", "shop:1!1/app/settings.py"),
        ("secret-file", "shop:1!2/home/app/.aws/credentials"),
    }


def test_an_image_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MOST_FILES", 3)
    monkeypatch.setattr(images.Budget.__init__, "__defaults__", (1 << 20, 3))
    layer = tar({f"app/{number}": b"x" for number in range(5)})
    with pytest.raises(ValueError, match="more than"):
        contents("shop:1", saved(tmp_path, {}, layer))


@pytest.mark.real("docker")
def test_an_image_that_docker_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nENV API=https://quotes.prod.acme.io\nCOPY settings.py /app/\n")
    (tmp_path / "settings.py").write_text(f'K = "{KEY}"\n')
    name = "headgate-lint-test:1"
    subprocess.run(["docker", "build", "-q", "-t", name, str(tmp_path)], check=True, capture_output=True)
    try:
        assert lint(image=name) == 1
    finally:
        subprocess.run(["docker", "image", "rm", "-f", name], check=True, capture_output=True)
    told = capsys.readouterr().out
    assert f"{name}!variables:" in told
    assert "/app/settings.py:1:" in told
    assert KEY not in told


@pytest.mark.real("docker")
@pytest.mark.parametrize("name", ["headgate-no-such-image:1", "../../containers", ""])
def test_an_image_that_is_not_there(name: str) -> None:
    with pytest.raises(Failure):
        lint(image=name)
