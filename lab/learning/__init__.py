"""The comparison of Fettle with other learners, in the simulated world (`make bench-learning`)."""
