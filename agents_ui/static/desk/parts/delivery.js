// desk/parts/delivery.js - how far an answer has come on its way to the customer, in a shape and in words
import { html } from "../../shared/html.js";
import { second, serverNow } from "../../shared/time.js";
import { hasWords, say } from "../../shared/words.js";

/** @typedef {import("../../types.js").Message} Message */

const MARKS = { due: "○", late: "↻", sent: "✓", delivered: "✓✓", read: "◉", failed: "✕" };
const SOON_MS = 10_000; // what has not left by then is late, tried or not

/** An answer that nobody has tried to send is late as well when it takes long. @param {Message} message */
function statusOf(message) {
  if (message.status !== "due" || second.value === 0) return message.status;
  return serverNow() - message.at_ms > SOON_MS ? "late" : "due";
}

/** @param {{message: Message}} props */
export function DeliveryMark({ message }) {
  const status = statusOf(message);
  if (!hasWords(`status_${status}`)) return null;
  const twice = message.trouble === "maybe_twice" && !["due", "late", "failed"].includes(status);
  return html`<span class="status" data-status=${status}>
    <span aria-hidden="true">${MARKS[/** @type {keyof typeof MARKS} */ (status)]}</span> ${say(`status_${status}`)}${twice && html` · ${say("maybe_twice")}`}
  </span>`;
}

/** Why it is late or failed, and what to do; nothing while all is well. @param {{message: Message}} props */
export function DeliveryTrouble({ message }) {
  const status = statusOf(message);
  if (status !== "late" && status !== "failed") return null;
  const known = `trouble_${message.trouble}`;
  const why = hasWords(known) ? say(known) : message.trouble && say("trouble_other", { code: message.trouble });
  return html`<p class="delivery-trouble" data-status=${status}>${why} ${say(`do_${status}`)}</p>`;
}
