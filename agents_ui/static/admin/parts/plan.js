// admin/parts/plan.js - the plan in force, and another one: checked whole, compared, and then put in force
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { dayAndTime } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { Sure } from "../../wall/parts/sure.js";

/** @param {{admin: import("../admin.js").Admin}} props */
export function PlanPart({ admin }) {
  const plan = admin.known.plan.value;
  if (!plan) return html`<p class="hint">${say("asking")}</p>`;
  return html`<section><h2>${say("plan_in_force")}</h2>
      <p>${say("plan_version", { version: plan.version })} · ${say("since", { time: dayAndTime(plan.at_ms) })} · ${say("by")} <bdi>${plan.by}</bdi> · <code title=${plan.digest}>${plan.digest.slice(0, 12)}</code></p>
      <p class="row"><button type="button" onClick=${() => download(plan)}>${say("download")}</button></p>
      <details><summary>${say("plan_text")}</summary><pre dir="ltr" tabindex="0">${plan.text}</pre></details>
      <details><summary>${say("plan_earlier")}</summary><ol class="earlier-plans">${plan.earlier.map((/** @type {any} */ one) => html`<li key=${one.version}>
        ${say("plan_version", { version: one.version })} · ${dayAndTime(one.at_ms)} · <bdi>${one.by}</bdi> <code>${one.digest.slice(0, 12)}</code></li>`)}</ol></details></section>
    <${Another} admin=${admin} plan=${plan} />`;
}

/** @param {any} plan any: the answer of /api/admin/plan */
function download(plan) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([plan.text], { type: "application/toml" }));
  link.download = `plan-${plan.version}.toml`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** @param {{admin: import("../admin.js").Admin, plan: any}} props any: see above */
function Another({ admin, plan }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState(/** @type {any} */ (null)); // any: the answer of the check
  const check = async (/** @type {Event} */ event) => {
    const field = /** @type {HTMLInputElement} */ (event.currentTarget);
    const file = field.files?.[0];
    if (!file) return;
    const whole = await file.text();
    field.value = ""; // the same file, mended, is to be chosen again
    setText(whole);
    setFound(await admin.act("/api/admin/plan/check", { text: whole }));
  };
  const activate = async () => {
    const done = await admin.act("/api/admin/plan", { text, against: plan.digest }, say("plan_done"));
    if (done) setFound(null);
  };
  return html`<section><h2>${say("plan_other")}</h2>
    <label class="file"><span>${say("plan_choose")}</span> <input type="file" accept=".toml,text/plain" onChange=${check} /></label>
    <div aria-live="polite">
      ${found && !found.fine && html`<p class="state" data-tone="alarm"><span aria-hidden="true">▲</span> ${say("plan_problems", { count: found.problems.length })}</p>
        <ol class="problems">${found.problems.map((/** @type {any} */ one, /** @type {number} */ at) => html`<li key=${at}><b>${one.line ? say("line", { line: one.line }) : ""}</b> <span dir="auto">${one.text}</span></li>`)}</ol>`}
      ${found?.fine && html`<p class="state" data-tone="good"><span aria-hidden="true">✓</span> ${say("plan_fine")} <code>${found.digest.slice(0, 12)}</code></p>
        ${found.difference.length ? html`<${Difference} lines=${found.difference} /><${Sure} label=${say("plan_activate")} question=${say("plan_sure")} act=${activate} />` : html`<p>${say("plan_same")}</p>`}`}
    </div></section>`;
}

/** @param {{lines: string[]}} props */
function Difference({ lines }) {
  return html`<pre class="difference" dir="ltr" tabindex="0" aria-label=${say("plan_difference")}>${lines.map((line, at) => html`<span key=${at} data-sign=${line[0]}>${`${line}\n`}</span>`)}</pre>`;
}
