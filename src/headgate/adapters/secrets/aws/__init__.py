"""Secret stores `aws-secrets-manager` and `aws-ssm`. They need boto3, which is an extra: `headgate[aws]`."""

from headgate.adapters.secrets.aws.parameters import ParameterStore
from headgate.adapters.secrets.aws.secrets_manager import AwsSecretStore
from headgate.ports import Host


def secrets_manager(host: Host) -> AwsSecretStore:
    return AwsSecretStore()


def parameters(host: Host) -> ParameterStore:
    return ParameterStore()
