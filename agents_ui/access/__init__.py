"""Who may come in, what each role may do, and who may see whom. Pages and pictures are elsewhere."""
