// sites/between.js - the line between both: heard when, how far each has what the other one has, what is here only
import { html } from "../shared/html.js";
import { dayAndTime, duration } from "../shared/time.js";
import { say } from "../shared/words.js";
import { State } from "../admin/parts/state.js";

const NEAR_MS = 1000; // as long as a contact waits for the second copy
const TONES = { there: "good", suspected: "waiting", unreachable: "alarm", unknown: "none" };

/** @param {{pair: any}} props any: the answer of /api/admin/sites */
export function Between({ pair }) {
  const { peer, copy, policy } = pair;
  const tone = TONES[/** @type {keyof typeof TONES} */ (peer.watch)] ?? "none";
  const ago = peer.heard_ms < 0 ? say("between_never") : say("between_ago", { time: duration(peer.heard_ms) });
  const single = copy.single_copies ?? 0;
  const suspect = peer.clock === "suspect";
  return html`<section><h2>${say("between")}</h2>
    <dl class="facts-grid">
      <div><dt>${say("between_heard")}</dt><dd><${State} tone=${tone}>${say(`between_${peer.watch}`)}<//> · ${ago}</dd></div>
      <div><dt>${say("between_ours")}</dt><dd><${Ours} copy=${copy} /></dd></div>
      <div><dt>${say("between_theirs")}</dt><dd>${say("between_rows", { count: copy.of_other_seq, time: copy.of_other_ms ? dayAndTime(copy.of_other_ms) : "–" })}</dd></div>
      <div><dt>${say("between_only")}</dt><dd><${State} tone=${single ? "alarm" : "good"}>${single ? say("between_singles", { count: single }) : say("between_none_only")}<//></dd></div>
      <div><dt>${say("between_content")}</dt><dd><${Content} content=${pair.content} /></dd></div>
      <div><dt>${say("between_clock")}</dt><dd><${State} tone=${suspect ? "alarm" : "good"}>${suspect ? say("between_clock_suspect", { time: `${Math.abs(peer.skew_ms)} ms` }) : say("between_clock_fine")}<//></dd></div>
      <div><dt>${say("between_policy")}</dt><dd>${policy.take_over === "automatic" ? say("between_automatic", { time: duration(policy.take_over_after_ms) }) : say("between_manual")}${policy.assigned_after_ms > 0 && html` · ${say("between_assigned", { time: duration(policy.assigned_after_ms) })}`}</dd></div>
    </dl></section>`;
}

/** What reading all words and files again showed, here and in the copy. @param {{content: any}} props */
function Content({ content }) {
  const { own, copy } = content ?? {};
  if (!own || !copy) return html`<${State} tone="none">${say("site_not_known")}<//>`;
  const count = own.damaged + copy.damaged;
  if (count) return html`<${State} tone="alarm">${say("between_damaged", { count })}<//>`;
  return html`<${State} tone="good">${say("between_sound")}<//> · ${say("between_checked", { own: own.checked, copy: copy.checked })}`;
}

/** @param {{copy: any}} props */
function Ours({ copy }) {
  if (copy.behind_rows === undefined) return html`<${State} tone="none">${say("site_not_known")}<//>`;
  if (copy.behind_ms <= NEAR_MS) return html`<${State} tone="good">${say("between_near")}<//>`;
  return html`<${State} tone="waiting">${say("between_behind", { count: copy.behind_rows, time: duration(copy.behind_ms) })}<//>`;
}
