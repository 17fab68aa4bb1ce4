"""Measures what one attacker in each segment costs the honest people there (docs/attack.md)."""
