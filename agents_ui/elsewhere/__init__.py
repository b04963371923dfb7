"""Pages that move with the traffic: where it is served, tickets for the other site, and arriving with one."""
