"""Manifests that a team has already: where they lie in each commit, and what the applied file lets them contain."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Manifests:
    path: str  # below the source: a file, a folder, a kustomization or a chart, at the commit under release
    values: tuple[str, ...] = ()  # files of values, of charts alone; below the source too
    allow: tuple[str, ...] = ()  # kinds and powers beyond what an application is made of
