"""Changes the rules in one small place at a time, and counts whether a test notices.

`make mutants`; docs/mutants.md.
"""
