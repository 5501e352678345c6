"""This machine: its processes, their logs, the commands that check a release, and whether something answers."""
