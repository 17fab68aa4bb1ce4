"""A real micro-randomised trial, HeartSteps V1, seen by the learner (docs/learning.md, "A real trial")."""
