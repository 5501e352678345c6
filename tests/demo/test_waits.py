"""The demo's headgate.yaml follows from the example's, and is valid."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from headgate.bootstrap import present
from headgate.cli.demo.waits import contained, shortened
from headgate.cli.failure import Failure
from headgate.model.rules import Tolerance
from headgate.spec.compile import application
from headgate.spec.missing import missing
from headgate.spec.read import read

EXAMPLE = (Path(__file__).parents[2] / "examples" / "pcw" / "headgate.yaml").read_text()


def with_docker() -> str:
    """As its first comment says."""
    registry = next(line for line in EXAMPLE.splitlines() if line.startswith("#   registry:"))
    head, environments, rest = EXAMPLE.partition("\nenvironments:")
    dev, devint, later = rest.partition("\n  devint:")
    later = later.replace("platform: process", "platform: docker")
    return f"{registry.removeprefix('#   ')}\n{head}{environments}{dev}{devint}{later}"


@pytest.mark.parametrize("text", [EXAMPLE, with_docker()], ids=["as it stands", "with docker"])
def test_the_example_is_valid(text: str) -> None:
    assert [str(problem) for problem in missing(read(text), present())] == []


def test_the_example_goes_the_whole_way() -> None:
    rules = application(read(EXAMPLE), "/source", "headgate.yaml")
    assert [(e.name, e.deploy, e.after, e.integrate) for e in rules.environments] == [
        ("dev", "on-request", None, False),
        ("devint", "on-build", None, True),
        ("qa", "on-request", None, False),
        ("staging", "on-build", None, False),
        ("production", "on-advance", "staging", False),
    ]


def test_it_is_valid_and_all_it_asks_for_is_here() -> None:
    assert [str(problem) for problem in missing(read(shortened(EXAMPLE)), present())] == []


def test_only_staging_and_production_are_left_and_releases_advance_by_themselves() -> None:
    rules = application(read(shortened(EXAMPLE)), "/source", "headgate.yaml")
    assert [(e.name, e.deploy, e.after) for e in rules.environments] == [
        ("staging", "on-build", None),
        ("production", "on-advance", "staging"),
    ]


def test_only_waits_steps_and_margins_of_latency_change() -> None:
    given, made = (application(read(text), "/source", "headgate.yaml") for text in (EXAMPLE, shortened(EXAMPLE)))
    before, after = given.environment("production"), made.environment("production")
    assert before
    assert after
    assert after.strategy.weights == (10, 25, 50)
    assert after.strategy.sticky
    assert after.bake == timedelta(seconds=5)
    assert after.analysis.at_least == timedelta(seconds=6)
    assert after.analysis.interval == timedelta(seconds=1)
    assert after.analysis.latency == Tolerance(0.45, 0.9)
    assert after.analysis.p99 == Tolerance(0.45, 1.2)
    same = ("errors", "minimum_requests", "false_rollback_rate")
    assert all(getattr(before.analysis, name) == getattr(after.analysis, name) for name in same)
    assert (before.gates, after.gates) != ((), ()), "the demo has no QA that could sign off"
    assert after.gates == ()
    assert given.environment("staging") == made.environment("staging")


def test_releases_are_made_when_the_demo_asks() -> None:
    """It reverts a bad version by a commit: followed, that would set out in the middle of the next act."""
    assert application(read(shortened(EXAMPLE)), "/source", "headgate.yaml").following.releases == "on-announce"


BASE = "127.0.0.1:5000/headgate-demo-1/base:1"


def contained_one() -> str:
    return contained(shortened(EXAMPLE), "http://127.0.0.1:5000", "headgate-demo-1", BASE)


def test_in_containers_it_is_valid_as_well() -> None:
    assert [str(problem) for problem in missing(read(contained_one()), present())] == []


def test_in_containers_only_platform_registry_and_base_are_others() -> None:
    before, after = (application(read(text), "/source", "f") for text in (shortened(EXAMPLE), contained_one()))
    assert after.registry
    assert after.registry.kind == "docker"
    assert dict(after.registry.settings)["url"] == "http://127.0.0.1:5000"
    assert [environment.platform for environment in after.environments] == ["docker", "docker"]
    assert before == replace(
        after, registry=None, environments=tuple(replace(one, platform="process") for one in after.environments)
    )


def test_services_stay_as_they_are() -> None:
    assert read(shortened(EXAMPLE)).services == read(EXAMPLE).services


def test_comments_stay() -> None:
    assert "# BASE_URL is the candidate's preview address." in shortened(EXAMPLE)


@pytest.mark.parametrize(
    "key", ["environments:", "  production:", "    analysis:", "      latency:", "    bake:", "    strategy: {canary"]
)
def test_a_file_that_changed_too_much_is_refused_by_name(key: str) -> None:
    lines = EXAMPLE.splitlines()
    place = max(n for n, line in enumerate(lines) if line.startswith(key))
    lines[place] = lines[place].replace(key.strip().rstrip(":"), "other", 1)
    with pytest.raises(Failure, match="has no environments"):
        shortened("\n".join(lines))


def test_of_ci_only_the_quick_step_is_left() -> None:
    given, made = (application(read(text), "/source", "headgate.yaml") for text in (EXAMPLE, shortened(EXAMPLE)))
    assert [step.name for step in given.ci] == ["unit", "test", "scan", "secrets"]
    assert [step for step in given.ci if step.name == "unit"] == list(made.ci)
