"""A site with accounts for text messages, and their provider towards it."""

import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from config.plan_file import parse_plan
from router.channels.port import Webhook
from router.run.plan_activation import ActivatePlan
from tests.contracts.plays import Said
from tests.contracts.twilio import NUMBER, SID, TOKEN, Twilio, fields_of
from tests.web.sites import WITHIN_S, Site, Web

ACCOUNTS = f"""
[[accounts]]
id = "line"
channel = "sms"
provider = "twilio"
address = "{NUMBER}"
secret = "line-token"
shared = ["+15550000000"]
options = {{ account_sid = "{SID}" }}

[[accounts]]
id = "second"
channel = "sms"
provider = "twilio"
address = "+15551230101"
secret = "line-token"
options = {{ account_sid = "{SID}" }}

[[accounts]]
id = "bare"
channel = "sms"
provider = "twilio"
address = "+15551230102"
secret = "not-there"
options = {{ account_sid = "{SID}" }}
"""


def knows_the_accounts(web: Web) -> bool:
    """Whether the plan with our accounts is in force there."""
    return "line" in [account.account_id for account in web.parts.plan().accounts]


RULE = """
[[rules]]
id = "known-number"
urgency = 5
when = { field = "address", operator = "is", value = "+15559990000" }

"""
"""First of the rules: who this is decides, whatever is said."""


class Texts:
    """The provider of the site's accounts. Every request is signed for the process that it goes to."""

    def __init__(self, site: Site) -> None:
        self.site = site
        folder = site.data_dir / "secrets"
        folder.mkdir()
        (folder / "line-token").write_bytes(TOKEN)
        rules = site.plan.text.index("[[rules]]")
        plan = parse_plan(site.plan.text[:rules] + RULE + site.plan.text[rules:] + ACCOUNTS)
        site.committer.submit(ActivatePlan(plan=plan, by="test")).result(10)
        site.eventually(lambda: all(knows_the_accounts(web) for web in site.webs), "the plan is known")

    def plays(self, account_id: str = "line", web: Web | None = None) -> Twilio:
        port = (web or self.site.webs[0]).port
        return Twilio(account_id, f"http://127.0.0.1:{port}/hooks/{account_id}")

    def says(
        self, text: str = "help", *, provider_id: str = "SM1", sender: str = "", account_id: str = "line"
    ) -> int:
        """One text, handed over once."""
        body = urlencode(fields_of(Said(provider_id=provider_id, sender=sender, text=text))).encode()
        return self.post(self.plays(account_id).over(body), account_id)

    def post(self, webhook: Webhook, account_id: str = "line", web: Web | None = None) -> int:
        return self.ask(webhook, account_id, web)[0]

    def ask(
        self, webhook: Webhook, account_id: str = "line", web: Web | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        port = (web or self.site.webs[0]).port
        path = f"/hooks/{account_id}" + (f"/{webhook.path}" if webhook.path else "")
        path += f"?{webhook.query}" if webhook.query else ""
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}",
            data=webhook.body,
            headers=dict(webhook.headers),
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, {k.lower(): v for k, v in refused.headers.items()}, refused.read()

    def together(self, webhooks: list[tuple[Webhook, Web]], account_id: str = "line") -> list[int]:
        """All of them at once."""
        with ThreadPoolExecutor(len(webhooks)) as pool:
            return list(pool.map(lambda each: self.post(each[0], account_id, each[1]), webhooks))
