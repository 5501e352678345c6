"""Checks as programs of their own, by this interpreter: `python -P -m headgate.adapters.machine.checks.KIND`."""
