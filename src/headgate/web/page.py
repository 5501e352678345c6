"""What every page is made of, and the review behind a link.

Plain HTML: no script, nothing from elsewhere; every word of others is escaped.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from starlette.responses import HTMLResponse

from headgate.model.approvals import Link
from headgate.web.recorder import Told

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "h1{font-size:1.4rem}h2{font-size:1rem;margin:1.2rem 0 .2rem}li{overflow-wrap:anywhere}"
    "form{margin:1rem 0;padding:1rem;border:1px solid #999}textarea{width:100%}button{font:inherit;margin-right:1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;"
    "border-bottom:1px solid #ddd}.bar{float:right;margin:0}.wrong{color:#a00}"
)
_DIGEST = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",  # the address is a secret; no-referrer would take the form's Origin away
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}


def asking(shown: dict[str, Any], link: Link) -> HTMLResponse:
    """Changes nothing: what scans mail follows links too. The form acts, by POST."""
    until = f"This link is good for one answer, until {link.expires_at:%Y-%m-%d %H:%M} UTC."
    body = reviewed(shown) + answering(shown, link.verbs, f"You are {link.person}. {until}")
    return page(f"{shown['label']} waits in {shown['environment']}", body, 200)


def reviewed(shown: dict[str, Any]) -> str:
    body = "".join(f"<p>{escape(line)}</p>" for line in shown["told"]["head"])
    return body + "".join(f"<h2>{escape(one['title'])}</h2>{listed(one['lines'])}" for one in shown["told"]["sections"])


def listed(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def answering(shown: dict[str, Any], verbs: Iterable[str], note: str, hidden: Mapping[str, str] | None = None) -> str:
    """The form. `hidden`: what the answer is for, where no link says it."""
    kept = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in (hidden or {}).items()
    )
    buttons = "".join(f'<button name="verb" value="{verb}">{verb.capitalize()}</button>' for verb in verbs)
    return (
        f'<form method="post">{kept}<p>{escape(note)}</p>'
        f"<p><label>Why ({escape(_asked(shown))})<br>"
        '<textarea name="why" rows="3" maxlength="2000"></textarea></label></p>'
        f"<p>{buttons}</p></form><p>set {escape(shown['set'])}</p>"
    )


def _asked(shown: dict[str, Any]) -> str:
    evidence = sorted({gate["evidence"] for gate in shown["gates"]} - {""})
    return "a rejection needs it" + (f", and an approval names {' and '.join(evidence)}" if evidence else "")


def told(title: str, text: str, status: int, back: str = "") -> HTMLResponse:
    return page(title, f"<p>{escape(text)}</p>" + (f'<p><a href="{escape(back)}">Back</a></p>' if back else ""), status)


def refused(told: Told, why: str, status: int) -> HTMLResponse:
    """On record as what was answered, too."""
    told.answer = why
    return page("Nothing was done", f"<p>{escape(why)}</p>", status)


def page(title: str, body: str, status: int, every: int = 0) -> HTMLResponse:
    """`body` is HTML already; `every` so many seconds the browser asks again, 0: never."""
    again = f'<meta http-equiv="refresh" content="{every}">' if every else ""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width">{again}<style>{STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return HTMLResponse(text, status, HEADERS)
