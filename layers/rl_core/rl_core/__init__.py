"""Holds what Fettle's functions share: rules in learner, sessions and days; the table in store; loops in work; edge.

CONTRIBUTING.md says which line of code belongs to which package.
"""
