// sites/moved.js - what is moved to the other site now, each with a way to end it
import { html } from "../shared/html.js";
import { dayAndTime } from "../shared/time.js";
import { uniqueId } from "../shared/unique.js";
import { say } from "../shared/words.js";
import { actNow } from "./asking.js";
import { namesOf, scopeName, whoIs } from "./pair.js";

/** @param {{admin: import("../admin/admin.js").Admin, pair: any}} props any: the answer of /api/admin/sites */
export function Moved({ admin, pair }) {
  const { reroutes, policy } = pair;
  const stop = (/** @type {string} */ scope) => () => actNow(admin, { act: "reroute", scope, share_pct: 0, command_id: uniqueId() });
  return html`<div class="moved"><h4>${say("moved_now")}</h4>
    ${reroutes.length === 0 && html`<p>${say("moved_nothing", namesOf(pair))}</p>`}
    <ul>${reroutes.map((/** @type {any} */ each) => html`<li key=${each.scope}><b>◆ ${say("moved_one", { share: each.share_pct, what: nameOf(pair, each.scope) })}</b>
      <small>${say("site_claimed", { time: dayAndTime(each.since_ms), name: whoIs(pair, each.agent_id) })}${each.why && html` · <q dir="auto">${each.why}</q>`}</small>
      ${pair.may_act && html`<button type="button" aria-label=${say("moved_stop_of", { what: nameOf(pair, each.scope) })} onClick=${stop(each.scope)}>${say("moved_stop")}</button>`}</li>`)}</ul>
    ${policy.overflow.length > 0 && html`<p>${say("overflow", { numbers: policy.overflow.join(", ") })}</p>`}</div>`;
}

/** @param {any} pair see above @param {string} scope */
function nameOf(pair, scope) {
  const known = pair.scopes.find((/** @type {any} */ each) => each.scope === scope);
  return known ? scopeName(known) : scope;
}
