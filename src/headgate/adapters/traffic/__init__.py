"""What splits the traffic between stable and candidate."""
