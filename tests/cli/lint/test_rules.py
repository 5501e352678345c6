"""What is found and what is not: lines as people write them, one finding each, or none."""

import socket
from pathlib import Path

import pytest

from headgate.adapters.secrets.age.keeping import Keeping
from headgate.cli.lint.finding import Finding
from headgate.cli.lint.scan import look
from headgate.cli.lint.source import Source

# Put together here, so that this file holds none.
KEY = "AKIA" + "QX7P2LMN4RST6VWZ"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
RANDOM = "kJ8s+Qz1/Xv7Lm3N" + "p0Rt5Yw9Ba2Cd4Ef6Gh="
HEX = "9f3b1c7d2e8a4650" + "b1d9e7f3a5c80642"
PASSWORD = "hunter2" + "Zq9"
ACCOUNT = "7593" + "01846275"
INSIDE = "db7.prod" + ".acme.io"
ADDRESS = "10.31." + "4.7"


def found(text: str, path: str = "app/main.py") -> list[str]:
    return [one.rule for one in look(Source(path, text)).findings]


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("secret", f'KEY = "{KEY}"'),
        ("secret", f"token: {GITHUB}"),
        ("secret", "-----BEGIN RSA PRIVATE" + " KEY-----"),
        ("secret-keyword", f'db_password = "{PASSWORD}"'),
        ("secret-entropy", f'SALT = "{RANDOM}"'),
        ("secret-entropy", f'SEED = "{HEX}"'),
        ("url-credentials", f'U = "https://ann:{PASSWORD}@git.acme.io/x"'),
        ("url-credentials", f'U = "postgresql://app:{PASSWORD}@{INSIDE}:5432/pcw"'),
        ("connection-string", f'U = "postgresql://app@{INSIDE}:5432/pcw"'),
        ("connection-string", 'U = "mongodb+srv://cluster0.ab1cd.mongodb.net/pcw"'),
        ("connection-string", f'U = "Server={INSIDE},1433;Database=pcw;User=sa;Password=$PW"'),
        ("hostname", f'API = "https://{INSIDE}/v1"'),
        ("hostname", 'API = "https://quotes.staging.acme.io"'),
        ("hostname", 'H = "pcw.c8xkq.eu-west-1.rds.amazonaws.com"'),
        ("ip-address", f'HOST = "{ADDRESS}"'),
        ("ip-address", f'URL = "http://{ADDRESS}:8080/x"'),
        ("ip-address", 'URL = "http://[2a02:8070:1::5]:80/"'),
        ("aws-account", f'ROLE = "arn:aws:iam::{ACCOUNT}:role/deploy"'),
        ("aws-account", f"image: {ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/web"),
        ("aws-account", f"account_id = {ACCOUNT}"),
    ],
)
def test_is_found(rule: str, line: str) -> None:
    assert found(line) == [rule]


@pytest.mark.parametrize(
    "line",
    [
        'password = os.environ["DB_PASSWORD"]',
        "DATABASE_URL: {secret: pcw/production/database-url}",
        'DATABASE_URL: {secret: "pcw/production/database#url"}',
        'password = "${DB_PASSWORD}"',
        'PASSWORD = "changeme"',
        'SECRET = "HEADGATE_HOOK_SECRET"',
        'secret = "/run/secrets/database"',
        'AWS = "AKIA' + 'IOSFODNN7EXAMPLE"',
        f'DIGEST = "sha256:{HEX}{HEX}"',
        f'commit = "{HEX[:40]}"',
        'ID = "3f2b8c1e-7d6a-4b5c-9e8f-0a1b2c3d4e5f"',
        'U = "postgresql://postgres:postgres@localhost:5432/test"',
        'U = "sqlite:///${DATA_DIR}/pcw.db"',
        'U = f"postgresql://{user}:{password}@{host}/pcw"',
        'A = "http://127.0.0.1:8000"',
        'A = "https://api.example.com/v1"',
        'A = "http://web.staging.example.org"',
        'A = "https://github.com/acme/pcw"',
        'NS = "http://www.w3.org/2000/svg"',
        'IP = "192.0.2.17"',
        'IP = "0.0.0.0"',
        'NET = "10.0.0.0/8"',
        'META = "http://169.254.169.254/latest"',
        'version = "10.4.17.2"',
        'ROLE = "arn:aws:iam::123456789012:role/x"',
        'ARN = "arn:aws:s3:::bucket/*"',
        f"# it used to be {ADDRESS}",
        f"x = 1  # not {ADDRESS}",
        "import app.prod.settings.internal",
        "self.world.internal.hosts",
    ],
)
def test_is_no_finding(line: str) -> None:
    assert found(line) == []


def test_what_headgate_sealed_itself_is_no_finding(tmp_path: Path) -> None:
    keeping = Keeping(str(tmp_path / "production.secrets"), str(tmp_path / "identity"))
    keeping.init([])
    keeping.set("shop/db", PASSWORD, "ann")
    assert found(keeping.path.read_text(), "deploy/production.secrets") == []


@pytest.mark.parametrize("path", ["tests/test_main.py", "docs/setup.md", "requirements/run.lock", "infra/prod.tfvars"])
def test_an_environments_values_are_at_home_there(path: str) -> None:
    assert found(f'HOST = "{ADDRESS}"', path) == []


@pytest.mark.parametrize("path", ["tests/test_main.py", "docs/setup.md", "requirements/run.lock", "infra/prod.tfvars"])
def test_a_secret_is_nowhere_at_home(path: str) -> None:
    assert found(f'KEY = "{KEY}"', path) == ["secret"]


def test_headgate_yaml_holds_values_of_environments_below_environments_only() -> None:
    text = f"""
services:
  web:
    env: {{API: "https://{INSIDE}"}}
environments:
  production:
    env: {{API: "https://{INSIDE}"}}
  # {ADDRESS}
  staging:
    env: {{KEY: "{KEY}"}}
"""
    findings = look(Source("shop/headgate.yaml", text)).findings
    assert [(one.line, one.rule) for one in findings] == [(10, "secret"), (4, "hostname")]


@pytest.mark.parametrize("line", [f"DB_URL=postgresql://app@{INSIDE}/x", f"API=https://{INSIDE}/", f"IP={ADDRESS}"])
def test_a_variable_of_an_image_is_code(line: str) -> None:
    assert len(look(Source("shop:1!variables", line, kind="image")).findings) == 1


class TestNothingTellsTheSecret:
    @pytest.mark.parametrize("value", [KEY, GITHUB, PASSWORD, RANDOM, HEX])
    def test_a_finding(self, value: str) -> None:
        text = f'password = "{value}"\nurl = "https://ann:{value}@git.acme.io/"\n'
        findings = look(Source("a.py", text)).findings
        assert findings
        assert not [one for one in findings if value in repr(one) or value in str(one.view())]


@pytest.mark.parametrize(
    "path", ["shop:1!variables", "shop:1!history", "Dockerfile", "web/Dockerfile.dev", "x.dockerfile", ".env", "run.sh"]
)
def test_a_value_without_quotes_where_values_have_none(path: str) -> None:
    assert found(f"ENV DB_PASSWORD={PASSWORD}", path) == ["secret-keyword"]
    assert found("DB_PASSWORD=$1\nexport API_KEY=${KEY}\nTOKEN=$(cat x)\nPASSWORD=changeme", path) == []
    assert found(f"db_password = {PASSWORD}", "main.py") == [], "a name in a program"


def test_no_question_leaves_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """detect-secrets can ask the issuer whether a key is good."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it asked the network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert found(f'KEY = "{KEY}"\nT = "{GITHUB}"') == ["secret", "secret"]


class TestAllowances:
    def test_on_its_line(self) -> None:
        assert found(f'H = "{ADDRESS}"  # headgate: allow ip-address: the router of the lab') == []

    def test_above_its_line(self) -> None:
        assert found(f'// headgate: allow ip-address: the router of the lab\nH = "{ADDRESS}"') == []

    def test_not_two_lines_below(self) -> None:
        text = f'# headgate: allow ip-address: the router of the lab\n\nH = "{ADDRESS}"'
        assert found(text) == ["ip-address"]

    def test_of_another_rule(self) -> None:
        assert found(f'H = "{ADDRESS}"  # headgate: allow hostname: the router of the lab') == ["ip-address"]

    @pytest.mark.parametrize("end", ["", ":", ":  ", ": x"])
    def test_without_a_reason_is_refused_and_allows_nothing(self, end: str) -> None:
        assert sorted(found(f'H = "{ADDRESS}"  # headgate: allow ip-address{end}')) == ["allowance", "ip-address"]

    def test_of_what_is_no_rule_is_refused(self) -> None:
        assert "allowance" in found(f'H = "{ADDRESS}"  # headgate: allow everything: because I say so')

    def test_of_several(self) -> None:
        line = f'U = "http://{ADDRESS}", "https://{INSIDE}"'
        assert found(f"{line}  # headgate: allow ip-address, hostname: the lab is one network") == []


@pytest.mark.parametrize(
    "text", ["\0" * 100, "a" * 100_000, "://" * 1300, "1." * 1900, "password" * 499, "password=" * 399, "\n" * 9999]
)
def test_hostile_text_is_looked_through_in_no_time(text: str) -> None:
    assert look(Source("a.py", text)).findings == []


def test_a_long_line_is_looked_at_around_its_keywords() -> None:
    assert found(f'x = {{{"a: 1, " * 300}"password": "{PASSWORD}"{", b: 2" * 100}}}') == ["secret-keyword"]


def test_a_finding_says_where() -> None:
    (one,) = look(Source("a.py", f'\n\nHOST = "{ADDRESS}"')).findings
    assert one == Finding("ip-address", "a.py", 3, 9, f"an address of one network ({ADDRESS})", ADDRESS)
