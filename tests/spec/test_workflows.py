"""The workflow files for other CI: right by their public schemas, and scripts that do what they should."""

import json
import os
import shlex
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from headgate.spec.read import read
from headgate.spec.reference import reference
from headgate.spec.specification import Specification
from headgate.spec.workflows.codepipeline import codepipeline
from headgate.spec.workflows.github import github
from headgate.spec.workflows.gitlab import gitlab
from headgate.spec.workflows.parts import script

SCHEMAS = Path(__file__).parent / "schemas"
SHOP = """\
application: shop
services:
  web: {build: "services/web co", command: [serve], port: 8000}
  prices: {image: "registry.example.org/prices:1", port: 8001}
pipeline:
  ci: [{name: unit, run: "pytest -q\\nruff check"}, {name: lint, run: "echo ': # {'"}]
environments:
  devint: {platform: process, branches: ["feature/*"], integrate: true}
  staging: {platform: process, deploy: on-build, branches: [main, "release/?.x"]}
"""
FILES = {
    "small": "application: a\nservices: {web: {port: 80}}\nenvironments: {qa: {platform: process}}\n",
    "shop": SHOP,
    "tags": SHOP + 'source: {tags: ["v*"], branches: ["hotfix/*"]}\n',
    "reference": reference(),
}
WORKFLOWS: dict[str, tuple[str, Callable[[Specification, str], str]]] = {
    "github-workflows": ("github-workflows.json", github),
    "gitlab-ci": ("gitlab-ci.json", gitlab),
    "buildspec": ("buildspec.json", codepipeline),
}


def loaded(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("kind", WORKFLOWS)
def test_what_is_written_fits_its_schema(kind: str, file: str) -> None:
    name, write = WORKFLOWS[kind]
    validator = Draft7Validator(json.loads((SCHEMAS / name).read_text()))
    text = write(read(FILES[file]), "headgate.yaml")
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(loaded(text))] == []
    assert max(len(line) for line in text.splitlines()) < 200


@pytest.mark.parametrize("kind", WORKFLOWS)
def test_the_schemas_refuse_what_is_wrong(kind: str) -> None:
    wrong = {"jobs": {"a": {"steps": "x"}}, "stages": 5, "phases": []}
    validator = Draft7Validator(json.loads((SCHEMAS / WORKFLOWS[kind][0]).read_text()))
    assert list(validator.iter_errors(wrong))


def test_the_steps_of_the_file_come_first_and_a_scan_is_never_left_out() -> None:
    steps = loaded(github(read(SHOP), "headgate.yaml"))["jobs"]["release"]["steps"]
    named = [step.get("name") for step in steps if "name" in step]
    assert named == ["unit", "lint", "scan", "log in", "push and announce"]
    assert next(step["run"] for step in steps if step.get("name") == "unit") == "pytest -q\nruff check"


def test_branches_are_those_that_environments_take_by_themselves() -> None:
    pushed = loaded(github(read(SHOP), "headgate.yaml"))["on"]["push"]
    assert pushed == {"branches": ["main", "release/**.x"]}
    rules = loaded(gitlab(read(FILES["tags"]), "headgate.yaml"))["workflow"]["rules"]
    assert rules == [{"if": r"$CI_COMMIT_BRANCH =~ /^hotfix\/.*$/"}, {"if": "$CI_COMMIT_TAG =~ /^v.*$/"}]


def test_no_name_of_a_branch_is_ever_part_of_a_command() -> None:
    """`${{ }}` in a script is filled in before the shell reads it: whoever names a branch would command the runner."""
    for step in loaded(github(read(SHOP), "headgate.yaml"))["jobs"]["release"]["steps"]:
        assert "${{" not in step.get("run", "")


class Server(BaseHTTPRequestHandler):
    taken: list[tuple[str, str, Any]] = []  # noqa: RUF012 - one server at a time

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append((self.path, self.headers["Authorization"], json.loads(content)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Server.taken.clear()
    listening = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    thread.join()
    listening.server_close()


# Stands in for Docker only to see what it is asked; images are really built and pushed where Docker is tested.
DOCKER = """#!/bin/sh
printf '%s\\n' "$*" >> "$ASKED"
[ "$1" = inspect ] && printf 'other/x@sha256:%064d\\nregistry.example.org/shop/web@sha256:%064d\\n' 1 2 || true
"""
REFS = [
    "refs/heads/main",
    'refs/heads/"; touch pwned; "',
    "refs/heads/$(touch pwned)",
    "refs/tags/v1.0",
    "refs/heads/ä%s",
]


@pytest.mark.parametrize("ref", REFS)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_script_pushes_and_announces(server: str, tmp_path: Path, ref: str, shell: str) -> None:
    docker, asked = tmp_path / "bin" / "docker", tmp_path / "asked"
    docker.parent.mkdir()
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    given = {
        "PATH": f"{docker.parent}:{os.environ['PATH']}",
        "ASKED": str(asked),
        "LC_ALL": "C.UTF-8",
        "COMMIT": "a" * 40,
        "REF": ref,
        "REGISTRY": "registry.example.org/shop",
        "HEADGATE_URL": server,
        "HEADGATE_TOKEN": "hgt_token",
    }
    text = script(read(SHOP), "deploy/headgate.yaml")
    done = subprocess.run([shell, "-c", text], env=given, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Server.taken == [
        (
            "/api/releases",
            "Bearer hgt_token",
            {
                "application": "shop",
                "commit": "a" * 40,
                "ref": ref,
                "images": {"web": f"registry.example.org/shop/web@sha256:{2:064d}"},
            },
        )
    ]
    build = asked.read_text().splitlines()[0]
    assert build.endswith("-- ./deploy/services/web co")
    assert not list(tmp_path.rglob("pwned"))


def test_the_script_builds_as_the_file_says() -> None:
    args = '{NAME: "a b; $(touch pwned)"}'
    how = f'{{context: "services/web co", dockerfile: web.Dockerfile, target: slim, args: {args}}}'
    text = script(read(SHOP.replace('"services/web co"', how)), "deploy/headgate.yaml")
    (line,) = (one for one in text.splitlines() if one.startswith("push web"))
    assert shlex.split(line) == [
        "push", "web", "--file", "./deploy/services/web co/web.Dockerfile", "--target", "slim",
        "--build-arg", "NAME=a b; $(touch pwned)", "--", "./deploy/services/web co",
    ]  # fmt: skip


def test_a_refusal_fails_the_job(tmp_path: Path) -> None:
    given = {"PATH": os.environ["PATH"], "COMMIT": "a", "REF": "", "REGISTRY": "r", "HEADGATE_TOKEN": "t"}
    given["HEADGATE_URL"] = "http://127.0.0.1:9"
    text = script(read(SHOP.replace('build: "services/web co", ', "image: web, ")), "headgate.yaml")
    text = text.replace("--retry 3", "--retry 0")
    done = subprocess.run(["sh", "-c", text], env=given, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "t\n" not in done.stderr
