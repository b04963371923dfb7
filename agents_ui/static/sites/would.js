// sites/would.js - what an act would do, in the server's sentences, and what stands against it
import { html } from "../shared/html.js";
import { exactTime } from "../shared/time.js";
import { say } from "../shared/words.js";
import { State } from "../admin/parts/state.js";

/** @param {{report: import("./asking.js").Report | null | "none", look: () => void}} props */
export function Would({ report, look }) {
  const again = html`<button type="button" class="small" onClick=${look}>${say("would_again")}</button>`;
  if (report === null) return html`<p class="hint" role="status">${say("would_asking")}</p>`;
  if (report === "none") return html`<p role="alert"><${State} tone="alarm">${say("would_not")}<//> ${again}</p>`;
  const lines = report.lines.map((line, at) => html`<li key=${at} data-under=${line.startsWith("  ")} dir="auto">${line.trim()}</li>`);
  return html`<div class="would"><h4>${say("would")} <small>${say("would_at", { time: exactTime(report.at_ms) })}</small> ${again}</h4>
    <ul>${lines}</ul>
    ${report.refusals.length > 0 && html`<div class="refused" role="alert"><p><${State} tone="alarm">${say("refused", { count: report.refusals.length })}<//></p>
      <ul>${report.refusals.map((each) => html`<li key=${each.code} dir="auto">${each.text}.<p><b>${say("refused_todo")}</b> ${each.todo}.</p></li>`)}</ul></div>`}</div>`;
}
