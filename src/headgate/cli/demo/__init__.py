"""The demo: the whole job on this machine, from real commands, real traffic and what is then measured."""
