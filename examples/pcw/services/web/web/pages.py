"""Turns templates into answers. Templates are compiled once, at start-up, so that no visitor waits for it."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

TEMPLATES = Path(__file__).parent / "templates"
INCLUDED = {
    "accidental_damage": "Accidental damage",
    "breakdown": "Breakdown assistance",
    "courtesy_car": "Courtesy car",
    "garden": "Garden and plants",
    "home_emergency": "Home emergency",
    "legal_cover": "Legal cover",
    "personal_accident": "Personal accident",
    "trace_and_access": "Finding leaks",
    "windscreen": "Windscreen",
}
SECURITY = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
                               "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
UNANSWERED = {"timeout": "did not answer in time", "error": "had a problem"}


class Pages:
    def __init__(self) -> None:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, auto_reload=False,
            trim_blocks=True, lstrip_blocks=True,
        )
        environment.filters["pounds"] = pounds
        environment.filters["included"] = lambda code: INCLUDED.get(code, code.replace("_", " ").capitalize())
        environment.filters["unanswered"] = lambda reason: UNANSWERED.get(reason, "did not answer")
        self._templates = {name: environment.get_template(name) for name in environment.list_templates()}

    def render(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(self._templates[name].render(values), status, headers=SECURITY)


def pounds(pence: int) -> str:
    return f"£{pence // 100:,}.{pence % 100:02d}"
