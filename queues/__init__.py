"""Interactions that wait: their life cycle, the one service order, the waiting line and its measures."""
