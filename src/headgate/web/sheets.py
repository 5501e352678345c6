"""The pages of those who signed in, as HTML: of everything, and of one environment."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from starlette.responses import HTMLResponse

from headgate.web.page import answering, listed, page, reviewed
from headgate.web.recorder import PAGES

View = dict[str, Any]
BEAT = 5  # seconds; a page with a form on it stands still
HEADERS = ("environment", "stable", "rollout", "ready", "waits for")


def signing_in(wrong: str = "") -> HTMLResponse:
    """The browser asks for it, and shows this where one gives up."""
    body = f'<p class="wrong">{escape(wrong)}</p>' if wrong else ""
    body += (
        "<p>Your browser asks for a name and a password. The password is your personal token; any name does.</p>"
        "<p>Who has the server's own token makes one for you: <code>headgate token person NAME</code>.</p>"
    )
    answer = page("Headgate: sign in", body, 401)
    answer.headers["WWW-Authenticate"] = 'Basic realm="Headgate: your personal token is the password", charset="UTF-8"'
    return answer


def overview(person: str, applications: Mapping[str, Sequence[View]]) -> HTMLResponse:
    body = _bar(person)
    if not applications:
        body += "<p>Nothing is applied yet: <code>headgate init</code>, then <code>headgate apply</code>.</p>"
    for name, environments in applications.items():
        heads = "".join(f"<th>{head}</th>" for head in HEADERS)
        rows = "".join(_row(name, one) for one in environments)
        body += f"<h2>{escape(name)}</h2><table><tr>{heads}</tr>{rows}</table>"
    return page("Headgate", body, 200, BEAT)


def _row(application: str, shown: View) -> str:
    name, stable, waits = shown["environment"], shown["stable"], shown["waits_for"]
    cells = (
        f'<a href="{PAGES}{escape(application)}/{escape(name)}">{escape(name)}</a>',
        escape(stable["label"]) if stable else "-",
        _rollout(shown["rollout"]) if shown["rollout"] else _waiting(shown["waiting"]),
        f"{shown['ready']}/{shown['wanted']}" if stable else "-",
        escape(waits[0]) if waits else "-",
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _rollout(rollout: View) -> str:
    steps, position = rollout["steps"], int(rollout["position"])
    phase = "" if rollout["phase"] == "running" else f" {rollout['phase']}"
    where = f"{rollout['candidate']['label']}{phase} {position + 1}/{len(steps)} {steps[position]}"
    weight = int(rollout["weight"])
    return f'{escape(where)} <progress max="100" value="{weight}"></progress> {weight} %'


def _waiting(waiting: View | None) -> str:
    return escape(f"{waiting['label']} waits") if waiting else "-"


def environment(person: str, application: str, shown: View, review: View | None, told: Sequence[View]) -> HTMLResponse:
    """`review`: of what waits; None: nothing does. `told`: decisions, the newest first."""
    body = f'{_bar(person)}<p><a href="/">All environments</a></p>'
    if review is not None:
        mine = any(one["by"] == person and not one["void"] for one in review["approvals"])
        verbs = ("withdraw", "reject") if mine else ("approve", "reject")
        kept = {"set": review["set"], "release": review["release"]}
        body += reviewed(review) + answering(review, verbs, f"You are {person}.", kept)
    body += f"<h2>How it stands</h2><p>{_standing(shown)}</p>{listed(shown['waits_for'])}"
    decided = [f"{one['at'][:19].replace('T', ' ')} UTC: {one['text']}" for one in told]
    body += f"<h2>Decided, the latest first</h2>{listed(decided)}"
    name = f"{application}/{shown['environment']}"
    title = f"{review['label']} waits in {name}" if review else name
    return page(title, body, 200, 0 if review else BEAT)


def _standing(shown: View) -> str:
    now = _rollout(shown["rollout"]) if shown["rollout"] else "no rollout"
    if not shown["stable"]:
        return f"nothing is stable here; {now}"
    return f"{escape(shown['stable']['label'])} is stable, {shown['ready']} of {shown['wanted']} instances ready; {now}"


def _bar(person: str) -> str:
    return f'<p class="bar">{escape(person)}</p>'
