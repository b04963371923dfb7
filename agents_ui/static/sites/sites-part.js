// sites/sites-part.js - the Sites part of the admin page: how the pair stands, and below it what to do
import { useEffect, useState } from "preact/hooks";
import { html } from "../shared/html.js";
import { dayAndTime, duration, second, serverNow } from "../shared/time.js";
import { say } from "../shared/words.js";
import { State } from "../admin/parts/state.js";
import { Acts, CHOICES, showChoice } from "./acts.js";
import { Affected } from "./affected.js";
import { Between } from "./between.js";
import { Drills } from "./drills.js";
import { otherOf, siteOf } from "./pair.js";
import { Providers } from "./providers.js";
import { SiteCard } from "./site-card.js";

const AGAIN_MS = 2000; // as long as a page may be behind in a minute in which everybody looks at it

/** @param {{admin: import("../admin/admin.js").Admin}} props */
export function SitesPart({ admin }) {
  const [open, setOpen] = useState("");
  useEffect(() => {
    const looking = setInterval(() => void (document.visibilityState === "visible" && admin.look()), AGAIN_MS);
    return () => clearInterval(looking);
  }, []);
  const pair = admin.known.sites.value;
  if (!pair) return html`<p class="hint">${say("asking")}</p>`;
  if (!pair.pair) return html`<section><h2>${say("part_sites")}</h2><p>${say("sites_alone")}</p></section>`;
  if (!pair.copy) return html`<section><h2>${say("part_sites")}</h2><p role="alert"><${State} tone="alarm">${say("sites_no_copy", pair)}<//></p></section>`;
  return html`<${Now} pair=${pair} choose=${(/** @type {string} */ key) => (setOpen(key), showChoice(key))} />
    <div class="sites">${pair.sites.map((/** @type {any} */ site) => html`<${SiteCard} key=${site.site} pair=${pair} site=${site} />`)}</div>
    <${Between} pair=${pair} />
    <${Acts} admin=${admin} pair=${pair} open=${open} setOpen=${setOpen} />
    <${Affected} affected=${pair.affected} />
    <${Providers} admin=${admin} pair=${pair} />
    <${Drills} pair=${pair} />`;
}

/** The pair in a few sentences, and the way to what fits. @param {{pair: any, choose: (key: string) => void}} props any: the answer of /api/admin/sites */
function Now({ pair, choose }) {
  const fits = CHOICES.find((each) => each.fits === pair.fits);
  return html`<section class="sites-now"><h2>${say("sites_now")}</h2>
    <ul role="status">${sentences(pair).map(({ tone, text, todo }) => html`<li key=${text}><${State} tone=${tone}>${text}<//>${todo && html` <span>${todo}</span>`}</li>`)}</ul>
    ${fits && html`<p><button type="button" onClick=${() => choose(fits.key)}><span aria-hidden="true">◆</span> ${say(`act_${fits.key}`)}…</button></p>`}</section>`;
}

/** @param {any} pair see above @returns {{tone: string, text: string, todo?: import("preact").ComponentChildren}[]} */
function sentences(pair) {
  const { peer } = pair;
  const here = siteOf(pair, pair.site).name;
  const other = otherOf(pair).name;
  const found = [heard(pair, other), ...served(pair, here, other)];
  const { waiting, held } = pair.foreign;
  const at_home = pair.domains.some((/** @type {any} */ each) => each.domain === pair.other && each.owner === pair.other);
  if (at_home && waiting + held > 0) found.push({ tone: "waiting", text: say("sites_foreign", { other, count: waiting, held }) });
  if (peer.clock === "suspect") found.push({ tone: "alarm", text: say("sites_clock") });
  if (!peer.watch_fresh) found.unshift({ tone: "alarm", text: say("sites_no_peer_role", { time: dayAndTime(pair.at_ms - Math.max(0, peer.heard_ms)) }) });
  return found;
}

/** @param {any} pair see above @param {string} other */
function heard({ at_ms, peer }, other) {
  const since_ms = at_ms - peer.heard_ms;
  const time = second.value ? duration(serverNow() - since_ms) : "";
  if (peer.heard_ms < 0) return { tone: "waiting", text: say("sites_unknown", { other }) };
  if (peer.watch === "unreachable") return { tone: "alarm", text: say("sites_gone", { other, since: dayAndTime(since_ms), time }), todo: say("sites_gone_todo") };
  if (peer.watch === "suspected") return { tone: "waiting", text: say("sites_suspected", { other, time }) };
  return { tone: "good", text: say("sites_well") };
}

/** What is not served at home. @param {any} pair see above @param {string} here @param {string} other */
function served(pair, here, other) {
  return pair.domains.flatMap((/** @type {any} */ { domain, owner, since_ms }) => {
    if (domain === owner) return [];
    const since = dayAndTime(since_ms);
    if (owner !== pair.site) return [{ tone: "waiting", text: say("sites_given", { here, other, since }), todo: html`${say("sites_given_back_there")} <a href=${`${otherOf(pair).url}/admin#sites`}>${other}</a>` }];
    return [{ tone: "waiting", text: say("sites_taken", { here, other, since }), todo: pair.fits === "return" ? say("sites_back", { other }) : "" }];
  });
}
