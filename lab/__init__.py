"""Experiments with the service: simulated people, the demo, benchmarks.

Nothing in here runs in production, and nothing in production may import it.
"""
