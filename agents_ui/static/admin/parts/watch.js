// admin/parts/watch.js - what is wrong, in words that say what to do; every way in, and what was refused there
import { html } from "../../shared/html.js";
import { duration, second, serverNow } from "../../shared/time.js";
import { hasWords, say } from "../../shared/words.js";
import { Sure } from "../../wall/parts/sure.js";
import { State } from "./state.js";

const CHAT_PAGE = "/chat"; // our own page; accounts have no slash

/** @param {{admin: import("../admin.js").Admin, watch: any}} props any: `watch` of /api/admin/health */
export function Watch({ admin, watch }) {
  const { every_ms, troubles, ways } = watch;
  return html`<section><h2>${say("watch")}</h2>
    ${troubles.length === 0 && html`<p><${State} tone=${every_ms ? "good" : "none"}>${say(every_ms ? "watch_well" : "watch_off")}<//></p>`}
    <ul class="troubles">${troubles.map((/** @type {any} */ each) => html`<${Trouble} key=${`${each.code} ${each.ref}`} trouble=${each} />`)}</ul>
    <div class="scroll"><table><thead><tr>${["way", "through", "real", "probe", "refused", "quarantine"].map((head) => html`<th scope="col" key=${head}>${say(`h_${head}`)}</th>`)}</tr></thead>
      <tbody>${ways.map((/** @type {any} */ way) => html`<${Way} key=${way.watched} admin=${admin} way=${way} />`)}</tbody></table></div></section>`;
}

/** @param {{trouble: {code: string, ref: string, detail: string}}} props */
function Trouble({ trouble }) {
  const { code, ref, detail } = trouble;
  const what = code === "role_gone" && hasWords(`role_${ref}`) ? say(`role_${ref}`) : ref;
  const count = Number(detail);
  const why = code === "signatures_refused" ? say("refused_lately", { count }) : hasWords(`problem_${detail}`) ? say(`problem_${detail}`) : detail;
  return html`<li><${State} tone="alarm">${say(`watch_${code}`)}<//> <b dir="auto">${what === CHAT_PAGE ? say("own_page") : what}</b>${why && html` <small dir="auto">${why}</small>`}
    <p>${say(`todo_${code}`)}</p></li>`;
}

/** @param {{admin: import("../admin.js").Admin, way: any}} props any: one of `ways` */
function Way({ admin, way }) {
  const own = way.watched === CHAT_PAGE;
  const again = async () => {
    const told = await admin.act("/api/admin/quarantine/replay", { account: way.watched });
    if (told) admin.toasts.show(say(told.refused || told.left ? "replayed_some" : "replayed_all", told), told.refused || told.left ? "alarm" : "good");
  };
  return html`<tr><th scope="row">${own ? say("own_page") : html`<b dir="auto">${way.watched}</b>`} <small>${way.channel}</small></th>
    <td class="when">${ago(way.through_ms)}</td><td class="when">${ago(way.real_ms)}</td>
    <td><${Probe} way=${way} /></td>
    <td>${way.refused ? html`<b>${say("refused_lately", { count: way.refused })}</b>` : "0"}</td>
    <td>${way.quarantine ? html`<b>${way.quarantine}</b> <small>${say("oldest", { time: ago(way.quarantine_since_ms) })} · <span dir="auto">${way.reason}</span></small>
      <${Sure} label=${say("replay")} question=${say("replay_sure", { count: way.quarantine })} act=${again} />` : "0"}</td></tr>`;
}

/** @param {{way: any}} props any: one of `ways` */
function Probe({ way }) {
  if (way.problem) return html`<${State} tone="waiting">${hasWords(`problem_${way.problem}`) ? say(`problem_${way.problem}`) : say("problem_other", { code: way.problem })}<//>`;
  if (way.probe_ms > way.through_ms) return html`<${State} tone="waiting">${say("probe_under_way")}<//>`;
  return html`<${State} tone=${way.through_ms ? "good" : "none"}>${say(way.through_ms ? "probe_well" : "probe_none")}<//>`;
}

/** How long ago, growing. @param {number} at_ms */
function ago(at_ms) {
  return at_ms && second.value ? say("ago", { time: duration(serverNow() - at_ms) }) : "–";
}
