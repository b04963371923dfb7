// call/parts/customer-bar.js - the customer's call above the field to write in: one sentence, large buttons, what to do
import { html } from "../../shared/html.js";
import { duration, second } from "../../shared/time.js";
import { hasWords, say } from "../../shared/words.js";
import { Level } from "./level.js";

const TONES = { asking: "waiting", calling: "waiting", waiting: "waiting", connected: "good", held: "waiting", trouble: "trouble", again: "trouble", ended: "over", failed: "trouble" };

/** @param {{call: import("../customer-call.js").CustomerCall}} props */
export function CustomerBar({ call }) {
  const phase = call.phase.value;
  if (!phase) return null;
  const { text, more } = standing(call, phase);
  const line = call.line.value;
  const since = call.connected_ms.value;
  const over = phase === "ended" || phase === "failed";
  const muted = !over && call.muted.value;
  return html`<section class="call-bar customer-call" data-tone=${muted ? "muted" : TONES[phase]} aria-label=${say("call")}>
    <div class="call-now">
      <p class="call-state" aria-live="assertive"><strong>${text}</strong>${more && html` <span>${more}</span>`}
        ${muted && html` <b class="call-muted">${say("call_muted")}</b>`}</p>
      ${since > 0 && !over && second.value > 0 && html`<time class="call-time">${duration(Date.now() - since)}</time>`}
      ${line && html`<${Level} label=${say("call_hears")} level=${line.level} />`}
    </div>
    ${line?.locked.value && html`<button type="button" class="strong" onClick=${line.play}>${say("call_tap")}</button>`}
    ${over ? html`<${Over} call=${call} failed=${phase === "failed"} />` : html`<div class="call-acts">
      ${phase !== "asking" && html`<button type="button" class="call-mute" aria-pressed=${call.muted.value} onClick=${() => (call.muted.value = !call.muted.value)}>${say(call.muted.value ? "call_unmute" : "call_mute")}</button>`}
      <button type="button" class="hang-up" onClick=${call.hangUp}><${Handset} down />${say("call_hang_up")}</button>
    </div>`}
  </section>`;
}

/** What there is to do now; nobody is left with "failed". @param {{call: import("../customer-call.js").CustomerCall, failed: boolean}} props */
function Over({ call, failed }) {
  const { number, notice } = call.centre;
  return html`${failed && html`<p class="call-otherwise"><strong dir="auto">${notice}</strong> ${say("call_write")}
      ${number && html` ${say("call_number")} <a href=${`tel:${number}`} dir="ltr">${number}</a>`}</p>`}
    <div class="call-acts"><button type="button" class="strong" onClick=${call.begin}>${say(failed ? "call_try_again" : "call_again_button")}</button>
      <button type="button" onClick=${call.dismiss}>${say("call_close")}</button></div>`;
}

/** @param {import("../customer-call.js").CustomerCall} call @param {string} phase */
function standing(call, phase) {
  const why = call.why.value;
  if (phase === "waiting") {
    const place = call.position.value;
    const more = place === 1 ? say("call_next") : place ? say("call_position", { place }) : "";
    return { text: say("call_waiting"), more: `${more} ${say("call_stay")}`.trim() };
  }
  if (phase === "ended") return { text: say(hasWords(`call_ended_${why}`) ? `call_ended_${why}` : "call_ended"), more: "" };
  if (phase === "failed") return { text: say(hasWords(`call_failed_${why}`) ? `call_failed_${why}` : "call_failed"), more: "" };
  return { text: say(`call_${phase}`), more: hasWords(`call_${phase}_more`) ? say(`call_${phase}_more`) : "" };
}

/** A telephone's handset, up or down. @param {{down?: boolean}} props */
const Handset = ({ down = false }) => html`<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
  <path transform=${down ? "rotate(135 12 12)" : ""} fill="currentColor" d="M6.6 3c.5 0 1 .4 1.1.9l.8 3.4c.1.5 0 1-.4 1.3L6.4 10a12 12 0 0 0 5.6 5.6l1.4-1.7c.3-.4.8-.5 1.3-.4l3.4.8c.5.1.9.6.9 1.1V19a2 2 0 0 1-2 2A14 14 0 0 1 3 7V5a2 2 0 0 1 2-2z" /></svg>`;
