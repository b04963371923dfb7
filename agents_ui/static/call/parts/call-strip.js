// call/parts/call-strip.js - over the whole desk: no microphone, muted, or on a call that is not the one on the screen
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { WITH } from "../../desk/keys.js";
import { whoIs } from "../../desk/names.js";

/** @param {{desk: import("../../desk/desk.js").Desk, calls: import("../desk-calls.js").Calls}} props */
export function CallStrip({ desk, calls }) {
  const { problem, muted, prepare } = calls.speaking;
  const id = calls.line.value ? calls.id.value : "";
  const conversation = desk.store.conversation.value.get(id);
  const needed = problem.value && (id || desk.me.value?.available);
  const elsewhere = conversation && desk.attention.shown.value !== id;
  return html`${needed && html`<div class="call-strip" data-tone="trouble" role="alert">
      <span aria-hidden="true">▲</span> <p><b>${say(`microphone_${problem.value}`)}</b> ${say(id ? "microphone_in_call" : "microphone_before")}</p>
      ${problem.value !== "insecure" && html`<button type="button" onClick=${prepare}>${say("microphone_again")}</button>`}
    </div>`}
    ${conversation && (elsewhere || muted.value) && html`<div class="call-strip" data-tone=${muted.value ? "muted" : "good"} role="status">
      <p>${muted.value && html`<b>${say("call_muted")}</b> `}${elsewhere && html`${say("call_with")} <bdi>${whoIs(desk, conversation)}</bdi>`}</p>
      ${muted.value && html`<button type="button" onClick=${calls.mute}>${say("call_unmute")} <kbd>${WITH}+K</kbd></button>`}
      ${elsewhere && html`<button type="button" onClick=${() => desk.attention.choose(id)}>${say("call_show")}</button>`}
    </div>`}`;
}
