"""Holds what the functions share at their edge: HTTP in `http`, CloudWatch in `measures`."""
