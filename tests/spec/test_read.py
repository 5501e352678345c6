"""Good and bad files: every problem says place, field, what was found, what is allowed and what to do."""

import pytest
from tests.spec.files import SAMPLE, SMALL, production, service

from headgate.spec.problems import SpecificationError
from headgate.spec.read import read
from headgate.spec.units import POINTS

NAMES = "a name of lower-case letters, digits and -, beginning with a letter, at most 39 characters"
DURATIONS = "a duration with a unit (500ms, 1s, 30m, 2h, 7d, 1h30m)"
TOP = (
    "application, services, env, registry, manifests, pipeline, source, people, secrets, groups, notifications, "
    "environments"
)
ENVIRONMENT = (
    "platform, manifests, traffic, metrics, deploy, after, concurrency, branches, integrate, strategy, checks, gates, "
    "break_glass, analysis, bake, contract, keep_warm, monitor, listen, replicas, env, secrets, terraform, "
    "services, parity, deadlines, notifications"
)
STAGING = "  staging: {platform: process}\n"
GIVEN = "HOST, PORT, APPLICATION, ENVIRONMENT, SERVICE, RELEASE, REVISION, DATA_DIR"


def bad(content: str | bytes, message: str) -> tuple[str | bytes, str]:
    """A file whose one problem stands at the mark ¦, or at the beginning; the mark is not part of the file."""
    if isinstance(content, bytes):
        before, _, after = content.partition("¦".encode())
        return before + after, f"f.yaml:{place(before.decode())}: {message}"
    before, mark, after = content.partition("¦")
    return (before + after, f"f.yaml:{place(before)}: {message}") if mark else (content, f"f.yaml:1:1: {message}")


def place(before: str) -> str:
    lines = before.split("\n")
    return f"{len(lines)}:{len(lines[-1]) + 1}"


def problems(content: str | bytes) -> list[str]:
    with pytest.raises(SpecificationError) as error:
        read(content, "f.yaml")
    return [str(problem) for problem in error.value.problems]


GOOD = {
    "the design's sample": SAMPLE,
    "the smallest file": SMALL,
    "byte order mark": "\ufeff" + SMALL,
    "windows line ends": SMALL.replace("\n", "\r\n"),
    "bytes": SMALL.encode(),
    "document marks": f"---\n{SMALL}...\n",
    "aliases": "x: &a [serve]\n".replace("x: ", "application: shop\nservices:\n  web: {port: 1, command: ")[:-1]
    + "}\n  api: {port: 1, command: *a}\nenvironments: {p: {platform: process}}\n",
    "canary alone": production("strategy: canary"),
    "canary with nothing": production("strategy: {canary: {}}"),
    "blue-green with a gate": production("strategy: {blue-green: {gate: {approval: {from: [alice]}}}}"),
    "all-at-once, long": production("strategy: {all-at-once: {}}"),
    "smoke": production("checks: [{smoke: true}]"),
    "any run command": production("checks: [{name: ok, run: true}]"),
    "analysis without canary": production("analysis: {at_least: 10s}"),
    "nothing to wait for": production("bake: 0s, keep_warm: 0s"),
    "a person in no group": production("gates: [{approval: {from: [alice, bob], count: 2}}]"),
}


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_good_files(content: str | bytes) -> None:
    assert read(content).environments


BAD = {
    # --- text that is no YAML of ours
    "empty": bad(
        "",
        "found nothing; allowed: a mapping that begins with `application: NAME`. "
        "Run `headgate init` to write a first file, or `headgate spec` to see every field.",
    ),
    "only comments": bad(
        "# nothing\n",
        "found nothing; allowed: a mapping that begins with `application: NAME`. "
        "Run `headgate init` to write a first file, or `headgate spec` to see every field.",
    ),
    "not UTF-8": bad(
        b"application: shop\nx: \xc2\xa6\xfc",
        "found byte 0xfc; allowed: UTF-8 text. Save the file as UTF-8.",
    ),
    "NUL": bad(
        "a: ¦\x00",
        "found the character U+0000; allowed: printable text. Remove the character.",
    ),
    "escaped NUL": bad(
        SMALL.replace('"$PORT"', '¦"\\0"'),
        'services.web.command[1]: found "\\u0000"; allowed: text without NUL and lone surrogates. '
        "Remove the escape sequence.",
    ),
    "tab": bad(
        "services:\n¦\tweb: {}\n",
        "found a tab; allowed: spaces for indentation. Replace the tab by spaces.",
    ),
    "bracket left open": bad(
        "a: [b\n¦",
        "found what is no YAML (expected ',' or ']', but got '<stream end>' while parsing a flow sequence); "
        "allowed: YAML 1.2. Check indentation, colons and quotes here and in the line above.",
    ),
    "colon in a value": bad(
        "a: b¦: c\n",
        "found what is no YAML (mapping values are not allowed here); allowed: YAML 1.2. "
        "Check indentation, colons and quotes here and in the line above.",
    ),
    "two documents": bad(
        f"{SMALL}¦---\n{SMALL}",
        "found a second document; allowed: one document. Remove `---` and what follows it.",
    ),
    "a tag": bad(
        SMALL.replace("shop", "¦!!python/name:os.system shop"),
        "application: found the tag tag:yaml.org,2002:python/name:os.system; "
        "allowed: values without tags. Remove the tag.",
    ),
    "unknown alias": bad(
        "a: ¦*b\n",
        "found *b; allowed: aliases of anchors above. Define &b first, or write the value out.",
    ),
    "alias of itself": bad(
        "a: &a [¦*a]\n",
        "found *a inside &a; allowed: aliases of what is complete. Write the value out.",
    ),
    "too deep": bad(
        "[" * 33 + "¦" + "[" * 7 + "]" * 40,
        "found deeper nesting; allowed: at most 32 levels. Check brackets and indentation.",
    ),
    "too deep by aliases": bad(
        "a0: &a0 []\n" + "".join(f"a{n}: &a{n} [{'¦' * (n == 32)}*a{n - 1}]\n" for n in range(1, 40)),
        "found deeper nesting; allowed: at most 32 levels. Check brackets and indentation.",
    ),
    "alias bomb": bad(
        "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        + "".join(f"a{n}: &a{n} [{'¦' * (n == 4)}{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
        "found more; allowed: at most 20,000 values, aliases written out. "
        "Use fewer aliases, or check that this is the right file.",
    ),
    "too large": bad(
        "#" * (1024 * 1024 + 1),
        "found 1,048,577 bytes; allowed: at most 1 MiB. Check that this is the right file.",
    ),
    "a field twice": bad(
        SMALL + "¦application: again\n",
        "application: found application twice; allowed: each field once. Remove one: it stands in line 1 already.",
    ),
    "a list as a name": bad(
        f"{SMALL}? ¦[a]\n: b\n",
        "found a list as a field's name; allowed: text. Write a name before the colon.",
    ),
    "a merge key": bad(
        f"{SMALL}¦<<: {{}}\n",
        f"<<: found <<; allowed: {TOP}. YAML 1.2 has no merge keys: repeat the fields, or alias the whole mapping.",
    ),
    # --- structure
    "text": bad(
        "hello",
        f"found hello; allowed: a mapping of {TOP}. Write `FIELD: VALUE` on lines below.",
    ),
    "a list": bad(
        "- a\n",
        f"found a list; allowed: a mapping of {TOP}. Write `FIELD: VALUE` on lines below.",
    ),
    "terminal escape": bad(
        'application: ¦"\\e[31mred"\n' + SMALL.partition("\n")[2],
        f'application: found "\\u001b[31mred"; allowed: {NAMES}. Write mred.',
    ),
    "unknown field, close to one": bad(
        production("¦barnches: [main]"),
        f"environments.production.barnches: found barnches; allowed: {ENVIRONMENT}. Did you mean branches?",
    ),
    "unknown field, close to none": bad(
        production("¦zzz: 1"),
        f"environments.production.zzz: found zzz; allowed: {ENVIRONMENT}. Remove it.",
    ),
    "no platform": bad(
        SMALL.replace("{platform: process}", "¦{}"),
        "environments.production.platform: found nothing; "
        "allowed: platform, which is required (what runs the services here). Add `platform: process`.",
    ),
    "no services": bad(
        SMALL.replace('\n  web: {command: [serve, "$PORT"], port: 8000}', " ¦{}"),
        "services: found an empty mapping; allowed: at least one. Write at least one, or remove the field.",
    ),
    "nothing behind the colon": bad(
        SMALL.replace(": {platform: process}", "¦:"),
        f"environments.production: found nothing; allowed: a mapping of {ENVIRONMENT}. "
        "Write `FIELD: VALUE` on lines below.",
    ),
    "nothing where all has a default": bad(
        production("analysis¦: "),
        "environments.production.analysis: found nothing; allowed: a mapping of errors, latency, "
        "signals, false_rollback_rate, blip, unproven, instance_spread, minimum_requests, interval, at_least, "
        "deadline, metrics. "
        "Write {} for the defaults, or `FIELD: VALUE`.",
    ),
    "a mapping where a list belongs": bad(
        production("checks: ¦{smoke: true}"),
        "environments.production.checks: found a mapping; allowed: a list. "
        "Write [ONE, ANOTHER], or `- ONE` on a line each.",
    ),
    # --- scalars
    "a name with capitals": bad(
        SMALL.replace("shop", "¦My Shop"),
        f"application: found My Shop; allowed: {NAMES}. Write my-shop.",
    ),
    "a service's name": bad(
        SMALL.replace("web:", "¦Web_1:"),
        f"services.Web_1: found Web_1; allowed: {NAMES}. Write web-1.",
    ),
    "a name too long": bad(
        SMALL.replace("shop", "¦" + "s" * 40),
        f"application: found {'s' * 40}; allowed: {NAMES}. Write {'s' * 39}.",
    ),
    "a port in words": bad(
        SMALL.replace("8000", "¦http"),
        "services.web.port: found http; allowed: a whole number from 1 to 65535. Write a number from 1 to 65535.",
    ),
    "a port in quotes": bad(
        SMALL.replace("8000", '¦"8000"'),
        "services.web.port: found 8000; allowed: a whole number from 1 to 65535. Write 8000 without quotes.",
    ),
    "a port too high": bad(
        SMALL.replace("8000", "¦65536"),
        "services.web.port: found 65536; allowed: a whole number from 1 to 65535. Write a number from 1 to 65535.",
    ),
    "command as text": bad(
        SMALL.replace('[serve, "$PORT"]', "¦serve $PORT"),
        "services.web.command: found serve $PORT; allowed: a list. Write [ONE, ANOTHER], or `- ONE` on a line each.",
    ),
    "build outside": bad(
        service("build: ¦../web"),
        "services.web.build: found ../web; allowed: a folder below headgate.yaml's repository, without ... "
        "Write a path such as services/web, or `.` for the repository itself.",
    ),
    "build and image": bad(
        service("build: web, image: web").replace("{command", "¦{command"),
        "services.web: found a mapping; allowed: build or image, not both. Remove one of the two.",
    ),
    "a duration without unit": bad(
        production("bake: ¦30"),
        f"environments.production.bake: found 30; allowed: {DURATIONS}. A number needs a unit: write 30s or 30m.",
    ),
    "a duration too short": bad(
        production("deadlines: {ready: ¦0s}"),
        "environments.production.deadlines.ready: found 0s; allowed: a duration from 100ms to 365d. "
        "Write a duration from 100ms to 365d.",
    ),
    "points without unit": bad(
        production("analysis: {errors: {worse_by: ¦0.5}}"),
        "environments.production.analysis.errors.worse_by: found 0.5; "
        "allowed: percentage points (0.5pp). A number needs its unit: write 0.5pp.",
    ),
    "rate without unit": bad(
        production("checks: [{name: l, load: {rate: ¦500, for: 1m}}]"),
        "environments.production.checks[0].load.rate: found 500; "
        "allowed: a rate per second or minute (500/s, 1500/min). A number needs its unit: write 500/s.",
    ),
    "yes is no flag": bad(
        production("gates: [{approval: {author_may_approve: ¦yes}}]"),
        "environments.production.gates[0].approval.author_may_approve: found yes; allowed: true or false. "
        "Write true or false, without quotes.",
    ),
    "deploy misspelt": bad(
        production("deploy: ¦on_build"),
        "environments.production.deploy: found on_build; allowed: on-build, on-request, on-advance. "
        "Did you mean on-build?",
    ),
    "unknown time zone": bad(
        production('gates: [{freeze: ¦"Fri 16:00 - Mon 08:00 Mars"}]'),
        "environments.production.gates[0].freeze: found Fri 16:00 - Mon 08:00 Mars; "
        "allowed: an IANA time zone (Europe/London, UTC). There is no time zone Mars.",
    ),
    "webhook with a password": bad(
        production("gates: [{webhook: {url: ¦'https://u:p@example.org'}}]"),
        "environments.production.gates[0].webhook.url: found https://u:p@example.org; "
        "allowed: an address that begins with http:// or https://. Write it with a host and without a password.",
    ),
    # --- short forms and choices
    "strategy misspelt": bad(
        production("strategy: ¦canari"),
        "environments.production.strategy: found canari; allowed: all-at-once, blue-green, canary. "
        "Did you mean canary?",
    ),
    "two strategies": bad(
        production("strategy: ¦{canary: {}, blue-green: {}}"),
        "environments.production.strategy: found a mapping; "
        "allowed: exactly one of all-at-once, blue-green, canary. Remove all but one.",
    ),
    "a baseline without a canary": bad(
        production("strategy: {blue-green: {¦baseline: true}}"),
        "environments.production.strategy.blue-green.baseline: found baseline; allowed: gate, audience. Remove it.",
    ),
    "a baseline that is neither": bad(
        production("strategy: {canary: {baseline: ¦2}}"),
        "environments.production.strategy.canary.baseline: found 2; allowed: true or false. "
        "Write true or false, without quotes.",
    ),
    "strategy as a list": bad(
        production("strategy: ¦[canary]"),
        "environments.production.strategy: found a list; "
        "allowed: all-at-once, blue-green, canary, or a mapping with one of them. Write one of these.",
    ),
    "steps that fall": bad(
        production("strategy: {canary: {steps: [5, 50, ¦25]}}"),
        "environments.production.strategy.canary.steps[2]: found 25; allowed: a weight above 50. "
        "Write the weights in rising order.",
    ),
    "a step of 100": bad(
        production("strategy: {canary: {steps: [5, ¦100]}}"),
        "environments.production.strategy.canary.steps[1]: found 100; allowed: a whole number from 1 to 99. "
        "Write a number from 1 to 99.",
    ),
    "no steps": bad(
        production("strategy: {canary: {steps: ¦[]}}"),
        "environments.production.strategy.canary.steps: found an empty list; allowed: at least one. "
        "Write at least one, or remove the field.",
    ),
    "a gate of two kinds": bad(
        production("gates: [¦{soak: 1h, approval: {}}]"),
        "environments.production.gates[0]: found a mapping; "
        "allowed: exactly one of approval, soak, sign_off, freeze, webhook, parity. Remove all but one.",
    ),
    "a check without a kind": bad(
        production("checks: [¦{name: e2e}]"),
        "environments.production.checks[0]: found a mapping; "
        "allowed: exactly one of smoke: true, http, run, load and browser. "
        "Write one check to a list item: {smoke: true} or {name: e2e, run: COMMAND}.",
    ),
    "a check without a name": bad(
        production("checks: [¦{run: pytest}]"),
        "environments.production.checks[0]: found a mapping; allowed: a check with a name. "
        "Add a name, such as `name: e2e`.",
    ),
    "a value of two kinds": bad(
        service("env: {A: ¦{secret: a, terraform: b}}"),
        "services.web.env.A: found a mapping; allowed: exactly one of secret, terraform. Remove all but one.",
    ),
    "a value that is a list": bad(
        service("env: {A: ¦[b]}"),
        "services.web.env.A: found a list; allowed: text, {secret: REFERENCE} or {terraform: OUTPUT}. "
        "Write one of these.",
    ),
    "a variable of ours": bad(
        service("env: {¦PORT: 80}"),
        f"services.web.env.PORT: found PORT; allowed: names other than {GIVEN} and HEADGATE_*. "
        "Remove it: Headgate sets this variable for every instance.",
    ),
    "a variable's name": bad(
        service("env: {¦1A: b}"),
        "services.web.env.1A: found 1A; allowed: a variable's name: letters, digits and _. "
        "Write a name such as LOG_LEVEL.",
    ),
    # --- contradictions
    "after nothing": bad(
        production("after: ¦stagin") + "  staging: {platform: process}\n",
        "environments.production.after: found stagin; allowed: an environment: production, staging. "
        "Did you mean staging?",
    ),
    "after itself": bad(
        production("after: ¦production"),
        "environments.production.after: found production; allowed: an order without a circle. "
        "Remove one `after` of: production after production.",
    ),
    "on-advance after nothing": bad(
        production("deploy: ¦on-advance"),
        "environments.production.deploy: found on-advance; "
        "allowed: on-build or on-request, without `after`. "
        "Add `after: ENVIRONMENT`, the one that releases advance from.",
    ),
    "integrate after another": bad(
        production("integrate: true, after: ¦staging") + "  staging: {platform: process}\n",
        "environments.production.after: found staging; allowed: neither after nor deploy, together with integrate. "
        "Remove it, or integrate.",
    ),
    "integrate on request": bad(
        production("integrate: true, deploy: ¦on-request"),
        "environments.production.deploy: found on-request; allowed: neither after nor deploy, together with integrate. "
        "Remove it, or integrate.",
    ),
    "after one that integrates": bad(
        production("after: ¦devint") + "  devint: {platform: process, integrate: true}\n",
        "environments.production.after: found devint; allowed: an environment that does not integrate. "
        "devint integrates branches, which never go further: name another environment.",
    ),
    "a repository that is an option": bad(
        SMALL + "source: {repository: ¦--upload-pack=id}\n",
        "source.repository: found --upload-pack=id; allowed: an https, ssh or file address of a git repository, "
        "or a folder that begins with /. Write one such as https://git.example.org/shop.git, without a login.",
    ),
    "a login in the address": bad(
        SMALL + "source: {repository: ¦'https://ann:s3cret@git.example.org/shop'}\n",
        "source.repository: found https://ann:s3cret@git.example.org/shop; allowed: an https, ssh or file address of "
        "a git repository, or a folder that begins with /. Write one such as https://git.example.org/shop.git, "
        "without a login.",
    ),
    "a repository that runs a program": bad(
        SMALL + "source: {repository: ¦'ext::sh'}\n",
        "source.repository: found ext::sh; allowed: an https, ssh or file address of a git repository, "
        "or a folder that begins with /. Write one such as https://git.example.org/shop.git, without a login.",
    ),
    "looking all the time": bad(
        SMALL + "source: {poll: ¦10ms}\n",
        "source.poll: found 10ms; allowed: a duration from 1s to 365d. Write a duration from 1s to 365d.",
    ),
    "parity with itself": bad(
        production("gates: [{parity: ¦production}]"),
        "environments.production.gates[0].parity: found production; allowed: another environment. "
        "There is none: add one, or remove this.",
    ),
    "parity with what is not there": bad(
        production("parity: {¦stagin: {traffic: 10%}}") + STAGING,
        "environments.production.parity.stagin: found stagin; allowed: another environment: staging. "
        "Did you mean staging?",
    ),
    "a difference that no list has": bad(
        production("parity: {staging: {accept: [{what: ¦colour, why: it is green}]}}") + STAGING,
        "environments.production.parity.staging.accept[0].what: found colour; "
        "allowed: a difference as `headgate parity` lists it; * stands for any text of its name. "
        "Write one such as `replicas web`, `variable web.DEBUG` or `image *`.",
    ),
    "accepted without a reason": bad(
        production("parity: {staging: {accept: [¦{what: image *}]}}") + STAGING,
        "environments.production.parity.staging.accept[0].why: found nothing; "
        "allowed: why, which is required (why it is as it should be). Add `why: one is enough to try things`.",
    ),
    "a sign-off of its own": bad(
        production("gates: [{sign_off: {from: ¦production}}]"),
        "environments.production.gates[0].sign_off.from: found production; allowed: another environment. "
        "There is none: add the one where people try releases, or remove the gate.",
    ),
    "an unknown way to take turns": bad(
        production("concurrency: ¦parallel"),
        "environments.production.concurrency: found parallel; allowed: queue, replace, finish. Write one of these.",
    ),
    "soak after nothing": bad(
        production("gates: [{soak: ¦2h}]"),
        "environments.production.gates[0].soak: found 2h; allowed: soak only together with `after`. "
        "Add `after: ENVIRONMENT`, the one where releases prove themselves.",
    ),
    "listen for no service": bad(
        production("listen: {¦wbe: 80}"),
        "environments.production.listen.wbe: found wbe; allowed: a service: web. Did you mean web?",
    ),
    "replicas of no service": bad(
        production("replicas: {¦api: 2}"),
        "environments.production.replicas.api: found api; allowed: a service: web. Write one of these.",
    ),
    "one port for two": bad(
        production("listen: {web: 80}") + "  staging: {platform: process, listen: {web: ¦80}}\n",
        "environments.staging.listen.web: found 80; allowed: a port that nothing else claims. "
        "web in production has it already: write another port.",
    ),
    "two checks of one name": bad(
        production("checks: [{smoke: true}, ¦{smoke: true}]"),
        "environments.production.checks[1]: found smoke twice; allowed: checks with names of their own. "
        "Give this one another name.",
    ),
    "more approvals than people": bad(
        production("gates: [{approval: {from: [team], count: ¦2}}]") + "groups: {team: [alice]}\n",
        "environments.production.gates[0].approval.count: found 2; "
        "allowed: at most 1, the number of people named. Lower the count, or name more people.",
    ),
    "a group in a group": bad(
        SMALL + "groups: {team: [alice], all: [¦team]}\n",
        "groups.all[0]: found team; allowed: people, no groups. Write the people of team out.",
    ),
    "analysis longer than its deadline": bad(
        production("analysis: ¦{at_least: 1h}"),
        "environments.production.analysis.deadline: found 30m; "
        "allowed: more than 1h, how long each step is watched at least. Lengthen the deadline.",
    ),
    "analysis shorter than a measurement": bad(
        production("analysis: {at_least: ¦500ms}"),
        "environments.production.analysis.at_least: found 500ms; "
        "allowed: at least 1s, the interval of one measurement. Watch longer, or measure more often.",
    ),
    "tolerating what promotion rules out": bad(
        production("analysis: {latency: {p99_worse_by: 5%, tolerated: ¦6%}}"),
        "environments.production.analysis.latency.tolerated: found 6%; "
        "allowed: less than what promotion rules out. Lower it, or leave it out: it then follows from worse_by.",
    ),
    "a margin of nothing": bad(
        production("analysis: {errors: {worse_by: ¦0pp}}"),
        "environments.production.analysis.errors.worse_by: found 0pp; "
        f"allowed: more than 0, {POINTS}. Allow some: equality cannot be proven.",
    ),
    "a rate of errors that nobody would want": bad(
        production("analysis: {false_rollback_rate: ¦50%}"),
        "environments.production.analysis.false_rollback_rate: found 50%; "
        "allowed: 0.0001% to 20%. 1% is right for most.",
    ),
    "a fate that is none": bad(
        production("analysis: {unproven: ¦promoted}"),
        "environments.production.analysis.unproven: found promoted; "
        "allowed: hold, promote, rollback. Did you mean promote?",
    ),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_files(content: str | bytes, message: str) -> None:
    assert problems(content) == [message]


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    content = production("bake: 30, after: nowhere").replace("shop", "Shop").replace("8000", "none")
    assert [problem.partition(" found ")[0] for problem in problems(content)] == [
        "f.yaml:1:14: application:",
        "f.yaml:3:42: services.web.port:",
        "f.yaml:5:41: environments.production.bake:",
    ]


def test_a_circle_is_told_at_each_of_its_environments() -> None:
    content = SMALL.partition("environments")[0] + (
        "environments:\n"
        "  a: {platform: process, after: c}\n"
        "  b: {platform: process, after: a}\n"
        "  c: {platform: process, after: b}\n"
        "  d: {platform: process, after: c}\n"
    )
    assert [problem.rpartition(": ")[2] for problem in problems(content)] == [
        "a after c after b after a.",
        "b after a after c after b.",
        "c after b after a after c.",
    ]


def test_a_problem_carries_its_parts() -> None:
    with pytest.raises(SpecificationError) as error:
        read(production("bake: 30"), "f.yaml")
    (problem,) = error.value.problems
    assert (problem.file, problem.line, problem.column) == ("f.yaml", 5, 41)
    assert (problem.field, problem.found) == ("environments.production.bake", "30")
    assert (problem.allowed, problem.remedy) == (DURATIONS, "A number needs a unit: write 30s or 30m.")


def test_thousands_of_problems_are_carried_but_not_all_printed() -> None:
    with pytest.raises(SpecificationError) as error:
        read("a: 1\n" * 1000, "f.yaml")
    assert len(error.value.problems) > 1000 - 1
    assert str(error.value).endswith("more problems.")
    assert len(str(error.value).splitlines()) == 51
