"""headgate spec: every field of the file."""


def spec(schema: bool = False) -> None:
    if schema:
        import json

        from headgate.spec.schema import schema as described

        print(json.dumps(described(), indent=2))
        return
    from headgate.spec.reference import reference

    print(reference(), end="")
