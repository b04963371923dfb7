"""Three people text two sites in every order: each word has somebody, and none has two for nothing."""

import random
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from router.channels.port import Contact
from router.sites.ownership import owner_of
from tests.sites.routed_pair import Half, routed_pair
from tests.sites.test_joining_there import CLAIM, FIRST, There, both_are_sound, writes
from tests.sites.test_rerouting import rerouting

STEPS = 60
SHORT = (0, 1, 16, 17, 20)
"""In four of these one message begins two interactions, one at each site, and nobody accepted either."""

TURNS = (
    *("write", "write", "write", "hear", "hear", "agree"),
    *("serve", "end", "pass_by", "reroute", "claims", "cuts", "settle"),
)
OFFERED = "SELECT offer_id, agent_id FROM interaction WHERE state = 'offered' AND closed_seq = 0"
HELD = "SELECT interaction_id, agent_id FROM interaction WHERE state = 'assigned' AND closed_seq = 0"
SAID = """
    SELECT i.interaction_id, m.message_id, i.closed_seq, i.closed_why, i.answered_at_ms, i.state
    FROM message m JOIN interaction i ON i.interaction_id = m.interaction_id WHERE m.direction = 'in'
"""


@dataclass
class World:
    """Two sites, a line between them that may be cut, and three people. A seed makes all of it."""

    halves: tuple[Half, Half]
    dice: random.Random
    cut: bool = False
    claim: int = 0
    said: list[Contact] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)

    def turns(self) -> None:
        for _ in range(STEPS):
            half = self.dice.choice(self.halves)
            getattr(self, self.dice.choice(TURNS))(half)

    def write(self, half: Half) -> None:
        """Something new, or what a provider says once more; its answer may be lost."""
        if self.said and self.dice.random() < 0.3:
            contact = self.dice.choice(self.said)
        else:
            number = len(self.said)
            contact = replace(
                FIRST,
                provider_id=f"SM{number}",
                address=f"+44207183900{self.dice.randint(0, 2)}",
                body=f"words {number}".encode(),
            )
            self.said.append(contact)
        lost = self.dice.random() < 0.3
        there = There(half, lost=lost, silent=self.cut)
        self.kept.add(writes(half, contact, there).message_id)

    def hear(self, half: Half) -> None:
        if not self.cut and half.other is not None:
            half.other.sends()
            half.looks()

    def agree(self, half: Half) -> None:
        half.reconciler.step(half.site.committer, half.site.database, half.copy)

    def settle(self, half: Half) -> None:
        half.site.settles()

    def pass_by(self, half: Half) -> None:
        half.site.passes(self.dice.choice((1, 3)))

    def serve(self, half: Half) -> None:
        half.site.settles()
        for offer_id, agent_id in half.all(OFFERED):
            half.site.say("accept_pressed", str(offer_id), agent_id=agent_id, command_id=f"{offer_id}-y")
        half.site.settles()

    def end(self, half: Half) -> None:
        if rows := half.all(HELD):
            ref, agent_id = self.dice.choice(rows)
            said = {"disposition": "answered", "command_id": f"d{ref}"}
            half.site.say("disposition_given", str(ref), agent_id=agent_id, **said)

    def reroute(self, half: Half) -> None:
        half.site.settles()
        if not self.cut:
            share = self.dice.choice((0, 100))
            half.site.say("reroute_set", "all", share_pct=share, agent_id="x", why="x", command_id="r")
            rerouting(half, lost=self.dice.random() < 0.2).step(half.site.committer, half.site.database)
            half.site.settles()

    def claims(self, half: Half) -> None:
        """Takes over, or gives back, what is a's."""
        self.claim += 1
        mode = "return" if half.name == "a" else "take_over"
        half.site.say("domain_claimed", "a", n=self.claim, owner=half.name, mode=mode, **CLAIM)
        if mode == "take_over":
            half.adopts(assigned=self.dice.random() < 0.2)
        half.site.settles()

    def cuts(self, half: Half) -> None:
        self.cut = not self.cut

    def comes_to_rest(self) -> None:
        """The line is back, and both look at what both said until neither says any more."""
        self.cut = False
        for _ in range(4):
            for half in self.halves:
                half.site.passes(3)
                half.sends()
            for half in self.halves:
                half.looks()
                half.agrees()

    def audit(self) -> None:
        stands = {half.name: half.all(SAID) for half in self.halves}
        alive = {row[1] for rows in stands.values() for row in rows if not row[2] or row[3] == "disposed"}
        assert self.kept <= alive, f"nobody has {self.kept - alive}"
        a, b = self.halves
        for half, other in ((a, b), (b, a)):
            with half.site.database.reading() as db:
                if owner_of(db, other.name).site == half.name:
                    continue
            whole: dict[object, set[object]] = {}
            for ref, message_id, closed, *_ in stands[other.name]:
                if not closed:
                    whole.setdefault(ref, set()).add(message_id)
            for ref in {row[0] for row in stands[half.name] if not row[2] and not row[4]}:
                said = {row[1] for row in stands[half.name] if row[0] == ref}
                twice = [each for each, words in whole.items() if each != ref and said < words]
                assert not twice, f"{ref} says nothing that {twice} does not say"


@pytest.mark.parametrize("seed", SHORT)
def test_every_word_has_somebody_and_none_has_two_for_nothing(tmp_path, seed):
    """Cut lines, lost answers, repeats at the other site, take-overs and returns in between."""
    one_world(tmp_path, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 200))
def test_so_it_is_in_a_hundred_more_worlds(tmp_path, seed):
    """What is rare in one is there in some of these."""
    one_world(tmp_path, seed)


def one_world(tmp_path: Path, seed: int) -> None:
    with routed_pair(tmp_path) as halves:
        for half, agent in zip(halves, ("hannah", "ivan"), strict=True):
            half.site.signs_in(agent)
            half.site.settles()
        world = World(halves, random.Random(seed))
        world.turns()
        world.comes_to_rest()
        world.audit()
        both_are_sound(*halves)
