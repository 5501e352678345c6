"""Where revisions run."""
