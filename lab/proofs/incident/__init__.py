"""Plays incidents against the local stack: a light leaves green, and the runbook's commands bring it back."""
