// wall/parts/urgent-list.js - urgent contacts with nobody attending to them: the oldest on top, unmistakable
import { UrgencyMark } from "../../desk/parts/urgency-mark.js";
import { html } from "../../shared/html.js";
import { second, serverNow } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { agentName, channelName, queueName, shortId } from "../names.js";
import { Since } from "./since.js";

/** @param {{wall: import("../wall.js").Wall}} props */
export function UrgentList({ wall }) {
  const site = /** @type {import("../types.js").WallSite} */ (wall.site.value);
  const [oldest, ...others] = wall.urgent.value;
  const more = site.urgent - wall.urgent.value.length;
  return html`<section class="urgent-list" aria-label=${say("urgent_title")} data-empty=${!oldest}>
    <h2>${say("urgent_title")} <small>${say("urgent_count", { count: site.urgent })}</small></h2>
    <div aria-live="assertive" class="unseen">${oldest && say("urgent_spoken", { urgency: urgencyName(oldest), queue: queueName(wall, oldest.queue_id) })}</div>
    ${oldest ? html`<${One} key=${oldest.interaction_id} wall=${wall} one=${oldest} first />` : html`<p class="urgent-none"><span aria-hidden="true">✓</span> ${say("urgent_none")}</p>`}
    ${others.length > 0 && html`<ol>${others.map((one) => html`<li key=${one.interaction_id}><${One} wall=${wall} one=${one} /></li>`)}</ol>`}
    ${more > 0 && html`<p class="hint">${say("urgent_more", { count: more })}</p>`}
  </section>`;
}

/** @param {import("../types.js").WallUrgent} one */
const urgencyName = (one) => (one.urgency ? say(`urgency_${one.urgency}`) : say("urgency_unread"));

/** @param {{wall: import("../wall.js").Wall, one: import("../types.js").WallUrgent, first?: boolean}} props */
function One({ wall, one, first = false }) {
  const late = second.value > 0 && one.alarm_at_ms <= serverNow();
  return html`<button type="button" class="urgent-one" data-first=${first} data-late=${late} data-urgency=${one.urgency || 1}
    onClick=${() => wall.choose("contact", one.interaction_id)}>
    <${UrgencyMark} urgency=${one.urgency || 1} size=${first ? 56 : 28} />
    <span class="urgent-what"><b>${urgencyName(one)}</b>
      <span>${queueName(wall, one.queue_id)} · ${channelName(wall, one.channel)} · <bdi>${shortId(one.interaction_id)}</bdi></span></span>
    <span class="urgent-state">${late && html`<b class="too-long">${say("too_long_waiting")}</b>`} <${Alone} wall=${wall} one=${one} />
      ${one.traffic !== "real" && html`<b class="flag drill">${say(`traffic_${one.traffic}`)}</b>`}
      ${one.follows && html`<b class="flag">${say("call_back")}</b>`}
      ${one.reading === "unparsed" && html`<b class="flag">${say("unparsed")}</b>`}</span>
    <span class="urgent-time"><${Since} at_ms=${one.accepted_at_ms} /></span>
  </button>`;
}

/** How it is left alone, in words. @param {{wall: import("../wall.js").Wall, one: import("../types.js").WallUrgent}} props */
function Alone({ wall, one }) {
  const name = one.agent_id ? agentName(wall, one.agent_id) : "";
  const key = one.alone === "waiting" && name ? "alone_named" : `alone_${one.alone}`;
  const again = one.offers > (one.alone === "offered" ? 1 : 0) ? say("offered_before", { count: one.offers }) : "";
  return html`<span>${say(key, { name })} ${one.alone === "offered" && html`<${Since} at_ms=${one.deadline_ms} left />`} ${again}</span>`;
}
