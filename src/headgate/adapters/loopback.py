"""This machine itself: the one place that plain HTTP may carry passwords to."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
