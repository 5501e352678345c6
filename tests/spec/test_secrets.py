"""The section `secrets`: which stores an environment has, which one a value is in, and what a file may not say."""

import pytest

from headgate.model.rules import Environment
from headgate.model.secrets import SecretRules
from headgate.spec.compile import application
from headgate.spec.missing import missing
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read

VAULT = "vault: {url: 'https://vault.example.org', token_from: VAULT_TOKEN}"
AGE = "age: {file: deploy/qa.secrets}"
PRESENT = {"platforms": {"process"}, "traffic": {"envoy"}, "metrics": {"envoy"}, "secrets": {"vault", "age"}}


def file(above: str = "", qa: str = "", value: str = "{secret: shop/db}", production: str = "", more: str = "") -> str:
    return f"""
application: shop
services: {{web: {{port: 8000, command: [serve], env: {{DATABASE: {value}}}}}}}
secrets: {{{above}}}
environments:
  qa: {{platform: process, secrets: {{{qa}}}}}
  production: {{platform: process, secrets: {{{production}}}}}
{more}"""


def environments(text: str, repository: str = "/srv/shop") -> dict[str, Environment]:
    return {one.name: one for one in application(read(text, "f.yaml"), repository, "f.yaml").environments}


def refused(text: str) -> str:
    with pytest.raises(SpecificationError) as caught:
        read(text, "f.yaml")
    return str(caught.value)


def test_an_environments_own_store_wins_whole_and_the_others_stay() -> None:
    own = "vault: {url: 'https://other.example.org', role_id: shop, secret_id_from: VAULT_SHOP}"
    found = environments(file(f"{VAULT}, {AGE}", production=own, value="{secret: shop/db, store: vault}"))
    assert found["qa"].secrets["vault"] == SecretRules(
        "vault", {"url": "https://vault.example.org", "mount": "secret", "token_from": "VAULT_TOKEN"}
    )
    assert found["production"].secrets["vault"].settings == {
        "url": "https://other.example.org",
        "mount": "secret",
        "role_id": "shop",
        "secret_id_from": "VAULT_SHOP",
    }
    assert found["production"].secrets["age"] == found["qa"].secrets["age"]


def test_a_file_below_the_repository_is_where_the_server_finds_it() -> None:
    assert environments(file(AGE))["qa"].secrets["age"].settings == {"file": "/srv/shop/deploy/qa.secrets"}
    absolute = environments(file("age: {file: /etc/shop.secrets}"))["qa"]
    assert absolute.secrets["age"].settings == {"file": "/etc/shop.secrets"}


def test_a_value_without_a_store_needs_the_only_one() -> None:
    assert environments(file(qa=AGE, production=VAULT))["qa"].secrets.keys() == {"age"}
    assert refused(file(VAULT, qa=AGE)) == (
        "f.yaml:3:64: services.web.env.DATABASE: found shop/db; allowed: a secret with its store, of vault, age. "
        "Add `store: vault`, or the one that it is in."
    )


def test_a_values_store_is_one_of_every_environment_where_it_counts() -> None:
    text = file(qa=AGE, production=VAULT, value="{secret: shop/db, store: age}")
    assert "services.web.env.DATABASE.store: found age; allowed: a store of production: vault." in refused(text)
    text = text.replace("production: {platform: process,", "production: {platform: process, env: {DATABASE: plain},")
    assert environments(text)["production"].secrets.keys() == {"vault"}
    assert "Did you mean vault?" in refused(file(VAULT, value="{secret: shop/db, store: valt}"))


def test_a_secret_without_any_store_is_missing_one() -> None:
    told = [str(problem) for problem in missing(read(file(qa=AGE), "f.yaml"), PRESENT)]
    assert len(told) == 1
    assert "services.web.env.DATABASE: found secret shop/db; allowed: a secret that a store of production" in told[0]


def test_a_store_that_is_not_installed_is_named() -> None:
    (told,) = missing(read(file(VAULT), "f.yaml"), {**PRESENT, "secrets": {"age"}})
    assert str(told) == (
        "f.yaml:4:18: secrets.vault: found vault; allowed: age. Use one of these, or install the adapter vault for "
        "secrets."
    )


def test_a_file_below_a_repository_elsewhere_is_refused() -> None:
    text = file(AGE, more="source: {repository: 'https://git.example.org/shop.git'}\n")
    (problem,) = missing(read(text, "f.yaml"), PRESENT)
    assert problem.field == "secrets.age.file"
    assert not missing(read(text.replace("deploy/", "/etc/"), "f.yaml"), PRESENT)


URL = "url: 'https://a.example.org'"


@pytest.mark.parametrize(
    ("store", "field", "allowed"),
    [
        ("age: {file: ../shop.secrets}", "age.file", "the absolute path of a file on the server"),
        ("age: {file: deploy/../../x}", "age.file", "the absolute path of a file on the server"),
        ("env-file: {file: shop.env}", "env-file.file", "the absolute path of a file"),
        ("env_file: {file: /etc/shop.env}", "env_file", "age, env-file, aws-secrets-manager"),
        ("aws-ssm: {region: Ireland}", "aws-ssm.region", "an AWS region"),
        ("aws-ssm: {region: eu-west-1, secret_key: x}", "aws-ssm.secret_key", "region, profile, endpoint"),
        ("vault: {url: 'http://vault.example.org', token_from: VAULT_TOKEN}", "vault.url", "https://, or http://"),
        (f"vault: {{{URL}, token_from: HOME}}", "vault.token_from", "begins with VAULT_"),
        (f"vault: {{{URL}, token: hvs.x}}", "vault.token", "url, mount, namespace"),
        (f"vault: {{{URL}}}", "vault", "exactly one of token_from, role_id and kubernetes_role"),
        (f"vault: {{{URL}, role_id: a}}", "vault", "role_id and secret_id_from"),
        (f"vault: {{{URL}, token_from: VAULT_T, login_path: b}}", "vault", "login_path beside"),
        (f"vault: {{{URL}, token_from: VAULT_T, mount: ../sys}}", "vault.mount", "a path without .."),
        (f"kubernetes: {{{URL}}}", "kubernetes", "one of token_from and token_file"),
        ("kubernetes: {token_from: KUBERNETES_TOKEN}", "kubernetes", "url beside a token"),
        ("kubernetes: {url: 'http://10.0.0.1', token_from: KUBERNETES_T}", "kubernetes.url", "https://"),
        ("aws-ssm: {region: eu-west-1, endpoint: 'http://10.0.0.1:4566'}", "aws-ssm.endpoint", "https://, or http://"),
        ("etcd: {url: 'http://etcd.example.org'}", "etcd.url", "https://"),
        (f"etcd: {{{URL}, login_from: VAULT_TOKEN}}", "etcd.login_from", "begins with ETCD_"),
    ],
)
def test_what_a_store_may_not_say(store: str, field: str, allowed: str) -> None:
    text = refused(file(store))
    assert f" secrets.{field}: " in text
    assert allowed in text
    assert text.count("\n") == 0
