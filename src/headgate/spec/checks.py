"""Checks of the file into the model."""

from datetime import timedelta

from headgate.model.checks import Check, Load, Request
from headgate.spec.sections.check import CheckSection, LoadSection
from headgate.spec.sections.request import RequestSection


def check(section: CheckSection) -> Check:
    return Check(
        name=section.called,
        kind=section.kind,
        run=section.run or "",
        timeout=section.timeout,
        retries=section.retries,
        when=section.when,
        image=section.image,
        junit=section.junit or "",
        artifacts=tuple(section.artifacts),
        requests=tuple(_request(one) for one in section.http or ()),
        load=_load(section.load) if section.load else None,
        script=section.browser.script if section.browser else "",
    )


def _request(section: RequestSection) -> Request:
    expect = section.expect
    return Request(
        path=section.path,
        method=section.method,
        service=section.service or "",
        headers=dict(section.headers),
        body=section.body or "",
        status=tuple(dict.fromkeys(expect.status)),
        expected_headers=dict(expect.headers),
        json=dict(expect.json_),
        contains=tuple(expect.contains or ()),
        within=expect.within,
    )


def _load(section: LoadSection) -> Load:
    return Load(
        rate=section.rate,
        duration=section.for_,
        warm_up=section.warm_up or timedelta(),
        paths=dict(section.paths) or {section.path or "/": 1.0},
        service=section.service or "",
        p50=section.p50,
        p90=section.p90,
        p99=section.p99,
        errors=section.errors,
        achieved=section.achieved,
    )
