// desk/parts/dual-over.js - of conversations that one has no more: an agent of the other site answered as well
import { signal } from "@preact/signals";
import { html } from "../../shared/html.js";
import { keep, kept } from "../../shared/keep.js";
import { clockTime } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { nameOf } from "../names.js";

const KEY = "muster.desk.duals"; // those that were taken away, so that a reload does not bring them back
const KEPT_MAX = 50;

/** @type {import("@preact/signals").Signal<string[]>} */
const seen = signal(kept(localStorage, KEY, []));

/** Told anew when it is somebody else. @param {import("../person-types.js").Dual} dual */
const mark = (dual) => `${dual.interaction_id} ${dual.agent_id} ${dual.other_agent_id}`;

/** @param {import("../person-types.js").Dual} dual */
function takeAway(dual) {
  seen.value = [...seen.value, mark(dual)].slice(-KEPT_MAX);
  keep(localStorage, KEY, seen.value);
}

/** @param {{desk: import("../desk.js").Desk}} props */
export function DualOver({ desk }) {
  const { dual, conversation, words } = desk.store;
  const over = [...dual.value.values()].filter((one) => !conversation.value.has(one.interaction_id) && !seen.value.includes(mark(one)));
  if (!over.length) return null;
  return html`<section class="duals" aria-label=${say("dual_title")}>
    <h2><span aria-hidden="true">⇄</span> ${say("dual_title")} <small>${over.length}</small></h2>
    <ol aria-live="polite">
      ${over.map((one) => html`<li key=${one.interaction_id}>
        <p>${say("dual_over", { name: one.other_name, site: one.other_site, label: one.customer_label, channel: nameOf(words.value?.channels, one.channel) })}${" "}
          <time>${clockTime(one.at_ms)}</time></p>
        <button type="button" class="icon-button" aria-label=${say("dismiss")} onClick=${() => takeAway(one)}>×</button>
      </li>`)}
    </ol>
  </section>`;
}
