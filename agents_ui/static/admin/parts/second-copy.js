// admin/parts/second-copy.js - how far the other site has what this one has, and what is here only
import { html } from "../../shared/html.js";
import { duration, exactTime, second, serverNow } from "../../shared/time.js";
import { hasWords, say } from "../../shared/words.js";
import { State } from "./state.js";

const NEAR_MS = 1000; // as long as a contact waits for it

/** @param {{copy: any, journal: any}} props any: `copy` and `journal` of /api/admin/health */
export function SecondCopy({ copy, journal }) {
  return html`<section><h2>${say("copy")} <small dir="auto">${copy.name}</small></h2>
    <dl class="facts-grid">
      <div><dt>${say("copy_there")}</dt><dd><${Lag} copy=${copy} /></dd></div>
      <div><dt>${say("copy_here_only")}</dt><dd><${Singles} copy=${copy} /></dd></div>
      <div><dt>${say("copy_ends")}</dt><dd>${say("copy_end_here", { seq: journal?.seq ?? "–" })} <code title=${journal?.hash}>${journal?.hash.slice(0, 12)}</code> · ${say("copy_end_there", { seq: copy.acked_through })} <code title=${copy.there_hash}>${copy.there_hash.slice(0, 12)}</code></dd></div>
    </dl></section>`;
}

/** @param {{copy: any}} props */
function Lag({ copy }) {
  const { problem, detail, behind_rows: rows, behind_ms: ms } = copy;
  const behind = rows ? say("copy_behind", { count: rows, time: duration(ms) }) : "";
  const left = rows && copy.left_s >= 0 && ms > NEAR_MS ? ` · ${say("copy_left", { rate: copy.rows_per_s, time: duration(copy.left_s * 1000) })}` : "";
  if (!copy.runs) return html`<${State} tone="alarm">${say("copy_stands")}<//> ${behind}`;
  if (problem) return html`<${State} tone="alarm">${hasWords(`copy_${problem}`) ? say(`copy_${problem}`) : problem}<//> ${behind} <small dir="auto">${detail}</small>`;
  if (ms > NEAR_MS) return html`<${State} tone="waiting">${behind}<//>${left}`;
  return html`<${State} tone="good">${say("copy_near")}<//>`;
}

/** @param {{copy: any}} props */
function Singles({ copy }) {
  if (!copy.single_copies) return html`<${State} tone="good">${say("copy_none_single")}<//>`;
  const since = copy.since_ms && second.value ? say("copy_since", { time: duration(serverNow() - copy.since_ms) }) : "";
  return html`<details><summary><${State} tone="alarm">${say("copy_single", { count: copy.single_copies })}<//> <small>${since}</small></summary>
    <ol>${copy.oldest.map((/** @type {any} */ one) => html`<li key=${one.interaction_id + one.at_ms}>${exactTime(one.at_ms)} <code>${one.interaction_id}</code></li>`)}</ol>
    <p class="hint">${say("copy_list")} <code>muster journal single-copies</code></p></details>`;
}
