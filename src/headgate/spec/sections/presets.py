"""What known sources call requests, errors and latency: `metrics: {prometheus: {preset: istio}}`."""

from dataclasses import dataclass

# A gateway or sidecar reports what it sent. Where no instance could be reached, Istio writes 0 instead of a status.
_ISTIO = 'reporter="source", destination_workload="{workload}", destination_service_name!~".+-preview"'

# The service is the stable's also where the canary answered, and that one is named beside it. Prometheus calls the
# label exported_service where its own label of the same name wins.
_NGINX = (
    '{name}{{service="{{workload}}", canary=""{more}}}'
    ' or {name}{{exported_service="{{workload}}", canary=""{more}}}'
    ' or {name}{{canary=~".+-{{workload}}-[^-]+"{more}}}'
)

_OPENTELEMETRY = 'service_name="{service}", service_version="{revision}"'
_FAILED = 'http_response_status_code=~"5.."'


@dataclass(frozen=True, slots=True)
class Preset:
    requests: str
    errors: str
    latency: str
    latency_unit: str = "seconds"


def _nginx(name: str, more: str = "") -> str:
    return _NGINX.format(name=f"nginx_ingress_controller_{name}", more=more)


def _opentelemetry(counted: str, timed: str) -> Preset:
    name = "http_server_request_duration_seconds"
    return Preset(
        f"{name}{counted}{{{_OPENTELEMETRY}}}",
        f"{name}{counted}{{{_OPENTELEMETRY}, {_FAILED}}}",
        f"{name}{timed}{{{_OPENTELEMETRY}}}",
    )


PRESETS = {
    "istio": Preset(
        f"istio_requests_total{{{_ISTIO}}}",
        f'istio_requests_total{{{_ISTIO}, response_code=~"5..|0"}}',
        f"istio_request_duration_milliseconds_bucket{{{_ISTIO}}}",
        "milliseconds",
    ),
    "ingress-nginx": Preset(
        _nginx("requests"), _nginx("requests", ', status=~"5.."'), _nginx("request_duration_seconds_bucket")
    ),
    "opentelemetry": _opentelemetry("_count", "_bucket"),
    "opentelemetry-native": _opentelemetry("", ""),
}
