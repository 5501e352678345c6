"""Forms: how every command is written, its arguments, options and help. What it does is in `commands`.

They are apart because Typer takes longer to import than a rollback takes.
"""
