"""What every adapter of Kubernetes shares: one client, watches, errors, and the names of what Headgate makes."""
