"""Experiments with the service: simulated people, the demo, benchmarks, proofs and studies.

Nothing here runs in production, and nothing in production may import it.
"""
