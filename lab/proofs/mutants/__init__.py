"""Mutants: the rules with one small change each, and whether a test notices. `make mutants`; docs/mutants.md."""
