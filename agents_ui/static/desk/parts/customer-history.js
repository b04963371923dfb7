// desk/parts/customer-history.js - a customer's earlier interactions: folded, fetched when asked, and the look is recorded
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { dayAndTime } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { nameOf } from "../names.js";
import { MessageItem } from "./message-item.js";
import { UrgencyMark } from "./urgency-mark.js";

/**
 * @param {object} props
 * @param {import("../desk.js").Desk} props.desk
 * @param {string} props.customer_id
 * @param {number | null} props.count null: not known
 * @param {string} props.but the interaction that is on the screen already
 */
export function History({ desk, customer_id, count, but }) {
  const [earlier, setEarlier] = useState(/** @type {any[] | null} */ (null)); // any: the value of `history`
  const [asking, setAsking] = useState(false);
  const fetchThem = async () => {
    setAsking(true);
    const answer = await desk.order({ kind: "history", customer_id });
    setAsking(false);
    if (!answer.ok) return;
    const all = answer.value?.interactions ?? [];
    setEarlier(all.filter((/** @type {any} */ one) => one.interaction_id !== but));
  };
  const elsewhere = desk.store.words.value?.pair === true;
  if (count === 0 && !earlier && !elsewhere) return html`<p class="hint">${say("history_none")}</p>`;
  return html`<div class="earlier-ones">
    ${!earlier && html`${count !== null && html`<p>${count === 0 ? say("history_elsewhere") : say("history_count", { count })}</p>`}
      <button type="button" class="small" onClick=${fetchThem} disabled=${asking}>${say("history_show")}</button>
      <p class="hint">${say("history_recorded")}</p>`}
    ${earlier?.map((one) => html`<${Earlier} key=${one.interaction_id} desk=${desk} interaction=${one} />`)}
    ${earlier?.length === 0 && html`<p class="hint">${say("history_none")}</p>`}
  </div>`;
}

/** @param {{desk: import("../desk.js").Desk, interaction: any}} props any: one interaction of `history` */
function Earlier({ desk, interaction }) {
  const { urgency, accepted_at_ms, channel, disposition, address, verified, messages, there } = interaction;
  const words = desk.store.words.value;
  const ended = disposition ? nameOf(words?.dispositions, disposition) : say("history_open");
  return html`<details class="earlier" data-verified=${verified !== false}>
    <summary>
      <${UrgencyMark} urgency=${urgency} size=${18} />
      <time>${dayAndTime(accepted_at_ms)}</time>
      <span>${nameOf(words?.channels, channel)} · ${ended}${there ? ` · ${say("history_there")}` : ""}
        ${verified === false && html`<b class="claimed-by"><i aria-hidden="true">?</i> ${say("history_claimed")} <bdi>${address}</bdi></b>`}</span>
    </summary>
    <ol>
      ${messages?.map((/** @type {any} */ message) => html`<${MessageItem} key=${message.message_id} message=${message} dated />`)}
    </ol>
  </details>`;
}
