// desk/parts/customer.js - the customer's earlier interactions: folded, fetched when asked, and the look is recorded
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { dayAndTime } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { nameOf } from "../names.js";
import { MessageItem } from "./message-item.js";
import { UrgencyMark } from "./urgency-mark.js";

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function Customer({ desk, conversation }) {
  const [earlier, setEarlier] = useState(/** @type {any[] | null} */ (null)); // any: the value of `history`
  const [asking, setAsking] = useState(false);
  const { earlier: count, customer_id, interaction_id } = conversation;
  const fetchThem = async () => {
    setAsking(true);
    const answer = await desk.order({ kind: "history", customer_id });
    setAsking(false);
    if (!answer.ok) return;
    const all = answer.value?.interactions ?? answer.value ?? [];
    setEarlier(all.filter((/** @type {any} */ one) => one.interaction_id !== interaction_id));
  };
  return html`<aside class="customer" aria-label=${say("history")}>
    <header><button type="button" class="icon-button back" aria-label=${say("to_talk")}
      onClick=${() => (desk.attention.view.value = "talk")}><span class="turns">‹</span></button>
      <h2>${say("history")}</h2></header>
    ${count === 0 && html`<p class="hint">${say("history_none")}</p>`}
    ${count > 0 && !earlier && html`<p>${say("history_count", { count })}</p>
      <button type="button" onClick=${fetchThem} disabled=${asking}>${say("history_show")}</button>
      <p class="hint">${say("history_recorded")}</p>`}
    ${earlier?.map((one) => html`<${Earlier} key=${one.interaction_id} desk=${desk} interaction=${one} />`)}
    ${earlier?.length === 0 && html`<p class="hint">${say("history_none")}</p>`}
  </aside>`;
}

/** @param {{desk: import("../desk.js").Desk, interaction: any}} props any: one interaction of `history` */
function Earlier({ desk, interaction }) {
  const words = desk.store.words.value;
  const ended = interaction.disposition ? nameOf(words?.dispositions, interaction.disposition) : say("history_open");
  return html`<details class="earlier">
    <summary>
      <${UrgencyMark} urgency=${interaction.urgency} size=${18} />
      <time>${dayAndTime(interaction.accepted_at_ms)}</time>
      <span>${nameOf(words?.channels, interaction.channel)} · ${ended}</span>
    </summary>
    <ol>
      ${interaction.messages?.map((/** @type {any} */ message) => html`<${MessageItem} key=${message.message_id} message=${message} dated />`)}
    </ol>
  </details>`;
}
