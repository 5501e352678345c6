"""Manifests as a team writes them, and services that they run."""

from typing import Any

from headgate.adapters.platforms.kubernetes.manifests.documents import read
from headgate.adapters.platforms.kubernetes.manifests.manifest import Manifest
from headgate.model.services import Service

SHOP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app.kubernetes.io/name: shop-web, tier: front}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {team: red}}
    spec:
      serviceAccountName: web
      initContainers:
        - {name: warm, image: "registry.example.org/shop/web:dev"}
      containers:
        - name: web
          image: registry.example.org/shop/web:dev
          ports: [{name: http, containerPort: 8000}]
          env: [{name: LOG_LEVEL, value: debug}, {name: OWN, value: "1"}]
          envFrom: [{configMapRef: {name: settings}}]
          resources: {requests: {cpu: 100m}}
          volumeMounts: [{name: keys, mountPath: /keys}]
        - {name: proxy, image: "registry.example.org/proxy:1"}
      volumes:
        - {name: keys, secret: {secretName: keys}}
        - {name: all, projected: {sources: [{configMap: {name: settings}}]}}
---
apiVersion: v1
kind: Service
metadata: {name: shop-web, annotations: {a: b}}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}], sessionAffinity: ClientIP}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 5}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {part: web}}
data: {COLOUR: red}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {key: k}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - {name: web, image: "registry.example.org/shop/web:dev", envFrom: [{configMapRef: {name: settings}}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "postgres:17"}]}}
"""
WEB = Service("web", (), 8000, replicas=2)
BUILT = "registry.example.org/built/web@sha256:" + "a" * 64


def manifests(text: str = SHOP) -> list[Manifest]:
    return read(text.encode(), "shop.yaml")


def of(kind: str, found: list[Manifest]) -> dict[str, Any]:
    (one,) = [manifest for manifest in found if manifest.kind == kind]
    return one.content


FILES = {"name": "secrets", "projected": {"defaultMode": 0o440, "sources": [{"secret": {"name": "web-1"}}]}}


def made(name: str = "web-0123") -> dict[str, Any]:
    """What the platform would make by itself, as far as it matters here."""
    labels = {"headgate.dev/service": "web", "headgate.dev/revision": "rev_1"}
    named = {**labels, "app.kubernetes.io/managed-by": "headgate", "app.kubernetes.io/name": "web"}
    container = {
        "name": "main",
        "image": BUILT,
        "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "PORT", "value": "8000"}],
        "envFrom": [{"configMapRef": {"name": "web-cfg-1"}}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8000}},
        "command": ["uvicorn"],
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, {"name": "secrets", "mountPath": "/run/secrets"}],
        "securityContext": {"readOnlyRootFilesystem": True},
    }
    pod = {
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}, FILES],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop-qa", "labels": named},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": named, "annotations": {"headgate.dev/x": "y"}}, "spec": pod},
        },
    }
