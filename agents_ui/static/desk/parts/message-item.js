// desk/parts/message-item.js - one message as text, whoever wrote it and whatever is in it
import { html } from "../../shared/html.js";
import { clockTime, dayAndTime } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { DeliveryMark, DeliveryTrouble, DeliveryWay } from "./delivery.js";
import { MailHead } from "./mail-head.js";
import { MessageFiles } from "./message-files.js";

/**
 * @param {{message: import("../../types.js").Message, dated?: boolean, channels?: import("../../types.js").Named[]}} props
 *   dated: of another day, show which
 */
export function MessageItem({ message, dated = false, channels }) {
  const { direction, text, notice, reading, at_ms } = message;
  const who = direction === "in" ? say("the_customer") : message.author_name || say(`direction_${direction}`);
  const leaves = direction === "out" || (direction === "system" && message.way);
  const raw = reading === "unparsed";
  return html`<li class="message" data-direction=${direction}>
    <p class="message-head"><b dir="auto">${direction === "note" ? `${say("note")} · ${who}` : who}</b>
      <time>${dated ? dayAndTime(at_ms) : clockTime(at_ms)}</time>
      ${leaves && html`<${DeliveryMark} message=${message} />`}
    </p>
    <${MailHead} mail=${message.mail} />
    ${raw && html`<p class="flag">${say("unparsed_text")}</p>`}
    ${text && (raw ? html`<pre dir="auto">${text}</pre>` : html`<p class="message-text" dir="auto">${text}</p>`)}
    ${notice && html`<p class="flag">${notice}</p>`}
    <${MessageFiles} message=${message} />
    ${leaves && html`<${DeliveryTrouble} message=${message} /><${DeliveryWay} message=${message} channels=${channels} />`}
  </li>`;
}

/** @param {{entry: import("../../shared/outbox.js").Unsent, takeBack?: (entry: import("../../shared/outbox.js").Unsent) => void}} props */
export function UnsentItem({ entry, takeBack }) {
  const direction = entry.kind === "note" ? "note" : "out";
  return html`<li class="message" data-direction=${direction} data-state=${entry.state}>
    <p class="message-head"><b>${say(direction === "note" ? "note" : "you")}</b>
      ${entry.state !== "refused" && html`<span class="status">${say(entry.state === "kept" ? "kept" : "unsaved")}</span>`}
    </p>
    <p class="message-text" dir="auto">${entry.text}</p>
    ${entry.state === "refused" && html`<p class="flag" role="alert">${say("refused")} <span dir="auto">${entry.why}</span></p>
      <button type="button" onClick=${() => takeBack?.(entry)}>${say("take_back")}</button>`}
  </li>`;
}
