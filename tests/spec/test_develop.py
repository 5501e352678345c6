"""An environment as a developer runs it: its configuration, and none of the rules that judge a release."""

from datetime import timedelta

import pytest

from headgate.model.rules import Strategy
from headgate.model.services import Value
from headgate.spec.develop import development
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read

FILE = """\
application: shop
services:
  web: {port: 8000, command: [serve], env: {SECRET: {secret: shop/web}}}
environments:
  dev:
    platform: kubernetes
    strategy: {canary: {steps: [5]}}
    checks: [{name: load, load: {rate: 5/s, for: 10s}}]
    gates: [{freeze: "Fri 16:00 - Mon 08:00 Europe/London"}]
    listen: {web: 8080}
    replicas: {web: 3}
    env: {SECRET: not one, LOG_LEVEL: debug}
    bake: 1h
  production: {platform: kubernetes}
"""


def test_its_configuration_counts_and_its_rules_do_not() -> None:
    found = development(read(FILE), "dev", "/src/shop", "headgate.yaml")
    assert (found.name, found.source, found.file) == ("shop", "/src/shop", "headgate.yaml")
    (rules,) = found.environments
    assert (rules.platform, rules.strategy, rules.gates, rules.checks) == ("process", Strategy("all-at-once"), (), ())
    assert (rules.deploy, rules.concurrency, rules.bake, rules.after) == ("on-build", "replace", timedelta(0), None)
    assert (rules.listen, rules.replicas) == ({"web": 8080}, {"web": 3})
    assert rules.env == {"SECRET": Value("plain", "not one"), "LOG_LEVEL": Value("plain", "debug")}


@pytest.mark.parametrize(
    ("old", "new", "environment", "problem"),
    [
        pytest.param("", "", "devint", "an environment devint; there are: dev, production", id="no such environment"),
        pytest.param("SECRET: not one, ", "", "dev", "headgate.yaml:3:", id="a secret that nothing resolves"),
        pytest.param("LOG_LEVEL: debug", "X: {terraform: y}", "dev", "headgate.yaml:12:", id="an output of nobody's"),
        pytest.param(", command: [serve]", ", image: shop", "dev", "a service with a command", id="an image only"),
    ],
)
def test_what_cannot_run_here_is_told_with_its_place(old: str, new: str, environment: str, problem: str) -> None:
    with pytest.raises(SpecificationError) as refused:
        development(read(FILE.replace(old, new, 1) if old else FILE), environment, "/src", "headgate.yaml")
    assert problem in str(refused.value)
