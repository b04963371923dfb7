// desk/parts/queue-strip.js - how many wait in each queue and since when; each figure explains itself on focus
import { html } from "../../shared/html.js";
import { duration, second, serverNow } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { nameOf } from "../names.js";
import { UrgencyMark } from "./urgency-mark.js";

/** @param {{desk: import("../desk.js").Desk}} props */
export function QueueStrip({ desk }) {
  const queues = [...desk.store.queue.value.values()];
  const words = desk.store.words.value;
  return html`<ul class="queues" aria-label=${say("queues")}>
    ${queues.map((queue) => html`<${QueueFigure} key=${queue.queue_id} queue=${queue} name=${nameOf(words?.queues, queue.queue_id)} />`)}
  </ul>`;
}

/** @param {{queue: import("../../types.js").Queue, name: string}} props */
function QueueFigure({ queue, name }) {
  const total = queue.waiting.reduce((sum, count) => sum + count, 0);
  const oldest = queue.oldest_at_ms && second.value ? duration(serverNow() - queue.oldest_at_ms) : "";
  const explained = total ? say("queue_explained", { name, count: total, oldest }) : say("queue_empty", { name });
  return html`<li class="queue" data-waiting=${total > 0} tabindex="0" title=${explained} aria-label=${explained}>
    <span class="queue-name">${name}</span>
    <b>${total}</b>
    ${queue.waiting.map((count, index) => count > 0 && html`<span class="queue-part"><${UrgencyMark} urgency=${index + 1} size=${15} />${count}</span>`)}
    ${total > 0 && html`<time>${oldest}</time>`}
  </li>`;
}
