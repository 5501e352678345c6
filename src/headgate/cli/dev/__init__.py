"""headgate dev: a session, what it tells, and how output is shown."""
