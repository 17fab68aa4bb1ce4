"""Runs the learner over a real micro-randomised trial, HeartSteps V1 (docs/learning.md, "A real trial")."""
