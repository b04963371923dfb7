"""What a desk costs the web process in memory: 500 of them, each with three conversations, all quiet."""

import json
import os
import signal
import time

from benchmarks.centre import running_site
from benchmarks.parts import Part
from benchmarks.processes import rss_kb

DESKS = 500
EACH = 3
SETTLE_S = 5.0


def desktop() -> dict[str, float]:
    """Kilobytes of the web's memory for one desk.

    The customers came by another web process, which was killed: memory that a process once had and does not
    need any more would hide what the desks take.
    """
    with running_site(agents=DESKS, at_once=EACH) as site:
        cookies = site.data_dir / "cookies.json"
        cookies.write_text(json.dumps(dict(site.cookies)))
        with (
            Part("benchmarks.chats", site.url) as chats,
            Part("benchmarks.desks", site.url, str(cookies)) as desks,
        ):
            chats.ask("open", count=DESKS * EACH)
            chats.ask("say_all")
            chats.ask("hang_up")
            os.kill(site.pid_of("web"), signal.SIGKILL)
            time.sleep(SETTLE_S)
            site.wait_ready()
            web = site.pid_of("web")
            before_kb = rss_kb(web)
            desks.ask("open")
            desks.ask("available", keep=True)
            accepted = desks.ask("until_accepted", count=DESKS * EACH)
            if accepted < DESKS * EACH:
                raise RuntimeError(f"{accepted} of {DESKS * EACH} conversations were accepted")
            time.sleep(SETTLE_S)
            return {"desktop_kb": (rss_kb(web) - before_kb) / DESKS, "web_rss_mb": rss_kb(web) / 1024}
