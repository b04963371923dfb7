// call/parts/silent-help.js - nobody says anything: what to do, in order
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

const STEPS = ["silent_ask", "silent_tap", "silent_listen", "silent_text", "silent_end"];

/** @param {{call: import("../../desk/call-types.js").Call}} props */
export function SilentHelp({ call }) {
  const steps = call.dialable ? STEPS : STEPS.slice(0, -1);
  return html`<section class="call-silent" aria-label=${say("silent_title")}>
    <h3 role="alert">${say("silent_title")}</h3>
    <ol>${steps.map((key) => html`<li key=${key}>${say(key)}</li>`)}</ol>
  </section>`;
}
