// wall/parts/queue-table.js - each queue's figures; one tab stop, arrow keys move from figure to figure
import { UrgencyMark } from "../../desk/parts/urgency-mark.js";
import { html } from "../../shared/html.js";
import { clockTime, duration, second, serverNow } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { percent, queueName } from "../names.js";
import { Figure } from "./figure.js";
import { Levels } from "./levels.js";

const URGENCIES = [1, 2, 3, 4, 5];
const HEADS = ["f_oldest", "f_level", "f_asa", "f_answered", "f_abandoned"];

/** @param {{wall: import("../wall.js").Wall}} props */
export function QueueTable({ wall }) {
  const queues = (wall.store.words.value?.queues ?? []).map((/** @type {{id: string}} */ { id }) => wall.queues.value.get(id)).filter(Boolean);
  return html`<section class="queue-table" aria-label=${say("queues")}>
    <table onKeyDown=${walk} onFocusIn=${stopAt}>
      <thead><tr><th scope="col">${say("queue")}</th>
        ${URGENCIES.map((urgency) => html`<th scope="col" key=${urgency} class="of-urgency"><${UrgencyMark} urgency=${urgency} size=${20} /></th>`)}
        ${HEADS.map((head) => html`<th scope="col" key=${head}>${say(head)}</th>`)}</tr></thead>
      <tbody>${queues.map((/** @type {import("../types.js").WallQueue} */ queue, /** @type {number} */ index) =>
        html`<${Row} key=${queue.queue_id} queue=${queue} name=${queueName(wall, queue.queue_id)} first=${index === 0} />`)}</tbody>
    </table>
  </section>`;
}

/** @param {{queue: import("../types.js").WallQueue, name: string, first: boolean}} props */
function Row({ queue, name, first }) {
  const since = clockTime(queue.since_ms);
  const asa = queue.asa_ms === null ? "–" : duration(queue.asa_ms);
  const oldest = queue.oldest_at_ms && second.value ? duration(serverNow() - queue.oldest_at_ms) : "–";
  const why = say(queue.oldest_at_ms ? "x_oldest" : "x_oldest_none", { name, time: oldest, at: clockTime(queue.oldest_at_ms) });
  return html`<tr data-waiting=${queue.oldest_at_ms > 0}><th scope="row" dir="auto">${name}</th>
    ${queue.waiting.map((count, index) => html`<td key=${index} data-label=${say(`urgency_${index + 1}`)} class="of-urgency">
      <${Figure} kind=${`u${index + 1}`} tone=${count ? "some" : "none"} stop=${first && index === 0 ? 0 : -1}
        explain=${say("x_waiting", { name, count, urgency: say(`urgency_${index + 1}`) })}>${count || "·"}<//></td>`)}
    <td data-label=${say("f_oldest")}><${Figure} stop=${-1} explain=${why}>${oldest}<//></td>
    <td data-label=${say("f_level")} class="levels">${queue.levels.length ? html`<${Levels} day=${queue} stop=${-1} />` : html`<${Figure} stop=${-1} explain=${say("x_no_target", { name })}>–<//>`}</td>
    <td data-label=${say("f_asa")}><${Figure} stop=${-1} explain=${`${name}: ${say("x_asa", { asa, count: queue.answered, since })}`}>${asa}<//></td>
    <td data-label=${say("f_answered")}><${Figure} stop=${-1} explain=${`${name}: ${say("x_answered", { count: queue.answered, since })}`}>${queue.answered}<//></td>
    <td data-label=${say("f_abandoned")}><${Figure} stop=${-1}
      explain=${`${name}: ${say("x_abandoned", { count: queue.abandoned, since, share: percent(queue.abandoned_pm) })}`}>${queue.abandoned}<//></td>
  </tr>`;
}

/** The figure that has the focus is the table's tab stop. @param {FocusEvent} event */
function stopAt(event) {
  if (!(event.target instanceof HTMLElement) || !event.target.matches(".figure")) return;
  for (const figure of document.querySelectorAll(".queue-table .figure")) figure.setAttribute("tabindex", figure === event.target ? "0" : "-1");
}

/** Left and right inside a row, up and down to the same place of the next. @param {KeyboardEvent} event */
function walk(event) {
  const rows = [...document.querySelectorAll(".queue-table tbody tr")].map((row) => [...row.querySelectorAll(".figure")]);
  const at_row = rows.findIndex((row) => row.includes(/** @type {Element} */ (event.target)));
  if (at_row < 0) return;
  const at = rows[at_row].indexOf(/** @type {Element} */ (event.target));
  const ahead = document.documentElement.dir === "rtl" ? -1 : 1;
  const [down, along] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -ahead], ArrowRight: [0, ahead] }[event.key] ?? [0, 0];
  const row = rows[at_row + down];
  const next = down ? row?.[Math.min(at, row.length - 1)] : row?.[at + along];
  if ((!down && !along) || !(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
}
