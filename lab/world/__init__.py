"""The simulated people and the world they live in."""
