"""A simulated month whose roll-ups must equal a recount, by other means, of what the simulated people did."""
