"""An operator's tools for policies: they list versions, replay, explain, evaluate and roll back."""
