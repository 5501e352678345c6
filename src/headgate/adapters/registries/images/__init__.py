"""The image store: builds with a Docker Engine, keeps in a registry, and remembers what it made."""
