"""Workflow files for teams whose CI is elsewhere, from what headgate.yaml says: test, scan, build, push, announce."""
