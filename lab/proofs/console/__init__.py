"""What shows that the console works: a segment that is poisoned, for a walk through its screens."""
