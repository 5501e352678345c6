"""Manifests that a team has already: rendered, checked, and made to run as revisions."""
