"""Contract suites: subclass one in your tests, give it the fixture it asks for, and your adapter is held to the seam."""
