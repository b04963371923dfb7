// desk/parts/customer-also.js - over the messages: who else talks with this person, and how to reach who is not there
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { nameOf, othersOf, personOf } from "../names.js";

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function Also({ desk, conversation }) {
  const person = personOf(desk, conversation);
  if (!person) return null;
  const me = desk.me.value?.agent_id;
  const channels = desk.store.words.value?.channels;
  const theirs = othersOf(person, conversation).filter((one) => one.agent_id && one.agent_id !== me && !one.wrap_up_since_ms);
  const away = conversation.connected === false && conversation.follows !== "" && !conversation.wrap_up_since_ms;
  const ways = person.identities.filter((one) => one.address && one.channel !== conversation.channel);
  if (!theirs.length && !away) return null;
  return html`<div class="also">
    ${theirs.map((one) => html`<p key=${one.interaction_id} class="also-talks" role="status"><i aria-hidden="true">⇄</i>
      ${say(one.state === "assigned" ? "also_talks" : "also_offered", { name: one.agent_name, channel: nameOf(channels, one.channel) })}</p>`)}
    ${away && html`<p class="also-reach"><i aria-hidden="true">☎</i> ${say(ways.length ? "reach_by" : "reach_none")}
      ${ways.map((one) => html`<span key=${one.identity_id} class="way" data-verified=${one.verified}>${nameOf(channels, one.channel)}
        <bdi dir="ltr">${one.address}</bdi><small>${say(one.verified ? "verified" : "claimed")}</small></span>`)}</p>`}
  </div>`;
}
