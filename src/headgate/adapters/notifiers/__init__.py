"""Notifiers: who tells people and other systems what happened."""
