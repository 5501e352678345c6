"""The forms of `headgate secrets`: values come from standard input or a prompt, never from the command line."""

from typing import Annotated

import typer

from headgate.cli.options import Data, Json

Specification = Annotated[
    str, typer.Option("--file", metavar="FILE", help="The file of the application, which names the encrypted one.")
]
Where = Annotated[
    str | None, typer.Option("--env", metavar="ENV", help="Of which environment, where several have their own.")
]
Add = Annotated[list[str] | None, typer.Option("--add", metavar="KEY", help="A public key, age1...; repeatable.")]
Remove = Annotated[
    list[str] | None, typer.Option("--remove", metavar="KEY", help="A public key that is to open nothing new.")
]


def init(
    recipient: Annotated[
        list[str] | None, typer.Option("--recipient", metavar="KEY", help="A public key beside your own; repeatable.")
    ] = None,
    environment: Where = None,
    file: Specification = "headgate.yaml",
    as_json: Json = False,
) -> None:
    """Make this machine's key, outside of every repository, and the encrypted file. What is there stays."""


def set(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The reference, as in `secret: NAME`.")],
    environment: Where = None,
    file: Specification = "headgate.yaml",
    as_json: Json = False,
) -> None:
    """Write a value, from standard input or a prompt. Earlier versions stay, so that a rollback finds them."""


def rotate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a secret that is there.")],
    environment: Where = None,
    file: Specification = "headgate.yaml",
    as_json: Json = False,
) -> None:
    """Give a secret a new random value that nobody sees: for keys that only the application itself has to know."""


def listed(environment: Where = None, file: Specification = "headgate.yaml", as_json: Json = False) -> None:
    """Names, versions, their ages, and who can open them. Shows no value."""


def recipients(
    add: Add = None,
    remove: Remove = None,
    environment: Where = None,
    file: Specification = "headgate.yaml",
    as_json: Json = False,
) -> None:
    """Let other people and machines open it, or nobody but those who are left. Needs a key that opens it."""


def check(
    environment: Annotated[
        str | None, typer.Option("--env", metavar="ENV", help="Of this environment alone; by itself of all.")
    ] = None,
    file: Annotated[
        str, typer.Option("--file", metavar="FILE", help="The file of the application; it need not be applied.")
    ] = "headgate.yaml",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Ask the server whether it can read every secret of the file, from whatever store; exit code 1 where it cannot."""


FORMS = {"init": init, "set": set, "rotate": rotate, "list": listed, "recipients": recipients, "check": check}
