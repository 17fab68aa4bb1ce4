"""Simulates a month whose roll-ups must equal an independent recount of what the simulated people did."""
