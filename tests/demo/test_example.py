"""The repository that the demo releases from."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from headgate.cli.demo import example
from headgate.cli.failure import Failure

ROOT = Path(__file__).parents[2]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> example.Repository:
    made = example.Repository(example.find(), tmp_path / "repository")
    made.begin()
    return made


def test_it_begins_with_version_1_and_all_of_it_is_committed(repository: example.Repository) -> None:
    assert git(repository.folder, "tag", "--points-at", "HEAD") == "v1"
    assert git(repository.folder, "status", "--porcelain") == ""
    assert "interval: 1s" in git(repository.folder, "show", "HEAD:headgate.yaml")


def test_in_containers_its_images_stand_on_the_base_that_is_given(tmp_path: Path) -> None:
    supply = example.Supply("127.0.0.1:5000/mine/base:1", "http://127.0.0.1:5000", "mine")
    made = example.Repository(example.find(), tmp_path / "repository", supply)
    made.begin()
    file = git(made.folder, "show", "HEAD:headgate.yaml")
    for service in ("quotes", "web"):
        assert f'build: {{context: services/{service}, args: {{BASE: "127.0.0.1:5000/mine/base:1"}}}}' in file
        dockerfile = git(made.folder, "show", f"HEAD:services/{service}/Dockerfile")
        assert "\nARG BASE=python:3.11-slim\nFROM ${BASE}\n" in dockerfile
    assert "platform: docker" in file
    assert git(made.folder, "status", "--porcelain") == ""


def test_versions_3_and_4_both_go_on_top_of_2(repository: example.Repository) -> None:
    repository.change(example.MONTHLY)
    repository.change(example.TYPICAL)
    repository.undo()
    assert git(repository.folder, "diff", "v2") == "", "version 3 was taken back completely"
    repository.change(example.AT_ONCE)
    assert git(repository.folder, "tag").split() == ["v1", "v2", "v3", "v4"]
    assert git(repository.folder, "status", "--porcelain") == ""


def test_a_patch_that_does_not_fit_is_a_sentence(repository: example.Repository) -> None:
    repository.change(example.MONTHLY)
    with pytest.raises(Failure, match="git apply"):
        repository.change(example.MONTHLY)


def test_a_developers_own_git_settings_are_left_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text("[commit]\n\tgpgsign = true\n[user]\n\tsigningkey = none\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    example.Repository(example.find(), tmp_path / "repository").begin()
    assert not (tmp_path / "elsewhere").exists()


def test_without_the_example_it_says_to_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(example, "__file__", str(tmp_path / "a/b/c/d/example.py"))
    with pytest.raises(Failure) as refused:
        example.find()
    assert "Clone" in refused.value.remedy


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "installed", lambda package: package not in ("jinja2", "pyyaml"))
    with pytest.raises(Failure, match="jinja2, pyyaml") as refused:
        example.find()
    assert "headgate[examples]" in refused.value.remedy


def test_what_it_needs_is_what_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = project["optional-dependencies"]["examples"]
    assert example.needed() == {re.split("[>[]", one)[0] for one in declared}
    assert all(example.installed(package) for package in example.needed())
    assert not example.installed("no-such-package")
