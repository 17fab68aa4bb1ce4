"""Compares Fettle with other learners in the simulated world (`make bench-learning`)."""
