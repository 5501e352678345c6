"""Where the steps of continuous integration run."""
