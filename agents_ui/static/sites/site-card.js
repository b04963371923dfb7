// sites/site-card.js - one of the two: its state as observed and as said, whom it serves, its people, what is not ready
import { html } from "../shared/html.js";
import { dayAndTime, duration } from "../shared/time.js";
import { hasWords, say } from "../shared/words.js";
import { State } from "../admin/parts/state.js";
import { siteOf, whoIs } from "./pair.js";

/** Tones of NENA's words; the word and a sign say it as well. */
const TONES = { Normal: "good", ScheduledMaintenanceAvailable: "waiting", MajorIncidentInProgress: "waiting", Partial: "waiting", Unstaffed: "waiting", Overloaded: "waiting" };

/** Where both cards stand side by side, there is room for what is not ready. */
const WIDE = matchMedia("(min-width: 700px)");

/** @param {{pair: any, site: any}} props any: the answer of /api/admin/sites, and one of its `sites` */
export function SiteCard({ pair, site }) {
  const here = site.site === pair.site;
  const tone = TONES[/** @type {keyof typeof TONES} */ (site.effective)] ?? "alarm";
  return html`<section class="site-card" data-tone=${tone} aria-label=${site.name}>
    <h2><bdi>${site.name}</bdi> <small>${site.site}${here ? ` · ${say("site_here")}` : ""}</small>
      ${!here && site.url && html`<a href=${`${site.url}/admin#sites`}>${say("site_open")}</a>`}</h2>
    <p class="site-state"><${State} tone=${tone}>${site.effective}<//> <span>${meaning(site.effective)}</span></p>
    <dl class="site-facts">
      <${Fact} name="site_observed"><${Observed} site=${site} /><//>
      <${Fact} name="site_said"><${Said} pair=${pair} site=${site} /><//>
      <${Fact} name="site_serves"><${Serves} pair=${pair} site=${site} /><//>
      <${Figures} pair=${pair} site=${site} />
      <${Fact} name="site_readiness"><${Readiness} site=${site} old=${isOld(pair, site)} /><//>
    </dl></section>`;
}

/** @param {{name: string, children: import("preact").ComponentChildren}} props */
function Fact({ name, children }) {
  return html`<div><dt>${say(name)}</dt><dd>${children}</dd></div>`;
}

/** In a few plain words. @param {string} state */
function meaning(state) {
  return hasWords(`state_${state}`) ? say(`state_${state}`) : "";
}

/** @param {{site: any}} props */
function Observed({ site }) {
  if (!site.observed) return html`${say("site_not_known")}`;
  return html`<b>${site.observed}</b>${site.observed_why && html` <span dir="auto">(${site.observed_why})</span>`} <small>${say("site_since", { time: dayAndTime(site.observed_ms) })}</small>`;
}

/** Beside what is observed, never over it. @param {{pair: any, site: any}} props */
function Said({ pair, site }) {
  const by = { name: whoIs(pair, site.override_by), time: dayAndTime(site.override_ms) };
  if (!site.override) return html`${say("site_said_nothing")}${site.override_ms > 0 && html` <small>${say("site_taken_back", by)}</small>`}`;
  return html`<b>${site.override}</b>${site.override_why && html` <q dir="auto">${site.override_why}</q>`} <small>${say("site_said_by", by)}</small>`;
}

/** @param {{pair: any, site: any}} props */
function Serves({ pair, site }) {
  const mine = pair.domains.filter((/** @type {any} */ each) => each.owner === site.site);
  const home = pair.domains.find((/** @type {any} */ each) => each.domain === site.site);
  if (mine.length === 0) return html`${say("site_nothing", { name: siteOf(pair, home.owner).name })}`;
  return html`<ul>${mine.map((/** @type {any} */ each) => html`<li key=${each.domain}>
    ${each.domain === site.site ? say("site_own_traffic") : say("site_traffic_of", { name: siteOf(pair, each.domain).name })}
    ${each.n > 0 && html` <small>${say("site_claimed", { time: dayAndTime(each.since_ms), name: whoIs(pair, each.agent_id, each.automatic) })}${each.why && html` · <q dir="auto">${each.why}</q>`}</small>`}</li>`)}</ul>`;
}

/** @param {{pair: any, site: any}} props */
function Figures({ pair, site }) {
  const figures = pair.figures[site.site];
  if (!figures) return html`<${Fact} name="site_people">${say("site_not_known")}<//>`;
  const old = isOld(pair, site) && html` <small>${say("site_last_known")}</small>`;
  return html`<${Fact} name="site_people"><b>${say("site_free", { count: figures.agents_free })}</b> ${say("site_of_here", { count: figures.agents_here })}${old}<//>
    <${Fact} name="site_line">${say("site_waiting", { count: figures.waiting })}${figures.waiting > 0 && html` <small>${say("site_longest", { time: duration(figures.longest_wait_ms) })}</small>`}${old}<//>`;
}

/** Whether what is shown of it is what it last said. @param {any} pair see above @param {any} site see above */
const isOld = (pair, site) => site.site === pair.other && pair.peer.watch !== "there";

/** Every problem with what to do about it. @param {{site: any, old: boolean}} props */
function Readiness({ site, old }) {
  const { readiness, readiness_ms } = site;
  if (!readiness_ms) return html`${say("site_not_known")}`;
  const asked = html`<small>${say("site_asked", { time: dayAndTime(readiness_ms) })}${old && html` · ${say("site_last_known")}`}</small>`;
  if (readiness.length === 0) return html`<${State} tone=${old ? "none" : "good"}>${say("site_ready")}<//> ${asked}`;
  return html`<details open=${WIDE.matches}><summary><${State} tone="waiting">${say("site_not_ready", { count: readiness.length })}<//> ${asked}</summary>
    <ul class="troubles">${readiness.map((/** @type {any} */ each) => html`<li key=${each.code + each.text}><b dir="auto">${each.text}</b><p dir="auto">${each.todo}</p></li>`)}</ul></details>`;
}
