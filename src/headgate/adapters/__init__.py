"""The world: one folder per seam."""
