"""The section `secrets`, of the file and of each environment: which stores there are. What opens one is not here."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from headgate.model.secrets import SecretRules
from headgate.spec.sections.addresses import SafeUrl
from headgate.spec.sections.registry import File, Region
from headgate.spec.sections.section import Section, defaults_to, unsuitable
from headgate.spec.sections.texts import FOLDER_PATTERN, FOLDERS, Seconds, matching


def _variable_of(prefix: str) -> Any:
    """No file may have any secret of the server sent anywhere."""
    allowed = f"the name of a variable that begins with {prefix}_"
    remedy = f"Write a name such as {prefix}_TOKEN, and set that variable where the Headgate server runs."
    return matching(f"{prefix}_[A-Z0-9_]{{1,60}}", allowed, remedy)


VaultVariable = Annotated[str, _variable_of("VAULT")]
KubernetesVariable = Annotated[str, _variable_of("KUBERNETES")]
EtcdVariable = Annotated[str, _variable_of("ETCD")]
SecretFile = Annotated[
    str,
    matching(
        f"/[^\x00-\x1f]{{1,500}}|(?!.*(?:^|/)\\.\\.(?:/|$)){FOLDER_PATTERN}",
        f"the absolute path of a file on the server, or {FOLDERS.replace('a folder', 'a file')}",
        "Write a path such as deploy/production.secrets or /etc/headgate/production.secrets.",
    ),
]
VaultPath = Annotated[
    str,
    matching(
        r"(?!.*\.\.)[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,10}", "a path without ..", "Write a path such as secret."
    ),
]
Role = Annotated[str, matching("[A-Za-z0-9_.:@/-]{1,128}", "the name of a role", "Write the role's name.")]
Profile = Annotated[
    str, matching("[A-Za-z0-9_.@+-]{1,64}", "the name of a profile", "Write a name such as production.")
]
Namespace = Annotated[
    str, matching("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", "the name of a namespace", "Write a name such as shop.")
]
KeyPrefix = Annotated[
    str,
    matching(
        "/?[A-Za-z0-9_.:@+~-]+(/[A-Za-z0-9_.:@+~-]+)*/", "names that end with /", "Write one such as /shop/production/."
    ),
]


class AgeSection(Section):
    file: SecretFile = Field(
        description="The encrypted file. It may lie in the repository.", examples=["deploy/production.secrets"]
    )
    identity: File | None = Field(
        None, description="Optional. File of the key, outside of every repository, for the server's user alone."
    )


class EnvFileSection(Section):
    file: File = Field(
        description="NAME=VALUE lines, on the server, outside of every repository, for the server's user alone.",
        examples=["/etc/headgate/production.env"],
    )


class AwsStoreSection(Section):
    region: Region = Field(description="Region of the secrets.", examples=["eu-west-1"])
    profile: Profile | None = Field(
        None, description="Optional. Of the server's AWS configuration: a role to assume for one."
    )
    endpoint: SafeUrl | None = Field(
        None, description="Optional. Address of the API, where it is not AWS's public one."
    )


class KubernetesSecretsSection(Section):
    url: SafeUrl | None = Field(None, description="Optional. Of the API. Default: the cluster that the server runs in.")
    ca: File | None = Field(None, description="Optional. Certificates of its CA, a PEM file on the server.")
    token_from: KubernetesVariable | None = Field(
        None, description="Optional. Variable of the server that holds a token."
    )
    token_file: File | None = Field(None, description="Optional. File of a token, for the server's user alone.")
    namespace: Namespace | None = Field(None, description="Optional. Of names without one.")

    @model_validator(mode="after")
    def opened(self) -> "KubernetesSecretsSection":
        tokens = [one for one in (self.token_from, self.token_file) if one is not None]
        if self.url is None and tokens:
            raise unsuitable("url beside a token", "Add `url: ADDRESS`, or remove the token: a pod has its own.")
        if self.url is not None and len(tokens) != 1:
            raise unsuitable("one of token_from and token_file beside url", "Write one of the two.")
        return self


class VaultSection(Section):
    url: SafeUrl = Field(description="Where it answers; http:// only on this machine.", examples=["https://vault:8200"])
    mount: VaultPath = defaults_to("secret", "Path of the KV engine, version 2.")
    namespace: VaultPath | None = Field(None, description="Optional. Namespace of Vault Enterprise or OpenBao.")
    ca: File | None = Field(None, description="Optional. Certificates of a private CA, a PEM file on the server.")
    token_from: VaultVariable | None = Field(None, description="Optional. Variable of the server that holds a token.")
    role_id: Role | None = Field(None, description="Optional, instead of token_from. An AppRole's id.")
    secret_id_from: VaultVariable | None = Field(
        None, description="Optional. Variable of the server that holds that AppRole's secret id."
    )
    kubernetes_role: Role | None = Field(
        None, description="Optional, instead of token_from. Role for the server's service account."
    )
    login_path: VaultPath | None = Field(
        None, description="Optional. Where that login is mounted below auth/. Default: approle, or kubernetes."
    )

    @model_validator(mode="after")
    def opened(self) -> "VaultSection":
        if sum(one is not None for one in (self.token_from, self.role_id, self.kubernetes_role)) != 1:
            raise unsuitable("exactly one of token_from, role_id and kubernetes_role", "Write one of the three.")
        if (self.role_id is None) != (self.secret_id_from is None):
            raise unsuitable("role_id and secret_id_from, both or none", "Write both, or another login.")
        if self.token_from is not None and self.login_path is not None:
            raise unsuitable("login_path beside role_id or kubernetes_role", "Remove it: a token needs no login.")
        return self


class EtcdSection(Section):
    url: SafeUrl = Field(description="Where a member answers.", examples=["https://etcd:2379"])
    prefix: KeyPrefix | None = Field(None, description="Optional. Before every key.")
    login_from: EtcdVariable | None = Field(
        None, description="Optional. Variable of the server that holds USER:PASSWORD."
    )
    ca: File | None = Field(None, description="Optional. Certificates of a private CA, a PEM file on the server.")


class SecretsSection(Section):
    """Stores, each by its kind: an environment has one of each at most, and its own wins over the file's."""

    every: Seconds | None = Field(
        None, description="Optional. Time between two looks whether a secret was rotated. Default: 30s."
    )
    age: AgeSection | None = Field(None, description="Optional. A file encrypted with age: `headgate secrets`.")
    env_file: EnvFileSection | None = Field(None, alias="env-file", description="Optional. A file on the server.")
    aws_secrets_manager: AwsStoreSection | None = Field(
        None, alias="aws-secrets-manager", description="Optional. AWS Secrets Manager."
    )
    aws_ssm: AwsStoreSection | None = Field(None, alias="aws-ssm", description="Optional. AWS SSM Parameter Store.")
    kubernetes: KubernetesSecretsSection | None = Field(None, description="Optional. Secret objects of a cluster.")
    vault: VaultSection | None = Field(None, description="Optional. KV version 2 of HashiCorp Vault or OpenBao.")
    etcd: EtcdSection | None = Field(None, description="Optional. Keys of etcd 3, for configuration kept there.")

    def rules(self) -> dict[str, SecretRules]:
        written = self.model_dump(exclude={"every"}, exclude_none=True, by_alias=True)
        return {
            kind: SecretRules(kind, {name: str(value) for name, value in settings.items()})
            for kind, settings in written.items()
        }
