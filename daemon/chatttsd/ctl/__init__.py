"""chatttsctl, the control command: a client of the bus."""
