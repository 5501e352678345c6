"""Fakes, a simulated world and contract suites; ships with the package for plugin authors."""
