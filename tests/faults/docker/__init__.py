"""A package: what its tests share, a network of their own for one, ends with its last test."""
