"""Where images are kept, and how they get there."""
