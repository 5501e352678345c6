"""A review in words, for the terminal and for the page: the same lines for whoever is asked."""

from typing import Any

View = dict[str, Any]
MOST = 30  # commits that fit a screen


def told(shown: View) -> View:
    """In the order in which an approver asks."""
    return {"head": head(shown), "sections": [{"title": one, "lines": lines} for one, lines in sections(shown)]}


def head(shown: View) -> list[str]:
    old, where = shown.get("replaces"), f"{shown['application']}/{shown['environment']}"
    replaced = f"{old['label']} ({old['commit'][:10]})" if old else "nothing"
    return [
        f"{shown['label']} ({shown['commit'][:10]}, by {shown['author']}) in {where}",
        f"replaces {replaced}; asked for by {shown['asked_by']}{': ' + shown['why'] if shown['why'] else ''}",
    ]


def sections(shown: View) -> list[tuple[str, list[str]]]:
    commits = [f"{one['commit'][:10]} {one['subject']} ({one['author']})" for one in shown["commits"][:MOST]]
    commits += [f"and {len(shown['commits']) - MOST} more"] if len(shown["commits"]) > MOST else []
    commits += [f"taken back: {one['commit'][:10]} {one['subject']}" for one in shown["taken_back"][:MOST]]
    checks = [
        f"{one['environment']}: {one['check'] + ' ' if one['check'] else ''}{one['said']}" for one in shown["checks"]
    ]
    return [
        ("commits", commits or [shown["commits_unknown"] or "none"]),
        ("images", [image(one) for one in shown["images"]]),
        ("configuration", shown["configuration"] or ["as it is"]),
        ("migrations", [migration(one) for one in shown["migrations"]] or ["none"]),
        ("checks in the environments before", checks or ["no environment comes before this one"]),
        ("infrastructure", infrastructure(shown["infrastructure"])),
        ("who would meet it", exposure(shown["exposure"])),
        ("approvals", [gate(one) for one in shown["gates"]] + [given(one) for one in shown["approvals"]]),
        ("rules", [shown["rules"]]),
    ]


def migration(one: View) -> str:
    when = "before the candidate runs" if one["kind"] == "expand" else "once nothing needs what it takes away"
    return f"{one['service']}: {one['kind']} to level {one['level']}, {when}: {one['command']}"


def infrastructure(one: View) -> list[str]:
    """What is destroyed or replaced comes first, and loud."""
    plan = one["plan"]
    if plan is None:
        return [one["why"]]
    if plan["empty"]:
        return ["nothing to change"]
    harmful = [change["told"] for change in plan["changes"] if change["harmful"]]
    others = [change["told"] for change in plan["changes"] if not change["harmful"]]
    more = [f"and {len(others) - MOST} more"] if len(others) > MOST else []
    later = "; services get them with the configuration that follows this rollout" if one["applied"] else ""
    outputs = [f"outputs that change: {', '.join(plan['outputs'])}{later}"] if plan["outputs"] else []
    lost = f"THIS DESTROYS OR REPLACES {len(harmful)} OF WHAT THERE IS, AND WHAT IS IN IT"
    what = "applied before the candidate starts" if one["applied"] else "NOT applied by this rollout"
    return [*([lost] if harmful else []), *harmful, *others[:MOST], *more, *outputs, f"{plan['text']}: {what}"]


def moment(text: str) -> str:
    return f"{text[:16].replace('T', ' ')} UTC"


def image(one: View) -> str:
    if one["goes"]:
        return f"{one['service']}: is no longer there"
    new = one["new"] or "run from its folder"
    if one["comes"]:
        return f"{one['service']}: new, {new}"
    return f"{one['service']}: {new}" if one["old"] == one["new"] else f"{one['service']}: {one['old']} -> {new}"


def exposure(one: View) -> list[str]:
    if not one["steps"]:
        return ["not known: there was no traffic yet"]
    traffic = f"{one['requests_per_second']:.4g} requests/s{'' if one['known'] else ', assumed'}"
    found = [f"{', '.join(one['steps'])}; {traffic}"]
    for course in one["regressions"]:
        known = course["bad"] is not None
        end = f", some {course['bad']:.0f} bad answers until then" if known else "; the others reach all users"
        found.append(f"{course['what']}: caught in {course['caught']:.0%} of such releases{end}")
    return found


def gate(one: View) -> str:
    who, given = ", ".join(one["from"]) or "anyone", ", ".join(one["given"]) or "nobody yet"
    how = "; by a token or link of their own" if one["authenticated"] else ""
    how += f"; each names {one['evidence']}" if one["evidence"] else ""
    return f"{len(one['given'])} of {one['count']} (from {who}{how}), until {moment(one['until'])}: {given}"


def given(one: View) -> str:
    proof = "proven" if one["authenticated"] else "claimed"
    why = f" ({one['why']})" if one["why"] else ""
    void = ": for another set, so it counts no more" if one["void"] else ""
    return f"{one['by']}{why} at {moment(one['at'])}, {proof}{void}"
