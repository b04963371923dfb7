// sites/affected.js - how many contacts suffered in the trouble of now, and how; their names come by the command
import { html } from "../shared/html.js";
import { dayAndTime } from "../shared/time.js";
import { say } from "../shared/words.js";

/** @param {{affected: any}} props any: `affected` of /api/admin/sites; null where nothing is wrong */
export function Affected({ affected }) {
  if (!affected) return null;
  const { contacts, reasons, from_ms, until_ms } = affected;
  const time = dayAndTime(from_ms);
  const iso = (/** @type {number} */ ms) => `${new Date(ms).toISOString().slice(0, 16)}Z`;
  return html`<section><h2>${say("affected")}</h2>
    <p>${contacts ? say("affected_count", { count: contacts, time }) : say("affected_none", { time })}</p>
    ${contacts > 0 && html`<ul class="reasons">${reasons.map((/** @type {any} */ each) => html`<li key=${each.reason}><b>${each.count}</b> <span dir="auto">${each.words}</span></li>`)}</ul>
      <p class="hint">${say("affected_list")} <code>muster journal affected --from ${iso(from_ms)} --to ${iso(until_ms + 60_000)}</code></p>`}</section>`;
}
