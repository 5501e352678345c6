"""headgate spec: every field of the file."""

from typing import Annotated

import typer

Schema = Annotated[bool, typer.Option("--schema", help="The JSON Schema, for editors.")]


def spec(schema: Schema = False) -> None:
    """Print the reference of headgate.yaml: every field, with its default and meaning."""
    if schema:
        import json

        from headgate.spec.schema import schema as described

        print(json.dumps(described(), indent=2))
        return
    from headgate.spec.reference import reference

    print(reference(), end="")
