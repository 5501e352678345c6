"""What every runner's steps have in common: their checkout, log, reports, caches and artifacts."""
