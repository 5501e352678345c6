"""headgate lint in real repositories: the work tree, the index, the hook, the baseline."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.cli.commands.lint import lint
from headgate.cli.failure import Failure
from headgate.cli.lint import hook

ROOT = Path(__file__).parents[3]
PASSWORD = "hunter2" + "Zq9"
BAD = f'db_password = "{PASSWORD}"\n'
GOOD = 'db_password = os.environ["DB"]\n'


def git(*arguments: str) -> str:
    ran = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return ran.stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "gitconfig").write_text("[user]\nname = Ann\nemail = ann@example.org\n")
    monkeypatch.chdir(folder)
    git("init", "-q", "-b", "main")
    return folder


def test_this_repository_is_clean(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code; all of it is `headgate lint` without paths, which takes seconds."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    monkeypatch.chdir(ROOT)
    found = lint(["examples/pcw", "src/headgate/spec", "src/headgate/web", "pyproject.toml"])
    assert found == 0, capsys.readouterr().out


@pytest.mark.slow
def test_all_of_this_repository_is_clean(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    monkeypatch.chdir(ROOT)
    assert lint() == 0, capsys.readouterr().out


def test_the_exit_code_and_the_place(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "a.py").write_text(BAD)
    (repository / "b.py").write_text(GOOD)
    assert lint() == 1
    told = capsys.readouterr().out
    assert "a.py:1:16: secret-keyword: " in told
    assert PASSWORD not in told
    assert lint(["b.py"]) == 0


def test_what_git_ignores_is_not_looked_at(repository: Path) -> None:
    (repository / ".gitignore").write_text("local.py\n")
    (repository / "local.py").write_text(BAD)
    assert lint() == 0


def test_a_path_that_is_not_there(repository: Path) -> None:
    with pytest.raises(Failure, match=r"there is no 'nothing\.py'"):
        lint(["nothing.py"])


def test_staged_is_the_index_and_not_the_work_tree(repository: Path) -> None:
    path = repository / "a.py"
    path.write_text(BAD)
    git("add", "a.py")
    path.write_text(GOOD)
    assert lint(staged=True) == 1
    git("add", "a.py")
    path.write_text(BAD)
    assert lint(staged=True) == 0


def test_staged_looks_at_what_changed_only(repository: Path) -> None:
    (repository / "old.py").write_text(BAD)
    git("add", "old.py")
    git("commit", "-q", "-m", "old")
    (repository / "with space ü.py").write_text(GOOD)
    git("add", ".")
    assert lint(staged=True) == 0
    (repository / "with space ü.py").write_text(BAD)
    git("add", ".")
    assert lint(staged=True) == 1


def test_a_link_is_not_followed(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text(BAD)
    (repository / "a.py").symlink_to(tmp_path / "outside.py")
    git("add", ".")
    assert lint() == lint(staged=True) == 0


class TestBaseline:
    def test_accepts_what_is_there_and_nothing_more(self, repository: Path) -> None:
        (repository / "a.py").write_text(BAD)
        assert lint(update_baseline=True, why="of before; issue 12 takes it out") == 0
        assert PASSWORD not in (repository / ".headgate-lint.json").read_text()
        assert lint() == 0
        (repository / "a.py").write_text("\n\n" + BAD)
        assert lint() == 0, "a line that moved is the same"
        (repository / "a.py").write_text(BAD.replace("Zq9", "Zq8"))
        assert lint() == 1, "another password is another finding"

    def test_forgets_what_is_gone_and_keeps_reasons(self, repository: Path) -> None:
        (repository / "a.py").write_text(BAD)
        (repository / "b.py").write_text(BAD)
        lint(update_baseline=True, why="first reason")
        (repository / "b.py").write_text(GOOD)
        lint(update_baseline=True, why="second reason")
        accepted = json.loads((repository / ".headgate-lint.json").read_text())["accepted"]
        assert [(one["path"], one["why"]) for one in accepted] == [("a.py", "first reason")]

    def test_says_why(self, repository: Path) -> None:
        with pytest.raises(Failure, match="says why"):
            lint(update_baseline=True)

    def test_of_the_index_when_asked_of_the_index(self, repository: Path) -> None:
        (repository / "a.py").write_text(BAD)
        lint(update_baseline=True, why="of before")
        git("add", "a.py")
        assert lint(staged=True) == 1
        git("add", ".")
        assert lint(staged=True) == 0

    def test_path_rules(self, repository: Path) -> None:
        (repository / "a.py").write_text(BAD)
        rule = {"glob": "*.py", "rules": ["secret-keyword"], "why": "generated"}
        value = {"version": 1, "salt": "0" * 32, "paths": [rule], "accepted": []}
        (repository / ".headgate-lint.json").write_text(json.dumps(value))
        assert lint() == 0

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            '{"version": 2}',
            '{"version": 1, "salt": "zz", "accepted": []}',
            '{"version": 1, "salt": "00", "accepted": []}',
            '{"version": 1, "salt": "' + "0" * 32 + '", "accepted": [{"rule": "x", "path": "a", "tag": "b"}]}',
            '{"version": 1, "salt": "' + "0" * 32 + '", "accepted": [], "paths": [{"glob": "*", "rules": ["all"]}]}',
        ],
    )
    def test_that_cannot_be_understood(self, repository: Path, text: str) -> None:
        (repository / ".headgate-lint.json").write_text(text)
        with pytest.raises(Failure, match="cannot be understood") as caught:
            lint()
        assert caught.value.code == 2


class TestHook:
    def test_refuses_a_commit(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        assert lint(install_hook=True) == 0
        (repository / "a.py").write_text(BAD)
        git("add", ".")
        ran = subprocess.run(["git", "commit", "-q", "-m", "x"], capture_output=True, text=True, check=False)
        assert ran.returncode == 1
        assert "secret-keyword" in ran.stdout + ran.stderr
        assert PASSWORD not in ran.stdout + ran.stderr

    def test_is_written_again(self, repository: Path) -> None:
        assert hook.install(repository) == hook.install(repository)

    def test_overwrites_nobodys(self, repository: Path) -> None:
        theirs = repository / ".git/hooks/pre-commit"
        theirs.parent.mkdir(exist_ok=True)
        theirs.write_text("#!/bin/sh\nexit 0\n")
        with pytest.raises(Failure, match="somebody else's"):
            hook.install(repository)
        assert theirs.read_text() == "#!/bin/sh\nexit 0\n"

    def test_goes_where_git_looks(self, repository: Path) -> None:
        git("config", "core.hooksPath", ".githooks")
        assert hook.install(repository) == repository.resolve() / ".githooks/pre-commit"

    def test_not_out_of_the_repository(self, repository: Path, tmp_path: Path) -> None:
        git("config", "core.hooksPath", str(tmp_path / "shared"))
        with pytest.raises(Failure, match="leads out"):
            hook.install(repository)
        assert not (tmp_path / "shared").exists()

    def test_of_a_linked_work_tree_is_the_repositorys(self, repository: Path, tmp_path: Path) -> None:
        git("commit", "-q", "--allow-empty", "-m", "x")
        git("worktree", "add", "-q", str(tmp_path / "linked"))
        assert hook.install(tmp_path / "linked") == (repository / ".git/hooks/pre-commit").resolve()


def test_sarif_is_what_ci_reads(repository: Path) -> None:
    (repository / "a b.py").write_text(BAD)
    assert lint(sarif="found.sarif") == 1
    value = json.loads((repository / "found.sarif").read_text())
    (result,) = value["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("secret-keyword", "error")
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.py"},
        "region": {"startLine": 1, "startColumn": 16},
    }
    assert result["ruleId"] in {rule["id"] for rule in value["runs"][0]["tool"]["driver"]["rules"]}
    assert PASSWORD not in json.dumps(value)


def test_json(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "a.py").write_text(BAD)
    lint(as_json=True)
    (one,) = json.loads(capsys.readouterr().out)["findings"]
    assert (one["rule"], one["path"], one["line"]) == ("secret-keyword", "a.py", 1)
