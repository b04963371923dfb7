// call/parts/call-bar.js - one call at the desk: how it stands, in words, and everything that can be done with it
import { html } from "../../shared/html.js";
import { duration, second, serverNow } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { panel, WITH } from "../../desk/keys.js";
import { standing } from "../standing.js";
import { Level } from "./level.js";
import { SilentHelp } from "./silent-help.js";

/**
 * @param {object} props
 * @param {import("../../desk/desk.js").Desk} props.desk
 * @param {import("../desk-calls.js").Calls} props.calls
 * @param {import("../../types.js").Conversation} props.conversation
 */
export function CallBar({ desk, calls, conversation }) {
  const call = desk.store.call.value.get(conversation.interaction_id);
  if (!call) return null;
  const { tone, text, more } = standing(calls, call);
  const here = calls.id.value === call.interaction_id && calls.line.value;
  const muted = here && calls.speaking.muted.value;
  return html`<section class="call-bar" data-tone=${muted ? "muted" : tone} aria-label=${say("call")}>
    <div class="call-now">
      <p class="call-state" aria-live="assertive"><strong>${text}</strong>${more && html` <span>${more}</span>`}
        ${muted && html` <b class="call-muted">${say("call_muted")}</b>`}</p>
      <${Marks} call=${call} />
      ${here && html`<${Level} label=${say("call_hears")} level=${here.level} /><${Level} label=${say("call_speaks")} level=${calls.speaking.level} />`}
    </div>
    ${!conversation.wrap_up_since_ms && html`<${Acts} desk=${desk} calls=${calls} call=${call} here=${here} />`}
    ${here && html`<${Trouble} line=${here} loudlyMuted=${calls.speaking.loudlyMuted.value} />`}
    ${call.silent && call.state !== "ended" && html`<${SilentHelp} call=${call} />`}
  </section>`;
}

/** @param {{call: import("../../desk/call-types.js").Call}} props */
function Marks({ call }) {
  const talking = call.connected_ms > 0 && call.state !== "ended" && second.value > 0;
  const lasted = call.state === "ended" && call.connected_ms ? duration(call.since_ms - call.connected_ms) : "";
  return html`${talking && html`<time class="call-time" aria-label=${say("call_time")}>${duration(serverNow() - call.connected_ms)}</time>`}
    ${lasted && html`<span class="call-time">${say("call_lasted", { time: lasted })}</span>`}
    ${call.recording && call.state !== "ended" && html`<span class="call-recording"><span aria-hidden="true">●</span> ${say("call_recording")}</span>`}`;
}

/**
 * @param {object} props
 * @param {import("../../desk/desk.js").Desk} props.desk
 * @param {import("../desk-calls.js").Calls} props.calls
 * @param {import("../../desk/call-types.js").Call} props.call
 * @param {import("../line.js").Line | null | false} props.here
 */
function Acts({ desk, calls, call, here }) {
  const live = desk.live.value;
  const { muted } = calls.speaking;
  const toggle = (/** @type {string} */ name) => () => (panel.value = panel.value === name ? "" : name);
  const goes_on = call.state && call.state !== "ended";
  const away = goes_on && (!here || calls.phase.value === "elsewhere");
  return html`<div class="call-acts">
    ${here && html`<button type="button" class="call-mute" aria-pressed=${muted.value} onClick=${calls.mute} title=${`${WITH}+K`}>
      <span aria-hidden="true">${muted.value ? "✕" : "●"}</span> ${say(muted.value ? "call_unmute" : "call_mute")} <kbd>${WITH}+K</kbd></button>`}
    ${away && html`<button type="button" class="strong" disabled=${!live} onClick=${() => calls.take(call.interaction_id)}>${say("call_take")}</button>`}
    ${call.can.hold && html`<button type="button" disabled=${!live} aria-pressed=${call.state === "held"} onClick=${() => calls.hold(call)} title=${`${WITH}+H`}>
      ${say(call.state === "held" ? "call_resume" : "call_hold")} <kbd>${WITH}+H</kbd></button>`}
    ${call.can.dtmf && html`<button type="button" disabled=${!live} aria-expanded=${panel.value === "digits"} onClick=${toggle("digits")} title=${`${WITH}+N`}>${say("call_digits")}</button>`}
    ${call.can.forward && html`<button type="button" disabled=${!live} aria-expanded=${panel.value === "forward"} onClick=${toggle("forward")} title=${`${WITH}+G`}>${say("call_forward")}</button>`}
    ${call.can.record && html`<button type="button" disabled=${!live} aria-pressed=${call.recording} onClick=${() => calls.record(call)}>${say(call.recording ? "call_record_off" : "call_record_on")}</button>`}
    ${call.can.dial && html`<button type="button" class="strong" disabled=${!live || (here && calls.phase.value !== "over")} onClick=${() => calls.dial(call.interaction_id)} title=${`${WITH}+L`}>
      ${say("call_dial")} <bdi dir="ltr">${call.address}</bdi> <kbd>${WITH}+L</kbd></button>`}
  </div>`;
}

/** What is wrong with the sound, where something is. @param {{line: import("../line.js").Line, loudlyMuted: boolean}} props */
function Trouble({ line, loudlyMuted }) {
  const text = line.locked.value ? "call_locked" : loudlyMuted ? "call_loudly_muted" : line.arriving.value ? "" : "call_nothing";
  return html`<p class="call-trouble" role="alert">${text && html`<span aria-hidden="true">▲</span> ${say(text)}`}</p>`;
}
