"""The review page: plain HTML from the server. No script, nothing from elsewhere; every word of others is escaped."""

import hashlib
from base64 import b64encode
from html import escape
from typing import Any

from starlette.responses import HTMLResponse

from headgate.model.approvals import Link

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "h1{font-size:1.4rem}h2{font-size:1rem;margin:1.2rem 0 .2rem}li{overflow-wrap:anywhere}"
    "form{margin:1rem 0;padding:1rem;border:1px solid #999}textarea{width:100%}button{font:inherit;margin-right:1rem}"
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
    body = "".join(f"<p>{escape(line)}</p>" for line in shown["told"]["head"])
    for section in shown["told"]["sections"]:
        listed = "".join(f"<li>{escape(line)}</li>" for line in section["lines"])
        body += f"<h2>{escape(section['title'])}</h2><ul>{listed}</ul>"
    buttons = "".join(f'<button name="verb" value="{verb}">{verb.capitalize()}</button>' for verb in link.verbs)
    body += (
        f'<form method="post"><p>You are {escape(link.person)}. This link is good for one answer, until '
        f"{link.expires_at:%Y-%m-%d %H:%M} UTC.</p>"
        f'<p><label>Why ({escape(_asked(shown))})<br>'
        '<textarea name="why" rows="3" maxlength="2000"></textarea></label></p>'
        f"<p>{buttons}</p></form><p>set {escape(shown['set'])}</p>"
    )
    return page(f"{shown['label']} waits in {shown['environment']}", body, 200)


def _asked(shown: dict[str, Any]) -> str:
    evidence = sorted({gate["evidence"] for gate in shown["gates"]} - {""})
    return "a rejection needs it" + (f", and an approval names {' and '.join(evidence)}" if evidence else "")


def told(title: str, text: str, status: int) -> HTMLResponse:
    return page(title, f"<p>{escape(text)}</p>", status)


def page(title: str, body: str, status: int) -> HTMLResponse:
    """`body` is HTML already."""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return HTMLResponse(text, status, HEADERS)
