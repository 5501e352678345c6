"""Where measurements are read."""
