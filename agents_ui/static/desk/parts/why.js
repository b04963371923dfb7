// desk/parts/why.js - why this came to me, in words; folded
import { html } from "../../shared/html.js";
import { hasWords, say } from "../../shared/words.js";

/** Words for a code where the page has some, else the code itself. @param {string} prefix @param {string} code */
const inWords = (prefix, code) => (hasWords(`${prefix}_${code}`) ? say(`${prefix}_${code}`) : code);

/** @param {{why: import("../../types.js").Why}} props */
export function Why({ why }) {
  if (!why?.strategy) return null;
  return html`<details class="why">
    <summary>${say("why")}</summary>
    <dl>
      <dt>${say("why_rule")}</dt><dd>${why.rule_id || "–"}</dd>
      <dt>${say("why_strategy")}</dt><dd>${inWords("strategy", why.strategy)}</dd>
      <dt>${say("why_tie")}</dt><dd>${inWords("tie", why.tie_break) || "–"}</dd>
      ${why.step > 0 && html`<dt>${say("why_step")}</dt><dd>${why.step}</dd>`}
      ${why.passed_over?.map((group) => html`<dt key=${group.reason}>${say("why_not", { count: group.count })}</dt>
        <dd>${inWords("not", group.reason)} <small>${group.agent_ids.join(", ")}</small></dd>`)}
    </dl>
  </details>`;
}
