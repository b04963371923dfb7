// sites/drills.js - what came of the latest drills
import { html } from "../shared/html.js";
import { dayAndTime } from "../shared/time.js";
import { say } from "../shared/words.js";
import { State } from "../admin/parts/state.js";
import { whoIs } from "./pair.js";

const BY_SCHEDULE = "schedule";

/** @param {{pair: any}} props any: the answer of /api/admin/sites */
export function Drills({ pair }) {
  return html`<section><h2>${say("drills")}</h2>
    ${pair.drills.length === 0 && html`<p><${State} tone="waiting">${say("drills_none")}<//></p>`}
    <ul class="drills">${pair.drills.map((/** @type {any} */ drill) => html`<li key=${drill.drill_id}><${One} pair=${pair} drill=${drill} /></li>`)}</ul></section>`;
}

/** @param {{pair: any, drill: any}} props */
function One({ pair, drill }) {
  const name = drill.agent_id === BY_SCHEDULE ? say("drill_schedule") : whoIs(pair, drill.agent_id);
  const head = say("drill_of", { time: dayAndTime(drill.began_ms), name });
  if (!drill.report) return html`<p>${head} <${State} tone="waiting">${say("drill_running")}<//></p>`;
  const failed = drill.report.failed.length;
  return html`<details><summary>${head} <${State} tone=${failed ? "alarm" : "good"}>${failed ? say("drill_failed", { count: failed }) : say("drill_well")}<//></summary>
    ${drill.lines.map((/** @type {string} */ line) => html`<p key=${line} dir="auto">${line}</p>`)}</details>`;
}
