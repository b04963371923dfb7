// desk/parts/customer-others.js - what else of this person is open, who has it, and what is to be called back
import { html } from "../../shared/html.js";
import { dayAndTime, duration, second, serverNow } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { nameOf, othersOf } from "../names.js";
import { CallBackTools } from "./customer-call-back.js";
import { UrgencyMark } from "./urgency-mark.js";

/** @param {{desk: import("../desk.js").Desk, person: import("../person-types.js").Person, conversation: import("../../types.js").Conversation}} props */
export function Others({ desk, person, conversation }) {
  const others = othersOf(person, conversation);
  if (!others.length) return null;
  return html`<section class="others" aria-label=${say("others")}>
    <h3>${say("others")}</h3>
    <ul>${others.map((one) => html`<${Other} key=${one.interaction_id} desk=${desk} other=${one} />`)}</ul>
  </section>`;
}

/** @param {{desk: import("../desk.js").Desk, other: import("../person-types.js").OtherOpen}} props */
function Other({ desk, other }) {
  const { interaction_id, channel, urgency, agent_id, accepted_at_ms, parked_until_ms } = other;
  const mine = agent_id === desk.me.value?.agent_id;
  const held = desk.store.conversation.value.has(interaction_id);
  const since = second.value ? duration(serverNow() - accepted_at_ms) : "";
  const what = parked_until_ms ? say("other_call_back", { time: dayAndTime(parked_until_ms) }) : say(`other_${stateOf(other)}`, { name: mine ? say("you") : other.agent_name });
  return html`<li data-mine=${mine} data-state=${other.state}>
    <${UrgencyMark} urgency=${urgency} size=${18} />
    <span><b>${nameOf(desk.store.words.value?.channels, channel)}</b> · <bdi>${what}</bdi>
      ${!parked_until_ms && html` · <time>${since}</time>`}</span>
    ${held && html`<button type="button" class="small" onClick=${() => desk.attention.choose(interaction_id)}>${say("other_show")}</button>`}
    ${parked_until_ms > 0 && html`<${CallBackTools} desk=${desk} other=${other} />`}
  </li>`;
}

/** @param {import("../person-types.js").OtherOpen} other */
const stateOf = (other) => (other.state === "assigned" && other.wrap_up_since_ms ? "wrap_up" : other.state);
