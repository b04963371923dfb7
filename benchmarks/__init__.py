"""What the product costs and how fast it is, measured from outside, beside floors of the same machine."""
