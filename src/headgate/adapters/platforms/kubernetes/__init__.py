"""Platform `kubernetes`: revisions as Deployments of a cluster."""
