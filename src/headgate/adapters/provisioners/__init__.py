"""What makes the infrastructure of environments."""
