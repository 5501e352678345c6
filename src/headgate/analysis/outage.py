"""Errors as metrics: a small rise over minutes, and the failure of everything within seconds."""

from headgate.analysis.evalue import Margin
from headgate.analysis.metric import Metric
from headgate.analysis.policy import Policy

# A blip must not put a candidate back, so `errors` needs longer than a blip. An outage may not wait so long: it is a
# rise by more than a quarter of all answers. Its evidence is divided by ten (a cluster of ten failures is no outage)
# and grows by at most 5 nats a second, so that it takes two seconds at least, whatever the traffic.
OUTAGE = Metric("outage", (), Margin(1.0, 0.25), None, Margin(1.0, 0.25))


def error_metric(policy: Policy) -> Metric:
    harm, accept = Margin(1.0, policy.errors.harm), Margin(1.0, policy.errors.accept)
    return Metric("errors", (), harm, accept, Margin(2.0, max(0.02, policy.errors.harm)))
