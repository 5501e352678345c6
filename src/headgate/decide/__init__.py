"""Everything that can move a rollout or a release, and what the world should look like. Pure."""
