// sites/providers.js - what providers were told, how far that is; what failed is tried again when somebody says so
import { html } from "../shared/html.js";
import { duration, second, serverNow } from "../shared/time.js";
import { uniqueId } from "../shared/unique.js";
import { say } from "../shared/words.js";
import { State } from "../admin/parts/state.js";
import { actNow } from "./asking.js";

const TONES = { due: "waiting", done: "good", failed: "alarm" };

/** @param {{admin: import("../admin/admin.js").Admin, pair: any}} props any: the answer of /api/admin/sites */
export function Providers({ admin, pair }) {
  const again = (/** @type {string} */ run_id) => () => actNow(admin, { act: "again", run_id, command_id: uniqueId() });
  return html`<section><h2>${say("providers")}</h2>
    ${pair.actions.length === 0 ? html`<p>${say("providers_none")}</p>` : html`<div class="scroll"><table><thead><tr>
        ${["action", "stands", "tries", "answered", "acts"].map((head) => html`<th scope="col" key=${head}>${say(`h_${head}`)}</th>`)}</tr></thead>
      <tbody>${pair.actions.map((/** @type {any} */ run) => html`<tr key=${run.run_id}><th scope="row"><code>${run.run_id}</code></th>
        <td><${State} tone=${TONES[/** @type {keyof typeof TONES} */ (run.status)]}>${say(`run_${run.status}`)}<//> <small>${next(run)}</small></td>
        <td>${run.attempts}</td><td dir="auto">${run.detail || "–"}</td>
        <td>${pair.may_act && run.status !== "done" && html`<button type="button" aria-label=${say("run_again_of", { name: run.run_id })} onClick=${again(run.run_id)}>${say("run_again")}</button>`}</td></tr>`)}</tbody></table></div>`}</section>`;
}

/** When it is tried next. @param {any} run any: one of `actions` */
function next({ status, due_at_ms }) {
  const left_ms = due_at_ms - serverNow();
  return status === "due" && left_ms > 0 && second.value ? say("run_next", { time: duration(left_ms) }) : "";
}
