"""The server side of an agent's desk: what it shows, how changes reach it, what it may ask for."""
