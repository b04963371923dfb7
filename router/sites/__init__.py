"""Two sites: the second copy, who serves what, take-over, reroute, drill, return."""
