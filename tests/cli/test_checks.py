"""headgate checks: attempts of a release, one line of them in status and why, what they printed and left."""

from dataclasses import replace
from pathlib import Path

from tests.cli.conftest import Run, Served
from tests.web.world import FILE

RULES = FILE.replace(
    "staging: {platform: process, strategy: all-at-once}",
    "staging: {platform: process, strategy: all-at-once, checks: [{name: e2e, run: pytest}]}",
)


def test_attempts_are_told_and_what_they_left_is_copied(
    headgate: Run, served: Served, repository: Path, tmp_path: Path
) -> None:
    (repository / "headgate.yaml").write_text(RULES)
    headgate("apply")
    served.shop.source.commit(str(repository), {"headgate.yaml": RULES}, subject="Sell more", version="v1")
    served.release()
    served.deploy("staging", "v1")
    assert "nothing was kept" in headgate("checks", "staging", "--save", str(tmp_path / "kept")).out
    wheel = served.shop.engine.application("shop").wheel("staging")
    (release,) = wheel.state.checks
    smoke, e2e, last = wheel.state.checks[release]
    e2e = replace(e2e, sentence="3 tests passed", numbers={"tests": 3.0}, artifacts=("shots/a.png",))
    wheel.state = replace(wheel.state, checks={release: (smoke, e2e, last)})

    line = "smoke passed, e2e passed (3 tests); where users are: smoke passed"
    out = headgate("checks", "staging", "--save", str(tmp_path / "kept")).out
    assert out.splitlines()[0] == f"v1: {line}"
    assert "3 tests passed" in out
    assert (tmp_path / "kept" / f"e2e-{e2e.job}" / "shots" / "a.png").read_bytes().endswith(b"\x89PNG")
    assert headgate("checks", "staging", "--json").json()["checks"][1]["numbers"] == {"tests": 3}
    assert headgate("checks", "staging", "--log", "e2e").out.startswith(f"{e2e.job} says ")
    assert "Checks that ran: smoke, e2e" in headgate("checks", "staging", "--log", "e3e", code=1).err
    for command in (("status",), ("why", "staging")):
        assert f"checks of v1: {line}" in headgate(*command).out
