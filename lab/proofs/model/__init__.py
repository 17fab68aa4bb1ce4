"""Runs random lives of users and jobs against a reference model of what Fettle promises."""
