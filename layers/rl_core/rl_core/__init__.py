"""The learning core of Fettle: pure rules, one store, one trainer. See docs/data-model.md for what is stored."""
