"""The layer of Fettle, in rooms: learner, sessions, days (rules), store, work (loops), edge. See CONTRIBUTING.md."""
