"""AWS's Secrets Manager and Parameter Store for tests: moto on loopback, with secrets in it. See `aws` in conftest."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer

REGION = "eu-west-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Aws:
    """What a test does as the people who look after the secrets."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.manager, self.parameters = (
            boto3.client(service, region_name=REGION, endpoint_url=endpoint) for service in ("secretsmanager", "ssm")
        )

    @property
    def settings(self) -> dict[str, str]:
        """Of the stores, below `aws-secrets-manager` or `aws-ssm` of a file."""
        return {"region": REGION, "endpoint": self.endpoint}

    def make(self, name: str, **entries: str) -> str:
        """A JSON object, whose entries are NAME#KEY; returns its version."""
        return str(self.manager.create_secret(Name=name, SecretString=json.dumps(entries))["VersionId"])

    def rotate(self, name: str, **entries: str) -> str:
        """At once, as by hand."""
        return self.finish(name, self.begin(name, **entries))

    def begin(self, name: str, **entries: str) -> str:
        """The first half of a rotation, as AWS's rotation functions do it: the next version is there, at AWSPENDING."""
        value = json.dumps(entries)
        put = self.manager.put_secret_value(SecretId=name, SecretString=value, VersionStages=["AWSPENDING"])
        return str(put["VersionId"])

    def finish(self, name: str, version: str) -> str:
        """The other half: it becomes AWSCURRENT, and what was so AWSPREVIOUS."""
        self.manager.update_secret_version_stage(
            SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=self.current(name)
        )
        return version

    def current(self, name: str) -> str:
        return self.at(name, "AWSCURRENT")

    def at(self, name: str, stage: str) -> str:
        stages: dict[str, list[str]] = self.manager.describe_secret(SecretId=name)["VersionIdsToStages"]
        return next(version for version, named in stages.items() if stage in named)

    def set_parameter(self, name: str, value: str) -> None:
        self.parameters.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


@contextmanager
def moto_server() -> Iterator[str]:
    """Its address."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def emptied(server: str) -> str:
    urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/reset", method="POST")).close()
    return server


@contextmanager
def aws_server() -> Iterator[Aws]:
    """Credentials are in the environment already: see CREDENTIALS. All moto of one process is one: see `emptied`."""
    with moto_server() as address:
        yield Aws(emptied(address))
