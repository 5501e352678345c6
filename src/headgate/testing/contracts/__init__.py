"""Contract suites: subclass one in your tests, give it its fixture, and your adapter is held to the seam."""
