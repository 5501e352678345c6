"""What the lint found: where, by which rule, and a sentence that never holds a secret."""

from dataclasses import dataclass, field

# Rule -> what to do about it. The names are what an allowance names.
RULES = {
    "secret": "Take it out, and make it invalid where it was issued: what was committed is known. "
    "Name it instead: `{secret: PATH}` in headgate.yaml.",
    "secret-keyword": "Read it from the environment, or name it: `{secret: PATH}` in headgate.yaml.",
    "secret-entropy": "If it is a secret, name it: `{secret: PATH}` in headgate.yaml.",
    "secret-file": "Keep it out of the image: .dockerignore, or a secret mount while building.",
    "url-credentials": "Keep the address without them, and name the password: `{secret: PATH}` in headgate.yaml.",
    "connection-string": "Read it from a variable, and set that in `environments: NAME: env:` of headgate.yaml.",
    "hostname": "Read it from a variable, and set that in `environments: NAME: env:` of headgate.yaml.",
    "ip-address": "Read it from a variable, and set that in `environments: NAME: env:` of headgate.yaml.",
    "aws-account": "Read it from a variable, and set that in `environments: NAME: env:` of headgate.yaml.",
    "allowance": "Write `headgate: allow RULE: why it is right here`, with a rule of `headgate lint --rules`.",
}
SECRETS = frozenset({"secret", "secret-keyword", "secret-entropy", "secret-file", "url-credentials"})


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    path: str
    line: int
    column: int
    what: str
    value: str = field(repr=False)  # what was found, for its tag alone: never printed, never written

    def view(self) -> dict[str, object]:
        told = {"rule": self.rule, "path": self.path, "line": self.line, "column": self.column}
        return {**told, "what": self.what, "remedy": RULES[self.rule]}
