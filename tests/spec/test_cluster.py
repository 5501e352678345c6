"""What the file says of the cluster of an environment."""

import pytest

from headgate.model.clusters import Autoscale, ClusterRules
from headgate.spec.compile import application
from headgate.spec.read import read

FILE = """\
application: shop
services: {{web: {{build: web, port: 8000}}}}
environments:
  production:
    platform: {{kubernetes: {options}}}
    traffic: {{ingress_nginx: {{hostnames: {{web: [shop.example.org]}}}}}}
    metrics: {{prometheus: {{url: "http://127.0.0.1:9090", preset: ingress-nginx}}}}
"""


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ("{}", ClusterRules()),
        ("{namespace: shop, context: eu}", ClusterRules(context="eu", namespace="shop")),
        ("{heal: false}", ClusterRules(heal=False)),
        ("{create_namespace: true, token: true}", ClusterRules(create_namespace=True, token=True)),
        ("{autoscale: {web: {most: 10}}}", ClusterRules(autoscale={"web": Autoscale(10)})),
    ],
)
def test_what_is_not_written_has_its_default(options: str, rules: ClusterRules) -> None:
    made = application(read(FILE.format(options=options)), "/srv", "headgate.yaml")
    assert made.environment("production").cluster == rules
