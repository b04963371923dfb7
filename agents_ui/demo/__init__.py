"""A believable stream of customers, and agents who answer them, through the same doors as real people."""
