"""Commands as people and scripts use them: the real program against a server on fakes."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.cli.conftest import HEADGATE, Run, Served
from tests.cli.terminal import on_a_terminal
from tests.web.world import FILE

from headgate.model.steps import describe


@pytest.fixture
def applied(served: Served, repository: Path) -> Served:
    """The shop is applied, v1 is stable in staging and production, v2 was built."""
    served.apply(repository, FILE)
    for version in ("v1", "v2"):
        served.shop.source.commit(str(repository), {"headgate.yaml": FILE}, subject=f"Make {version}", version=version)
        served.release()
    served.deploy("staging", "v1")
    served.deploy("production", "v1")
    return served


@pytest.fixture
def on_trial(applied: Served) -> Served:
    """v2 is on trial in production; nobody visits, so it stays so."""
    applied.deploy("staging", "v2")
    applied.deploy("production", "v2", until=lambda state: state.rollout and describe(state.rollout.step) == "analyze")
    return applied


class TestApply:
    def test_says_what_is_new_and_the_addresses(self, headgate: Run, repository: Path) -> None:
        out = headgate("apply").out
        assert out.startswith("shop: applied\n  staging\n    new: all-at-once on process\n    web: http://127.0.0.1:")
        assert "(preview http://127.0.0.1:" in out

    def test_says_that_nothing_changed(self, headgate: Run, repository: Path) -> None:
        headgate("apply")
        assert headgate("apply").out.startswith("shop: nothing has changed\n")
        assert headgate("apply", "--json").json()["changed"] is False

    def test_the_source_is_the_repository_and_the_file_below_it(
        self, headgate: Run, repository: Path, served: Served
    ) -> None:
        (repository / "deploy").mkdir()
        (repository / "headgate.yaml").rename(repository / "deploy" / "headgate.yaml")
        headgate("apply", "deploy/headgate.yaml")
        rules = served.shop.engine.applications["shop"].state.specification
        assert rules
        assert (rules.source, rules.file) == (str(repository.resolve()), "deploy/headgate.yaml")

    def test_every_problem_is_told_with_its_place(self, headgate: Run, repository: Path) -> None:
        (repository / "headgate.yaml").write_text(FILE.replace("port: 8000", "port: high"))
        err = headgate("apply", code=1).err
        assert err.startswith(
            "headgate: the file has 1 problem\n  where: headgate.yaml\n  headgate.yaml:6:11: services.web.port: "
        )
        assert "next:  Mend the file" in err

    def test_check_needs_no_server_and_says_the_same(self, headgate: Run, work: Path) -> None:
        (work / "headgate.yaml").write_text(FILE)
        assert headgate("apply", "--check").out == "headgate.yaml is right (shop)\n"
        (work / "headgate.yaml").write_text(FILE.replace("port: 8000", "port: high"))
        assert "headgate.yaml:6:11: services.web.port: " in headgate("apply", "--check", code=1).err

    def test_check_names_what_is_not_installed(self, headgate: Run, work: Path) -> None:
        (work / "headgate.yaml").write_text(FILE.replace("{platform: process", "{platform: ecs"))
        problems = json.loads(headgate("apply", "--check", "--json", code=1).err)["error"]["problems"]
        assert problems[0]["field"] == "environments.staging.platform"

    def test_a_file_outside_git_is_refused(self, headgate: Run, served: Served, work: Path) -> None:
        (work / "headgate.yaml").write_text(FILE)
        assert "git init" in headgate("apply", code=1, GIT_CEILING_DIRECTORIES=str(work.parent)).err

    @pytest.mark.parametrize(
        "content", [b"\xff\xfe", b"", b"x" * 600_000, b"\x00"], ids=["latin", "empty", "large", "nul"]
    )
    def test_a_file_that_is_none_is_refused(self, headgate: Run, work: Path, content: bytes) -> None:
        (work / "headgate.yaml").write_bytes(content)
        assert headgate("apply", "--check", code=1).err.startswith("headgate: the file ")

    def test_a_file_that_is_not_there(self, headgate: Run) -> None:
        assert "headgate init" in headgate("apply", code=1).err


class TestRelease:
    def test_prints_id_label_services_and_where_it_goes(self, headgate: Run, served: Served, repository: Path) -> None:
        headgate("apply")
        commit = served.shop.source.commit(str(repository), {"headgate.yaml": FILE}, subject="Sell more", version="v1")
        out = headgate("release").out
        assert out.splitlines()[0].endswith(f"  v1  {commit.sha[:10]}  Sell more")
        assert "  web: sha256:" in out
        assert "no environment takes it by itself: `headgate deploy ENV v1`" in out
        assert headgate("release", "v1", "--json").json()["commit"] == commit.sha

    def test_an_unknown_reference_is_refused(self, headgate: Run, served: Served, repository: Path) -> None:
        headgate("apply")
        served.shop.source.commit(str(repository), {"headgate.yaml": FILE})
        assert "nowhere" in headgate("release", "nowhere", code=1).err

    @pytest.mark.parametrize("reference", ["--upload-pack=x", "a b", "a\nb"])
    def test_a_reference_that_is_none_is_refused(self, headgate: Run, repository: Path, reference: str) -> None:
        headgate("apply")
        assert headgate("release", "--", reference, code=1).err.startswith("headgate: the request is not understood")

    def test_all_are_listed_newest_first(self, headgate: Run, applied: Served) -> None:
        lines = headgate("releases").out.splitlines()
        assert lines[0].split() == ["RELEASE", "LABEL", "COMMIT", "BRANCH", "WHERE", "SUBJECT"]
        assert [line.split()[1] for line in lines[1:]] == ["v2", "v1"]
        assert "staging (stable), production (stable)" in lines[2]


class TestRollouts:
    def test_status_is_a_table_and_json(self, headgate: Run, applied: Served) -> None:
        lines = headgate("status").out.splitlines()
        assert lines[0] == "shop"
        assert lines[2].split()[:2] == ["staging", "v1"]
        assert lines[4].split()[:2] == ["guarded", "-"]
        environments = headgate("status", "--json").json()["applications"][0]["environments"]
        assert [one["environment"] for one in environments] == ["staging", "production", "guarded"]

    def test_deploy_waits_for_the_end_when_told(self, headgate: Run, applied: Served) -> None:
        out = headgate("deploy", "staging", "v2", "--wait", "--why", "because").out
        assert out.startswith("v2 rolls out in staging; ")
        assert "v2 was asked for by " in out
        assert out.splitlines()[-1].endswith("ended, promoted: v1 stays warm") or "ended, promoted" in out

    def test_deploy_waits_in_json_lines(self, headgate: Run, applied: Served) -> None:
        events = [json.loads(line) for line in headgate("deploy", "staging", "v2", "--wait", "--json").out.splitlines()]
        assert events[0]["kind"] == "ReleaseRequested"
        assert (events[-1]["kind"], events[-1]["outcome"]) == ("RolloutEnded", "promoted")

    def test_an_abort_is_told_to_who_waits(self, headgate: Run, applied: Served, data: Path, work: Path) -> None:
        headgate("deploy", "staging", "v2", "--wait")
        command = [*HEADGATE, "deploy", "production", "v2", "--wait", "--data", str(data)]
        waiting = subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, text=True)
        assert waiting.stdout
        while "step 4 done" not in waiting.stdout.readline():
            assert waiting.poll() is None
        out = headgate("abort", "production", "--why", "too blue", "--wait").out
        assert out.startswith("the rollout of v2 in production is being aborted; traffic goes back to v1\n")
        assert waiting.wait(10) == 4
        assert "too blue" in waiting.stdout.read()

    def test_a_quarantined_release_is_refused_until_it_is_lifted(self, headgate: Run, on_trial: Served) -> None:
        headgate("abort", "production", "--why", "too blue", "--wait")
        err = headgate("deploy", "production", "v2", code=1).err
        assert err.splitlines()[0] == "headgate: v2 is quarantined: too blue"
        assert err.splitlines()[-1].endswith("lift it with `headgate lift v2 --why ...`")
        assert "WHERE" in headgate("releases").out
        assert headgate("lift", "v2", "--why", "it is meant to be blue").out == "v2 may be deployed again\n"
        headgate("deploy", "production", "v2")

    def test_pause_resume_promote_rollback(self, headgate: Run, on_trial: Served) -> None:
        assert "is paused" in headgate("pause", "production").out
        assert "paused" in headgate("status").out
        assert headgate("pause", "production", code=1).err.startswith("headgate: the rollout is already paused")
        assert "goes on in" in headgate("resume", "production").out
        assert "ended, promoted" in headgate("promote", "production", "--wait").out
        assert "production: safe back to v1\n" in headgate("status").out
        assert headgate("rollback", "production", "--wait").out.startswith("production goes back to v1; ")
        rows = headgate("history", "production").out.splitlines()
        assert [row.split()[2] for row in rows[1:]] == ["rollback", "deploy", "deploy"]

    @pytest.mark.slow
    def test_how_far_back_one_may_go_is_said_by_plan(self, headgate: Run, on_trial: Served, work: Path) -> None:
        headgate("promote", "production", "--wait")
        (work / "headgate.yaml").write_text(FILE)
        assert "  safe back to v1\n" in headgate("plan", "--rate", "300/s").out

    def test_rollback_to_what_never_was_there(self, headgate: Run, applied: Served) -> None:
        assert "v9 was never stable here" in headgate("rollback", "production", "--to", "v9", code=1).err

    def test_a_gate_is_approved(self, headgate: Run, applied: Served) -> None:
        assert headgate("deploy", "guarded", "v1").out == "v1 waits in guarded; `headgate why guarded` says for what\n"
        assert "waits for: v1 waits for a gate: 0 of 1 approvals (from ann)" in headgate("why", "guarded").out
        assert "v1 waits" in headgate("status").out
        unseen = headgate("approve", "guarded", "--by", "ann", code=2).err
        assert "nobody would see here what is approved" in unseen
        assert "--set DIGEST" in unseen
        assert headgate("approve", "guarded", "--by", "ann", "--yes").out.startswith("approved; ")

    def test_a_release_that_gave_way_is_told_to_who_waits(
        self, headgate: Run, applied: Served, data: Path, work: Path
    ) -> None:
        command = [*HEADGATE, "deploy", "guarded", "v1", "--wait", "--data", str(data)]
        waiting = subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, text=True)
        assert waiting.stdout
        assert waiting.stdout.readline().startswith("v1 waits in guarded")
        headgate("deploy", "guarded", "v2")
        assert waiting.wait(10) == 5

    def test_why_ends_with_what_is_waited_for(self, headgate: Run, applied: Served) -> None:
        assert headgate("why", "staging").out.splitlines()[-1] == "waits for nothing"
        assert headgate("why", "staging", "--json").json()["waits_for"] == []

    def test_history_has_every_event(self, headgate: Run, applied: Served) -> None:
        out = headgate("history", "staging", "--events").out
        assert "v1 was asked for by" in out
        assert "ended, promoted" in out
        lines = headgate("history", "staging", "--events", "--json").out.splitlines()
        assert json.loads(lines[0])["kind"] == "ReleaseRequested"
        assert headgate("history", "guarded").out.startswith("no rollout has ended in guarded yet")


class TestWatch:
    def test_with_nothing_in_flight_says_so(self, headgate: Run, applied: Served) -> None:
        assert headgate("watch", "staging").out.splitlines()[-1].startswith("nothing is in flight in staging")

    @pytest.mark.parametrize("form", [[], ["--json"]], ids=["lines", "json"])
    def test_ends_with_the_rollout_and_its_outcome(
        self, headgate: Run, on_trial: Served, data: Path, work: Path, form: list[str]
    ) -> None:
        command = [*HEADGATE, "watch", "production", "--data", str(data), *form]
        watching = subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        headgate("abort", "production", "--why", "too blue")
        assert watching.wait(10) == 4
        assert watching.stdout
        lines = watching.stdout.read().splitlines()
        assert any("aborted by" in line and "too blue" in line for line in lines)
        if form:
            assert {key for line in lines for key in json.loads(line)} == {"state", "event"}

    @pytest.mark.real
    def test_a_terminal_gets_a_picture(self, on_trial: Served, data: Path, work: Path) -> None:
        screen = on_a_terminal([*HEADGATE, "watch", "production", "--data", str(data)], work, seconds=3)
        for part in ("shop / production", "weight 5", "analyze", "requests/s", "v2 (candidate)", "waits for:"):
            assert part in screen

    def test_interrupted_is_quiet(self, on_trial: Served, data: Path, work: Path) -> None:
        command = [*HEADGATE, "watch", "production", "--data", str(data)]
        watching = subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert watching.stdout
        watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) == 130
        assert watching.stderr
        assert watching.stderr.read() == ""


class TestHostileText:
    """Commit subjects and log lines are written by others."""

    def test_log_lines_cannot_command_the_terminal(self, headgate: Run, applied: Served) -> None:
        lines = headgate("logs", "staging", "-n", "2").out.splitlines()
        assert lines == ["web.1 | line 0 [bold]", "web.1 | line 1 [bold]"]
        assert json.loads(headgate("logs", "staging", "-n", "1", "--json").out)["line"].startswith("web.1 | \x1b[31m")

    def test_subjects_cannot(self, headgate: Run, served: Served, repository: Path) -> None:
        headgate("apply")
        subject = "\x1b]0;pwned\x07[red]Blue[/red] \u202eevil\r\x1b[2J"
        served.shop.source.commit(str(repository), {"headgate.yaml": FILE}, subject=subject)
        out = headgate("release").out + headgate("releases").out
        assert "[red]Blue[/red]" in out
        assert not set(out) & set("\x1b\x07\r\u202e")

    @pytest.mark.real
    def test_nor_on_a_terminal(self, headgate: Run, served: Served, repository: Path, data: Path) -> None:
        headgate("apply")
        served.shop.source.commit(str(repository), {"headgate.yaml": FILE}, subject="[red]Blue[/red]\x1b]0;pwned\x07")
        headgate("release")
        shown = on_a_terminal([*HEADGATE, "releases", "--data", str(data)], repository, seconds=2)
        assert "[red]Blue[/red]" in shown
        assert "pwned" not in shown


class TestApplication:
    def test_that_of_the_folder_above_is_meant(self, headgate: Run, applied: Served, repository: Path) -> None:
        (repository / "services").mkdir()
        assert headgate("why", "staging", cwd=repository / "services").out

    def test_the_only_one_is_meant(self, headgate: Run, applied: Served, tmp_path: Path) -> None:
        assert headgate("why", "staging", cwd=tmp_path).out

    def test_of_several_one_is_to_be_named(
        self, headgate: Run, applied: Served, repository: Path, tmp_path: Path
    ) -> None:
        (repository / "other.yaml").write_text(FILE.replace("application: shop", "application: other"))
        headgate("apply", "other.yaml")
        err = headgate("why", "staging", cwd=tmp_path, code=2).err
        assert err.splitlines()[0] == "headgate: which application? There are shop, other"
        assert headgate("why", "staging", "-a", "shop", cwd=tmp_path).out
        assert len(headgate("status", "--json", cwd=tmp_path).json()["applications"]) == 2

    def test_an_unknown_one_is_refused(self, headgate: Run, applied: Served) -> None:
        assert "there is no application 'x'" in headgate("status", "-a", "x", code=1).err
        assert "no environment 'x'" in headgate("why", "x", code=1).err

    @pytest.mark.parametrize("name", ["../..", "", "a/b", "%2e%2e", "..", "\x1b[31m", "\udcff"])
    def test_a_name_that_is_none_is_refused(self, headgate: Run, applied: Served, name: str) -> None:
        for command in ("why", "rollback", "deploy"):
            headgate(command, name, code=2 if "/" in name or not name else 1)
