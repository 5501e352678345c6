"""The forms of what has no file of its own here: from `serve` to `spec`."""

from typing import Annotated, Literal

import typer

from headgate.cli.options import Application, By, Data, Environment, Json, Release, Wait, Why


def serve(
    data: Data = None,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="By itself 7411, or a free one where that is taken.")
    ] = None,
    expose: Annotated[bool, typer.Option("--expose", help="Allow an address that other machines can reach.")] = False,
    public_url: Annotated[
        str | None, typer.Option("--public-url", metavar="URL", help="Where a proxy makes it reachable, for links.")
    ] = None,
    anchor: Annotated[
        list[str] | None,
        typer.Option("--anchor", metavar="WHERE", help="Write the log's end there too: a file elsewhere, or http(s)."),
    ] = None,
    lease: Annotated[
        str | None, typer.Option("--lease", metavar="NAME", help="In a cluster: only the holder of this Lease acts.")
    ] = None,
) -> None:
    """Run the server until Ctrl-C. What it has started goes on running without it."""


def init(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The application's folder.")] = ".",
    only_print: Annotated[bool, typer.Option("--print", help="To standard output; writes nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Write a headgate.yaml that fits what is in a folder. One that is there is never overwritten."""


def plan(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file.")] = "headgate.yaml",
    rate: Annotated[
        str | None, typer.Option("--rate", metavar="RATE", help="Requests each service gets, such as 500/s.")
    ] = None,
    errors: Annotated[
        str | None, typer.Option("--errors", metavar="SHARE", help="Of the stable's answers, such as 0.5%.")
    ] = None,
    latency: Annotated[
        str | None, typer.Option("--latency", metavar="TIME", help="Of half of the stable's answers, such as 80ms.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Foretell what a file's rules will do to good and bad releases. Traffic is what a server measured, or stated."""


def apply(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file.")] = "headgate.yaml",
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is right; needs no server.")] = False,
    data: Data = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Make a file's rules count. Says what that changes in which environment."""


def dev(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file.")] = "headgate.yaml",
    environment: Annotated[
        str, typer.Option("--environment", "-e", metavar="ENV", help="Whose configuration is used.")
    ] = "dev",
    data: Annotated[
        str | None, typer.Option("--data", metavar="FOLDER", help="Keep DATA_DIR and logs there; by itself nothing is.")
    ] = None,
) -> None:
    """Run the application from the working tree until Ctrl-C, anew on every change. Needs no server."""


def release(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="Branch, tag or commit.")] = "HEAD",
    named: Application = None,
    data: Data = None,
    by: By = None,
    as_json: Json = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for its CI steps.")] = False,
) -> None:
    """Make a release from a commit, once its CI steps have passed. The same commit is the same release."""


def builds(
    build: Annotated[str | None, typer.Argument(metavar="BUILD", help="One build: its steps, tests, findings.")] = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="End it, with all that it runs.")] = False,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    as_json: Json = False,
) -> None:
    """Commits on their way through CI, newest first, or one of them."""


def releases(named: Application = None, data: Data = None, as_json: Json = False) -> None:
    """Every release, newest first, and where it is."""


def provenance(release: Release, named: Application = None, data: Data = None, as_json: Json = False) -> None:
    """How a release's images were made, and whether that verifies: signature, digests, registry."""


def images(
    prune: Annotated[bool, typer.Option("--prune", help="Delete from the registry what nothing needs.")] = False,
    keep: Annotated[
        int, typer.Option("--keep", min=1, max=1000, metavar="N", help="Releases that stay, and ways back.")
    ] = 10,
    named: Application = None,
    data: Data = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Images in the registry, and why each one stays. What runs or may be gone back to is never deleted."""


def deploy(  # noqa: PLR0913, PLR0917 - each is an option
    environment: Environment,
    release: Annotated[
        str | None,
        typer.Argument(metavar="RELEASE", help="Id, version or commit; by itself what comes next here."),
    ] = None,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    hotfix: Annotated[
        bool,
        typer.Option("--hotfix", help="Go before what waits and what is in flight; gates hold. Needs --why."),
    ] = False,
    break_glass: Annotated[
        bool, typer.Option("--break-glass", help="Pass closed gates, where the rules let you. On record. Needs --why.")
    ] = False,
    as_json: Json = False,
    wait: Wait = False,
) -> None:
    """Ask for a release here. It starts when its gates are open and nothing is in flight. A named one is pinned."""


def status(named: Application = None, data: Data = None, as_json: Json = False) -> None:
    """How every environment stands, in one line each."""


def pipeline(
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, max=1000, help="How many releases, the latest.")] = 20,
    named: Application = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Where every release is: one line for each, one column for each environment."""


def watch(
    environment: Environment,
    keep: Annotated[bool, typer.Option("--keep", help="Go on with the next rollout, until Ctrl-C.")] = False,
    named: Application = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """A rollout live: steps, weights, requests, errors, latency. Its outcome is the exit code."""


def why(environment: Environment, named: Application = None, data: Data = None, as_json: Json = False) -> None:
    """The latest decisions, each with its reason; what is waited for."""


def history(
    environment: Environment,
    events: Annotated[bool, typer.Option("--events", help="Every event as a sentence, oldest first.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many rollouts, the latest.")] = 20,
    named: Application = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Past rollouts, newest first: how they ended, and why."""


def backtest(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file.")] = "headgate.yaml",
    releases: Annotated[int, typer.Option("--releases", "-n", min=1, help="Of each environment, the latest.")] = 20,
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", metavar="ENV", help="One environment only.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Replay what past rollouts measured under the rules of a file: which verdicts change. Needs no server."""


def logs(  # noqa: PLR0913, PLR0917
    environment: Annotated[str | None, typer.Argument(metavar="ENV", help="An environment of the application.")] = None,
    service: Annotated[str | None, typer.Option("--service", "-s", metavar="NAME", help="Of one service only.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, max=10_000, help="The last ones of each instance.")
    ] = 100,
    build: Annotated[
        str | None, typer.Option("--build", metavar="BUILD", help="Instead of an environment: the steps of a build.")
    ] = None,
    step: Annotated[str | None, typer.Option("--step", metavar="NAME", help="Of one step of the build only.")] = None,
    named: Application = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """What the instances print, or the steps of a build. Colours and control characters are taken out."""


def pause(
    environment: Environment,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    as_json: Json = False,
) -> None:
    """Hold the rollout where it is. Analysis goes on, and may still abort it."""


def resume(
    environment: Environment,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    as_json: Json = False,
) -> None:
    """Let a paused rollout go on."""


def promote(
    environment: Environment,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    as_json: Json = False,
    wait: Wait = False,
) -> None:
    """Make the candidate stable now. The steps that are left are skipped."""


def abort(
    environment: Environment,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    as_json: Json = False,
    wait: Wait = False,
) -> None:
    """Put all traffic back on stable. The rollout ends, and its release is quarantined."""


def rollback(  # noqa: PLR0913, PLR0917
    environment: Environment,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="RELEASE", help="Id, version or commit; by itself what was stable before."),
    ] = None,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    as_json: Json = False,
    wait: Wait = False,
) -> None:
    """Put all traffic back on what was stable before, at once. A rollout in flight is aborted."""


def pin(
    environment: Environment,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    as_json: Json = False,
) -> None:
    """Keep what is here: nothing replaces it by itself until it is unpinned, or someone deploys."""


def unpin(
    environment: Environment,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    as_json: Json = False,
) -> None:
    """Let releases come by themselves again."""


def sign_off(  # noqa: PLR0913, PLR0917
    environment: Environment,
    verdict: Annotated[
        Literal["accepted", "rejected"], typer.Option("--verdict", help="What was found; a rejection needs --note.")
    ],
    release: Annotated[
        str | None,
        typer.Argument(metavar="RELEASE", help="Id, version or commit; by itself what is stable here."),
    ] = None,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Why; a rejection needs it.")] = None,
    named: Application = None,
    data: Data = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Record what was found of a release that is, or was, stable here. What is rejected does not advance."""


def lift(
    release: Release,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the log.")],
    named: Application = None,
    data: Data = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """End the quarantine of a release, for a stated reason."""


def ci(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="github, gitlab or codepipeline.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file.")] = "headgate.yaml",
    only_print: Annotated[bool, typer.Option("--print", help="To standard output; writes nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Write the workflow by which another CI builds, tests, scans, pushes and announces releases."""


def spec(
    schema: Annotated[bool, typer.Option("--schema", help="The JSON Schema, for editors.")] = False,
) -> None:
    """Print every field of headgate.yaml, with default and meaning."""
