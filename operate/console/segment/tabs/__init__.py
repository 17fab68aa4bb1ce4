"""The parts of the page Segment below its answer, one tab each; only the tab that is open reads and runs."""
