"""A selector of series, as PromQL writes it: `name{label="value", ...}`, with placeholders such as {service} in values.

Read when a file is applied, filled in when a source is asked: what is filled in can never be read as PromQL.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

# workload: the name that Kubernetes knows one service of one revision by, of its Deployment and of its Service.
PLACEHOLDERS = ("application", "environment", "service", "revision", "workload")
SIDES = frozenset({"revision", "workload"})  # either tells candidate and stable apart
WINDOW = "{window}"  # in an expression: how long the window is, as in sum(increase(requests_total[{window}]))

_NAME = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*")
_MATCHER = re.compile(
    r"""\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')\s*(?=[,}])"""
)
_OR = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\s+or\s+)""")  # what stands in quotes joins nothing
_PLACEHOLDER = re.compile(r"(?<!\\[pPx])\{([A-Za-z_]\w*)\}")  # not \p{Greek}, \x{20}; a{2} is none either
_PLAIN = re.compile(r"[A-Za-z0-9_/:-]")  # means itself in a text and in a regular expression


@dataclass(frozen=True, slots=True)
class Matcher:
    label: str
    operator: str  # =, !=, =~ or !~
    quoted: str  # as written, quotes included

    @property
    def placeholders(self) -> set[str]:
        return set(_PLACEHOLDER.findall(self.quoted))

    @property
    def needs_label(self) -> bool:
        """Series without the label do not match, as far as that can be told without reading the expression."""
        return self.operator in ("=", "=~") and len(self.quoted) > 2

    def filled(self, values: Mapping[str, str]) -> str:
        escape = literal if self.operator.endswith("~") else _in_text
        return self.label + self.operator + _PLACEHOLDER.sub(lambda found: escape(values[found[1]]), self.quoted)


@dataclass(frozen=True, slots=True)
class Selector:
    name: str  # of the metric; may be empty
    matchers: tuple[Matcher, ...]

    @property
    def placeholders(self) -> set[str]:
        return {name for matcher in self.matchers for name in matcher.placeholders}

    @property
    def sides(self) -> bool:
        """Whether it tells revisions apart."""
        return any(one.placeholders & SIDES for one in self.matchers if one.operator in ("=", "=~"))

    def filled(self, values: Mapping[str, str]) -> str:
        return self.name + "{" + ",".join(matcher.filled(values) for matcher in self.matchers) + "}"


def parse_each(text: str) -> tuple[Selector, ...]:
    """One selector, or several that `or` joins: series that match any of them count. Raises ValueError as `parse`."""
    ends = [found.span() for found in _OR.finditer(text) if found[2]]
    starts = [0, *(end for _, end in ends)]
    return tuple(parse(text[a:b]) for a, b in zip(starts, [*(start for start, _ in ends), len(text)], strict=True))


def is_expression(text: str) -> bool:
    """PromQL that counts a window itself, instead of a selector."""
    return WINDOW in text


def named(text: str) -> set[str]:
    """Placeholders of a selector or an expression; of several selectors, those that all of them have."""
    if is_expression(text):
        return set(_PLACEHOLDER.findall(text))
    return set.intersection(*(one.placeholders for one in parse_each(text)))


def check_expression(text: str) -> None:
    """Raises ValueError, whose text is a sentence that says what to do."""
    found = set(_PLACEHOLDER.findall(text)) - {"window"}
    _check_known(found)
    if not found & SIDES:
        raise ValueError('Add revision="{revision}", or candidate and stable are the same numbers.')


def filled_in(expression: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: _in_text(values[found[1]]), expression)


def parse(text: str) -> Selector:
    """Raises ValueError, whose text is a sentence that says what to do."""
    start = _NAME.match(text)
    place = start.end() if start else 0
    if not text.startswith("{", place):
        raise ValueError(_beside(text, place) if place < len(text.rstrip()) else 'Add {revision="{revision}"}.')
    matchers: list[Matcher] = []
    place += 1
    while found := _MATCHER.match(text, place):
        matchers.append(Matcher(found[1], found[2], found[3]))
        place = found.end() + text.startswith(",", found.end())
    rest = text[place:].strip()
    if rest != "}":
        raise ValueError(_beside(text, place + 1 if rest.startswith("}") else place))
    return _checked(Selector((start[1] if start else None) or "", tuple(matchers)))


def _checked(selector: Selector) -> Selector:
    _check_known(selector.placeholders)
    if not selector.sides:
        raise ValueError('Add revision="{revision}", or candidate and stable are the same numbers.')
    return selector


def _check_known(found: Collection[str]) -> None:
    unknown = sorted(set(found) - set(PLACEHOLDERS))
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValueError(f"There is no placeholder {{{unknown[0]}}}: known are {known}.")


def _beside(text: str, place: int) -> str:
    """Short and printable: it is shown to a person."""
    part = "".join(one if one.isprintable() else "?" for one in text[place : place + 20].strip())
    if not part:
        return "Close the quotes and the brace."
    return f'Not part of a selector: `{part}`. Write LABEL="VALUE", LABEL="VALUE" in braces; no functions, no ranges.'


def _in_text(value: str) -> str:
    return "".join(one if _PLAIN.fullmatch(one) else f"\\U{ord(one):08x}" for one in value)


def literal(value: str) -> str:
    """As a regular expression within quotes."""
    return "".join(one if _PLAIN.fullmatch(one) else f"\\\\x{{{ord(one):x}}}" for one in value)
