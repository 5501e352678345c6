"""What implementations of Gateway API can and cannot: by their controllers, and by what their classes declare."""

from collections.abc import Collection, Iterator

from headgate.adapters.kubernetes.cluster import Object
from headgate.ports import AdapterError

# Whose session persistence keeps a visitor on one side of a weighted rule.
STICKY = {"gateway.envoyproxy.io/gatewayclass-controller": "Envoy Gateway"}
USUAL = {"http": 80, "https": 443}


def unable(sticky: bool, controller: str, features: Collection[str]) -> Iterator[str]:
    """One sentence for each thing that is asked for and that the implementation lacks."""
    # Weights and exact headers are core: whoever supports HTTPRoute has them. A class may declare nothing at all.
    if features and "HTTPRoute" not in features:
        yield f"{controller} declares no support for HTTPRoute: use a Gateway of another class"
    if sticky and controller not in STICKY:
        known = ", ".join(sorted(STICKY.values()))
        yield f"{controller} keeps no visitor on one side (known to do so: {known}): remove `sticky: cookie`"


def listener(gateway: Object, section: str) -> tuple[str, str]:
    """Scheme, and the port as an address has it. Raises AdapterError where no listener takes HTTP."""
    listeners = [one for one in gateway["spec"].get("listeners") or [] if one.get("protocol") in ("HTTP", "HTTPS")]
    named = [one for one in listeners if section in ("", one.get("name"))]
    if not named:
        known = ", ".join(str(one.get("name")) for one in listeners) or "none"
        what = f"no listener {section} for HTTP" if section else "no listener for HTTP"
        raise AdapterError(f"Gateway {gateway['metadata'].get('name')} has {what}; it has: {known}")
    best = max(named, key=lambda one: one["protocol"])  # HTTPS before HTTP
    scheme, port = best["protocol"].lower(), int(best["port"])
    return scheme, "" if port == USUAL[scheme] else f":{port}"
