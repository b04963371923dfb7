"""Agents who can do exactly the same. There are far fewer crews than agents, and the line thinks in crews."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any  # Any: see Crew.idle

if TYPE_CHECKING:
    from queues.wish import Audience


class Crew:
    """One set of skills, and how many agents have it.

    Shape: `serves` holds the audiences this crew belongs to (a dict for its fixed order). `signed_in` counts
           the agents at a desk, `working` those of them who are available; `idle` keeps those who could
           take one more in heaps, by channel (router/ready.py).
    """

    __slots__ = ("idle", "serves", "signed_in", "skills", "working")

    def __init__(self, skills: Mapping[str, int]) -> None:
        self.skills = skills
        self.serves: dict[Audience, None] = {}
        self.signed_in = 0
        self.working = 0
        # Any: the router's agents; queues may not import the router.
        self.idle: dict[str, list[tuple[int, int, str, Any]]] = {}
