// chat/parts/call-button.js - the way to a voice, where the thumb is; during a call the call itself
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/** @param {{calling: import("../calling.js").Calling}} props */
export function CallButton({ calling }) {
  const call = calling.call.value;
  if (!calling.offered) return null;
  const Bar = calling.bar.value;
  if (call?.phase.value && Bar) return html`<${Bar} call=${call} />`;
  return html`<div class="call-start">
    ${calling.state.value === "failed" && html`<p role="alert">${say("call_not_loaded")}</p>`}
    <button type="button" disabled=${calling.state.value === "loading"} onClick=${calling.start}>
      <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path fill="currentColor" d="M6.6 3c.5 0 1 .4 1.1.9l.8 3.4c.1.5 0 1-.4 1.3L6.4 10a12 12 0 0 0 5.6 5.6l1.4-1.7c.3-.4.8-.5 1.3-.4l3.4.8c.5.1.9.6.9 1.1V19a2 2 0 0 1-2 2A14 14 0 0 1 3 7V5a2 2 0 0 1 2-2z" /></svg>
      ${say("call_start")}</button>
  </div>`;
}
