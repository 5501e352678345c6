"""Commands. What is imported here is paid for at every start: keep it empty."""
