"""Webhooks of GitHub and GitLab. What they say is not believed: a true one only means "look now"."""

import hashlib
import hmac

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from headgate.web.asked import Asked
from headgate.web.deliveries import FILE, SECRET, SHORTEST
from headgate.web.failures import failure

LONGEST_ID = 200  # characters
routes = APIRouter(prefix="/hooks", tags=["hooks"])


@routes.post("/github/{application}")
async def github(server: Asked, request: Request, application: str) -> Response:
    """The body is signed: HMAC-SHA256 in X-Hub-Signature-256."""
    secret, body = server.hooks.secret(), await request.body()
    if secret is None:
        return _off(request)
    expected = f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
    given = request.headers.get("x-hub-signature-256", "")
    if not hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode()):
        return _wrong(request, "X-Hub-Signature-256")
    delivery = request.headers.get("x-github-delivery", "")
    return _taken(server, request, application, delivery, (f"github {delivery}", f"github {expected}"))


@routes.post("/gitlab/{application}")
async def gitlab(server: Asked, request: Request, application: str) -> Response:
    """The secret itself comes in X-Gitlab-Token."""
    secret = server.hooks.secret()
    if secret is None:
        return _off(request)
    given = request.headers.get("x-gitlab-token", "").encode("latin-1", "replace")
    if not hmac.compare_digest(given, secret):
        return _wrong(request, "X-Gitlab-Token")
    delivery = request.headers.get("idempotency-key") or request.headers.get("x-gitlab-event-uuid", "")
    return _taken(server, request, application, delivery, (f"gitlab {delivery}",))


def _taken(server: Asked, request: Request, application: str, delivery: str, names: tuple[str, ...]) -> Response:
    where = request.url.path
    server.engine.application(application)  # not before the signature: who has none learns no names
    if not delivery or len(delivery) > LONGEST_ID:
        return failure(422, "the delivery has no id", where, "GitHub and GitLab send one; a proxy may drop it.")
    if not server.hooks.is_new(names, server.engine.clock.now()):
        return failure(409, "this delivery came before", where, "Nothing is to be done; the source is polled anyway.")
    server.engine.look(application)
    return JSONResponse({"application": application, "looks": True}, 202)


def _off(request: Request) -> Response:
    remedy = (
        f"Give the server {SECRET}, or the file {FILE} in its data folder (mode 0600, {SHORTEST} or more characters)."
    )
    return failure(403, "no webhook secret is set", request.url.path, remedy)


def _wrong(request: Request, header: str) -> Response:
    remedy = f"The webhook there and the server must have the same secret ({header})."
    return failure(401, "the signature is missing or wrong", request.url.path, remedy)
