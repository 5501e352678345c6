"""The section `pipeline`: steps in order or by what they need, and what cannot hold together is told."""

from datetime import timedelta

import pytest
from tests.spec.files import PRESENT, SMALL

from headgate.model.builds import CiStep
from headgate.spec.compile import application
from headgate.spec.missing import missing
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read


def file(*steps: str) -> str:
    return SMALL + "pipeline:\n  ci:\n" + "".join(f"    - {{{step}}}\n" for step in steps)


def compiled(*steps: str) -> tuple[CiStep, ...]:
    return application(read(file(*steps)), "/s", "f").ci


def test_by_themselves_steps_come_one_after_the_other() -> None:
    steps = ("name: a, run: x", "name: b, run: x", "name: c, run: x, needs: []", "name: d, run: x, needs: [a, c, a]")
    found = compiled(*steps)
    assert [(step.name, step.needs) for step in found] == [("a", ()), ("b", ("a",)), ("c", ()), ("d", ("a", "c"))]


def test_every_field_arrives() -> None:
    (step,) = compiled(
        "name: scan, run: trivy, timeout: 90s, image: 'a/trivy:1', cache: [.cache, a/b], artifacts: ['dist/**/*'],"
        " junit: 'r/*.xml', sarif: out.sarif, severity: note"
    )
    assert step == CiStep(
        "scan", "trivy", (), timedelta(seconds=90), "a/trivy:1", (".cache", "a/b"), ("dist/**/*",), "r/*.xml",
        "out.sarif", "note",
    )  # fmt: skip


def test_the_defaults_are_the_models() -> None:
    assert compiled("name: test, run: pytest") == (CiStep("test", "pytest"),)
    assert application(read(SMALL), "/s", "f").ci == ()


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            ["name: a, run: x", "name: a, run: x"],
            "pipeline.ci[1].name: found a; allowed: steps with names of their own. Give this one another name.",
        ),
        (
            ["name: test, run: x", "name: b, run: x, needs: [tests]"],
            "pipeline.ci[1].needs[0]: found tests; allowed: a step: test, b. Did you mean test?",
        ),
        (["name: a, run: x, needs: [a]"], "found a; allowed: an order without a circle. a itself waits for a."),
        (
            ["name: a, run: x, needs: [b]", "name: b, run: x"],
            "pipeline.ci[0].needs[0]: found b; allowed: an order without a circle. b itself waits for a.",
        ),
        (
            ["name: a, run: x, needs: [c]", "name: b, run: x, needs: [a]", "name: c, run: x, needs: [b]"],
            "pipeline.ci[1].needs[0]: found a; allowed: an order without a circle. a itself waits for b.",
        ),
        (["name: a, run: x, artifacts: ['../x']"], "artifacts[0]: found ../x; allowed: files below the checkout"),
        (["name: a, run: x, junit: /etc/passwd"], "junit: found /etc/passwd; allowed: files below the checkout"),
        (["name: a, run: x, cache: ['..']"], "cache[0]: found ..; allowed: a folder below"),
        (["name: a, run: x, severity: high"], "severity: found high; allowed: error, warning, note, never"),
        (["name: a, run: x, timeout: 0s"], "timeout: found 0s; allowed:"),
        (["run: x"], "allowed: name, which is required"),
        (
            ["name: a, run: x, container: {memory: 1GiB}"],
            "pipeline.ci[0]: found a mapping; allowed: container together with image. Add `image: NAME`",
        ),
        (["name: a, run: x, image: i, container: {user: root}"], "user: found root; allowed: numbers, UID or UID:GID"),
    ],
)
def test_what_cannot_hold_is_told(steps: list[str], message: str) -> None:
    with pytest.raises(SpecificationError) as caught:
        read(file(*steps))
    assert message in str(caught.value)


def test_a_container_where_there_is_none_is_refused_by_the_steps_name() -> None:
    text = file("name: scan, run: trivy, image: trivy")
    (problem,) = missing(read(text), {**PRESENT, "ci": {"run"}})
    assert problem.field == "pipeline.ci[0].image"
    assert problem.remedy == "Nothing here runs steps in containers: without it, step scan runs on the host."
    assert missing(read(text), {**PRESENT, "ci": {"run", "image"}}) == []
