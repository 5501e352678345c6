"""What canary annotations cannot say."""

from collections.abc import Iterator

from headgate.model.routes import Routes

CONTROLLER = "k8s.io/ingress-nginx"


def unable(routes: Routes) -> Iterator[str]:
    """One sentence for each thing; the file was refused for them when it was applied."""
    if sum(one.weight > 0 for one in routes.backends) > 2:
        yield "ingress-nginx has one canary beside the stable: no third revision can have a share"
    if routes.sticky:
        yield "an ingress-nginx canary keeps nobody on the stable's side: remove `sticky: cookie`"
    if routes.audience and len(routes.audience.headers) > 1:
        yield "an ingress-nginx canary is chosen by one header, and the audience names several"
