"""The roles of the program: router, intake, worker, and the supervisor that keeps them alive."""
