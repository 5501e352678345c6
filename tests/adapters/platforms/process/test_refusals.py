"""What a user may write and a platform must not obey: names, variables, folders."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.platforms.process.stage import ProcessStage, service_of

from headgate.adapters.machine.folders import NAME, checked, environment_folder
from headgate.adapters.machine.spawn import folder_below, inherited
from headgate.adapters.machine.variables import expand, service_variables
from headgate.adapters.platforms.process import ProcessPlatform, ProcessSettings
from headgate.model.checks import Check, Job
from headgate.model.ids import EnvironmentId, JobId, ReleaseId, RevisionId
from headgate.model.releases import Revision
from headgate.model.services import Value
from headgate.ports import AdapterError
from headgate.testing.contracts.platform import PRODUCTION

HOSTILE = ["../x", "/etc", "", ".", "..", "a/b", "a\0b", "-rf", ".hidden", "a b", "é", "x" * 101, "a\n", "$HOME", "~"]


@pytest.mark.parametrize("name", HOSTILE)
class TestNames:
    async def test_an_environment_is_refused(self, tmp_path: Path, name: str) -> None:
        platform = ProcessPlatform(ProcessSettings(data=tmp_path / "data", releases=tmp_path))
        for environment in (f"{name}/production", f"pcw/{name}"):
            with pytest.raises(AdapterError, match="refused"):
                await platform.observe(EnvironmentId(environment))

    async def test_a_revision_release_or_service_is_refused_before_anything_starts(
        self, stage: ProcessStage, name: str
    ) -> None:
        well = stage.revision("one")
        for revision in (
            Revision(RevisionId(name), PRODUCTION, well.release, "c", "one", well.services),
            Revision(well.id, PRODUCTION, ReleaseId(name), "c", "one", well.services),
            Revision(well.id, PRODUCTION, well.release, "c", "one", (service_of("well", 1, name=name),)),
        ):
            with pytest.raises(AdapterError, match="refused"):
                await stage.platform.run(revision)
        assert not await stage.platform.observe(PRODUCTION)

    async def test_a_job_is_refused(self, stage: ProcessStage, name: str) -> None:
        with pytest.raises(AdapterError, match="refused"):
            await stage.platform.observe_job(PRODUCTION, JobId(name))
        job = Job(JobId(name), PRODUCTION, RevisionId(name), Check("e2e", "run", "true"), {}, {})
        with pytest.raises(AdapterError, match="refused"):
            await stage.platform.run_job(job)


async def test_the_kernels_version_is_told(stage: ProcessStage) -> None:
    assert (await stage.platform.version(PRODUCTION)).startswith(f"Linux {os.uname().release}")


@given(st.text())
def test_a_name_that_passes_stays_inside_its_folder(name: str) -> None:
    try:
        path = Path("/data") / checked("service", name)
    except AdapterError:
        return
    assert Path(os.path.normpath(path)).parent == Path("/data")
    assert NAME.fullmatch(path.name)


def test_folders_are_private(tmp_path: Path) -> None:
    folder = environment_folder(tmp_path / "data", PRODUCTION)
    for path in (folder.instances, *folder.instances.parents):
        if path == tmp_path:
            break
        assert path.stat().st_mode & 0o077 == 0, path


class TestVariables:
    @pytest.mark.parametrize(
        ("text", "becomes"),
        [
            ("--port=$PORT", "--port=80"),
            ("${PORT}0", "800"),
            ("$$PORT", "$PORT"),
            ("^x$", "^x$"),
            ("$(id) `id` ; rm", "$(id) `id` ; rm"),
            ("$AGAIN", "$PORT"),
        ],
    )
    def test_names_are_expanded_once_and_nothing_else(self, text: str, becomes: str) -> None:
        assert expand(text, {"PORT": "80", "AGAIN": "$PORT"}, "web") == becomes

    @pytest.mark.parametrize("text", ["$NOPE", "${NOPE}", "${}", "${PORT:-1}"])
    def test_an_unknown_name_is_told_with_the_known_ones(self, text: str) -> None:
        with pytest.raises(AdapterError, match=r"web, command: .* is not known \(known: HOST, PORT\)"):
            expand(text, {"PORT": "80", "HOST": "h"}, "web, command")

    @given(st.text())
    def test_any_text_is_expanded_or_refused(self, text: str) -> None:
        try:
            assert "$" in text or expand(text, {}, "web") == text
        except AdapterError:
            pytest.fail("nothing to expand, and still refused")

    @pytest.mark.parametrize("kind", ["secret", "terraform"])
    async def test_what_was_not_resolved_is_named(self, stage: ProcessStage, kind: str) -> None:
        revision = stage.revision("one", env={"DATABASE_URL": Value(kind, "pcw/database")})  # type: ignore[arg-type]
        expected = f"pcw/production, service web, variable DATABASE_URL: the {kind} 'pcw/database' was not resolved"
        with pytest.raises(AdapterError, match=expected):
            await stage.platform.run(revision)

    @pytest.mark.parametrize("name", ["A=B", "", "1A", "A B", "A\0"])
    def test_a_bad_name_is_refused(self, name: str) -> None:
        with pytest.raises(AdapterError, match="a variable's name"):
            service_variables(service_of("well", 1, env={name: Value("plain", "x")}), {}, {}, "web")

    def test_only_what_a_process_needs_is_passed_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("PYTHONPATH", "LD_PRELOAD", "TOKEN", "XPATH", "LC_ALL", "TZ"):
            monkeypatch.setenv(name, "x")
        expected = {"PATH", "HOME", "LANG", "TZ", "LC_ALL", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
        assert inherited().keys() <= expected
        assert {"LC_ALL", "TZ"} <= inherited().keys()


class TestStart:
    @pytest.mark.parametrize("build", ["../..", "/etc", "services/../../.."])
    def test_a_folder_out_of_the_release_is_refused(self, tmp_path: Path, build: str) -> None:
        with pytest.raises(AdapterError, match="leads out of the release"):
            folder_below(tmp_path, build, "web")

    def test_a_link_out_of_the_release_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "release").mkdir()
        (tmp_path / "release" / "web").symlink_to("/etc")
        with pytest.raises(AdapterError, match="leads out of the release"):
            folder_below(tmp_path / "release", "web", "web")

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"command": ()}, "has no command"),
            ({"command": ("no-such-program",)}, "Cannot start 'no-such-program' in .*: No such file or directory"),
            ({"command": ("python", "a\0b")}, "Cannot start 'python' in .*: embedded null byte"),
            ({"build": "services/none"}, "there is no folder .*/services/none; was the release laid out"),
        ],
    )
    async def test_what_cannot_start_says_why_and_leaves_nothing(
        self, stage: ProcessStage, changes: dict[str, object], said: str
    ) -> None:
        with pytest.raises(AdapterError, match=said):
            await stage.platform.run(stage.revision("one", **changes))
        assert not await stage.platform.observe(PRODUCTION)
        await stage.restart()
        assert not await stage.platform.observe(PRODUCTION)

    @pytest.mark.real
    async def test_one_service_that_cannot_start_does_not_keep_the_others(self, stage: ProcessStage) -> None:
        well = stage.revision("one")
        broken = service_of("well", 1, name="broken", command=("no-such-program",))
        both = Revision(well.id, PRODUCTION, well.release, "c", "one", (broken, *well.services))
        with pytest.raises(AdapterError, match="no-such-program"):
            await stage.platform.run(both)
        assert [one.service for one in await stage.platform.observe(PRODUCTION)] == ["web"]
