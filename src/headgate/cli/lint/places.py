"""What holds for one environment only: its addresses, its accounts, its connections. Pure."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, ip_address

from headgate.cli.lint.finding import Finding
from headgate.cli.lint.source import LONGEST, Kind, lines_of

# user:password@host; a password that is a variable is no password.
CREDENTIALS = re.compile(
    r"\b([a-z][a-z0-9+.-]{1,30})://([^\s/@:'\"<>{}$]{0,100}):([^\s/@'\"<>]{1,200})@(\[[0-9a-f:]+\]|[^\s/:'\"?#,)\]}]+)",
    re.IGNORECASE,
)
DATABASE = re.compile(
    r"\b((?:jdbc:)?(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|sqlserver|mssql|oracle|clickhouse|nats|kafka"
    r"|cassandra|memcached)(?:\+[a-z0-9]+)?)://(?:[^\s@/'\"]{0,200}@)?(\[[0-9a-f:]+\]|[A-Za-z0-9._-]+)",
    re.IGNORECASE,
)
KEYED = re.compile(
    r"\b(?:Server|Data Source|Host)\s*=\s*([A-Za-z0-9._-]+)[^;'\"\n]{0,60};[^'\"\n]{0,200}\b(?:Password|Pwd)\s*=",
    re.IGNORECASE,
)
URL = re.compile(
    r"\b(?:https?|wss?|grpcs?|ftp|ldaps?|smtps?)://(?:[^\s/@'\"]{0,200}@)?([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)",
    re.IGNORECASE,
)
QUOTED = re.compile(
    r"""["'=:\s]([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+){2,8})(?=["'\s:/,;]|$)""", re.IGNORECASE
)
IPV4 = re.compile(r"(?<![\w.:/-])((?:\d{1,3}\.){3}\d{1,3})(/\d{1,2})?(?![\w.-])")
IPV4_OF_URL = re.compile(r"//(?:[^\s/@'\"]{0,200}@)?((?:\d{1,3}\.){3}\d{1,3})(?![\w.-])")
IPV6 = re.compile(r"\[([0-9a-f]{1,4}:[0-9a-f:]{4,40})\]", re.IGNORECASE)
ARN = re.compile(r"\barn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}):[^\s'\"]*")
REGISTRY = re.compile(r"\b(\d{12})\.dkr\.ecr\.")
ACCOUNT = re.compile(r"account(?:[_-]?id)?[\"']?\s*[:=]\s*[\"']?(\d{12})\b", re.IGNORECASE)

RESERVED_NAMES = re.compile(
    r"(^|\.)(localhost|example|test|invalid|onion|home\.arpa)$|(^|\.)example\.(com|org|net|edu)$"
    r"|^(localhost\.localdomain|host|hostname|server|host\.docker\.internal|metadata\.google\.internal)$",
    re.IGNORECASE,
)
# One environment's name as a part of the host's, or a network's own endings.
INSIDE = re.compile(
    r"(^|[.-])(dev|devint|qa|uat|stage|staging|preprod|prod|production|sandbox|internal|intra|intranet|corp)\d?[.-]",
    re.IGNORECASE,
)
ENDING = re.compile(r"\.(internal|intranet|corp|lan|local|svc|cluster\.local)$", re.IGNORECASE)
MANAGED = re.compile(
    r"\.(rds|cache|elb|es|redshift|docdb|execute-api|lambda-url|elasticbeanstalk|awsapprunner)\.[\w.-]*amazonaws\.com$"
    r"|\.[a-z0-9-]+\.elb\.amazonaws\.com$|\.cache\.amazonaws\.com$|\.azurewebsites\.net$"
    r"|\.(database|blob\.core|queue\.core|redis\.cache|vault|servicebus|documents)\.(windows|azure)\.net$"
    r"|\.(run\.app|cloudfunctions\.net|appspot\.com|mongodb\.net|supabase\.co|herokuapp\.com|fly\.dev|neon\.tech"
    r"|upstash\.io|ondigitalocean\.com)$",
    re.IGNORECASE,
)
# Programs' own words, not hosts: a module, a file, a property.
NO_ENDING = re.compile(
    r"\.(py|js|ts|tsx|go|rb|rs|java|c|h|sh|md|yml|yaml|json|toml|html|css|xml|txt|cfg|ini|lock|sql|so|db|log)$",
    re.IGNORECASE,
)
PLACEHOLDER = re.compile(
    r"^[*x.]+$|^(user|pass|passw(or)?d|secret|pw|changeme|example|token|key|p|postgres|root|admin|guest|test)$|[${<%]",
    re.IGNORECASE,
)
ANY_ENVIRONMENT = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
            *("198.18.0.0/15", "224.0.0.0/3"),
        ),
    )
)
WHOLE = frozenset(("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
KNOWN = frozenset(("1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "1.2.3.4", "4.3.2.1", "5.6.7.8"))
DOCUMENTED = frozenset(
    ("123456789012", "111122223333", "444455556666", "210987654321", "012345678901", "999988887777")
)
COMMENT = re.compile(r"\s(#|//)\s.*$")
VERSION = re.compile(r"version|==|>=|<=|~=|\bv\d|user-?agent|mozilla/|chrome/", re.IGNORECASE)


def places(path: str, text: str, kind: Kind) -> Iterator[Finding]:
    """Not of tests, documents, and files that hold an environment's configuration: there, credentials alone."""
    everything = kind in ("code", "image")
    if kind == "lock":
        return
    allowed_below = _environments(path, text)
    for number, line in enumerate(lines_of(text), start=1):
        if len(line) > LONGEST or not any(sign in line for sign in ".:="):
            continue
        found = list(_credentials(line)) if kind != "test" else []
        if everything and number not in allowed_below and (kind == "image" or not _is_comment(line)):
            said = COMMENT.sub("", line)
            found += [*_connections(said), *_hosts(said), *_numbers(said), *_accounts(said)]
        yield from _once(path, number, found)


Found = tuple[str, int, str, str]  # rule, column, sentence, value


def _once(path: str, number: int, found: list[Found]) -> Iterator[Finding]:
    """The first rule that knows a place on a line tells it."""
    told: list[tuple[int, int]] = []
    for rule, column, what, value in found:
        end = column + len(value)
        if any(column < other_end and start < end for start, other_end in told):
            continue
        told.append((column, end))
        yield Finding(rule, path, number, column + 1, what, value)


def _credentials(line: str) -> Iterator[Found]:
    if "://" not in line:
        return
    for match in CREDENTIALS.finditer(line):
        scheme, _, password, host = match.groups()
        if not PLACEHOLDER.search(password) and not everywhere(host):
            yield "url-credentials", match.start(), f"a password in an address ({scheme}://...:***@{host})", match[0]


def _connections(line: str) -> Iterator[Found]:
    for match in DATABASE.finditer(line):
        if not everywhere(match[2]) and ("." in match[2] or _written_out(line, match.end())):
            what = f"where one environment's data is ({match[1]}://{match[2]})"
            yield "connection-string", match.start(), what, match[0]
    for match in KEYED.finditer(line):
        if not everywhere(match[1]):
            what = f"where one environment's data is (server {match[1]})"
            yield "connection-string", match.start(), what, match[0]


def _written_out(line: str, end: int) -> bool:
    """A host of one word that no variable follows is a name in somebody's network."""
    return line[end : end + 1] in (":", "/")


def _hosts(line: str) -> Iterator[Found]:
    spans = [(one.start(1), one[1], True) for one in URL.finditer(line)] if "://" in line else []
    spans += [(one.start(1), one[1], False) for one in QUOTED.finditer(line)]
    for column, host, is_url in spans:
        if everywhere(host) or re.fullmatch(r"[\d.]+", host):
            continue
        managed = MANAGED.search(host)
        if managed or (is_url and "." in host and (INSIDE.search(host) or ENDING.search(host))):
            yield "hostname", column, f"a host of one environment ({host})", host


def _numbers(line: str) -> Iterator[Found]:
    bare = [] if VERSION.search(line) else [one for one in IPV4.finditer(line) if one[0] not in WHOLE]
    for match in [*bare, *IPV4_OF_URL.finditer(line), *IPV6.finditer(line)]:
        if not everywhere(match[1]) and _is_address(match[1]):
            yield "ip-address", match.start(1), f"an address of one network ({match[1]})", match[1]


def _accounts(line: str) -> Iterator[Found]:
    for pattern, which in ((ARN, "an ARN"), (REGISTRY, "a registry"), (ACCOUNT, "an account")):
        for match in pattern.finditer(line):
            if match[1] not in DOCUMENTED and len(set(match[1])) > 1:
                yield "aws-account", match.start(), f"{which} of one AWS account ({match[1]})", match[0]


def everywhere(host: str) -> bool:
    """Loopback, what RFC 2606, 6761, 5737 and 3849 keep for examples, and names that are filled in later."""
    host = host.strip("[]").rstrip(".")
    if not host or re.search(r"[${}<>%*]", host) or RESERVED_NAMES.search(host) or host in KNOWN:
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return bool(NO_ENDING.search(host))
    if isinstance(address, IPv4Address):
        return any(address in network for network in ANY_ENVIRONMENT)
    return address.is_loopback or address.is_link_local or address.is_unspecified or host.lower().startswith("2001:db8")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(("#", "//", "*", "--", "<!--", ";"))


def _environments(path: str, text: str) -> range | frozenset[int]:
    """Lines of a headgate.yaml below `environments`: where an environment's values belong."""
    if not re.search(r"(^|/)headgate\.ya?ml$", path):
        return frozenset()
    inside, numbers = False, set()
    for number, line in enumerate(lines_of(text), start=1):
        if re.match(r"\S", line) and not line.startswith("#"):
            inside = line.startswith("environments:")
        if inside:
            numbers.add(number)
    return frozenset(numbers)
