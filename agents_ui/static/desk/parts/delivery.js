// desk/parts/delivery.js - how far an answer has come on its way to the customer, in a shape and in words
import { html } from "../../shared/html.js";
import { second, serverNow } from "../../shared/time.js";
import { hasWords, say } from "../../shared/words.js";
import { nameOf } from "../names.js";

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
  const elsewhere = message.way?.other && message.way.other !== "none";
  return html`<p class="delivery-trouble" data-status=${status}>${why} ${!elsewhere && say(`do_${status}`)}</p>`;
}

/** Which other way it went, or instead of what it goes. @param {{message: Message, channels?: import("../../types.js").Named[]}} props */
export function DeliveryWay({ message, channels }) {
  const { way } = message;
  if (!way?.other && !way?.instead_of) return null;
  const [channel, other, first] = [way.channel, way.other_channel, way.instead_of_channel].map((id) => nameOf(channels, id));
  const arrived = ["delivered", "read"].includes(message.status);
  const what = way.instead_of ? "way_instead" : way.other === "none" ? "way_none" : arrived ? "way_both" : "way_other";
  return html`<p class="delivery-way">${say(what, { channel, other, first })}</p>`;
}
