"""Variables of a file: their layers, each with its place, and how a secret is handed over."""

import pytest

from headgate.model.services import Value
from headgate.spec.compile import application, services
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read

FILE = """\
application: shop
env: {LOG_LEVEL: info, TZ: UTC}
services:
  web: {port: 8000, command: [serve], env: {LOG_LEVEL: debug}}
environments:
  production:
    platform: process
    env:
      PASSWORD: {secret: shop/db, store: main, as: file}
    services:
      web:
        env: {LOG_LEVEL: warning}
"""


def test_what_travels_in_the_release() -> None:
    (web,) = services(read(FILE, "headgate.yaml"))
    assert web.env == {"LOG_LEVEL": Value("plain", "debug"), "TZ": Value("plain", "UTC")}
    assert web.env["LOG_LEVEL"].origin == "services.web.env (headgate.yaml:4)"
    assert web.env["TZ"].origin == "env (headgate.yaml:2)"


def test_what_the_applied_rules_say() -> None:
    production = application(read(FILE, "headgate.yaml"), "/s", "headgate.yaml").environments[0]
    assert production.env == {"PASSWORD": Value("secret", "shop/db", "main", as_file=True)}
    assert production.service_env == {"web": {"LOG_LEVEL": Value("plain", "warning")}}
    assert production.service_env["web"]["LOG_LEVEL"].origin.endswith("(headgate.yaml:12)")


def test_a_secret_on_a_command_line_is_refused_before_anything_starts() -> None:
    text = FILE.replace("command: [serve]", 'command: [serve, "--password=${PASSWORD}", "$$PASSWORD"]')
    assert read(text).services["web"].command  # a file's path may stand there
    with pytest.raises(SpecificationError) as caught:
        read(text.replace(", as: file", ""))
    (problem,) = caught.value.problems
    assert str(problem).startswith("headgate.yaml:4:")
    assert "services.web.command[1]" in str(problem)
    assert "$PASSWORD is a secret" in str(problem)
