// call/parts/level.js - how loud something is: one glance says whether sound is there
import { html } from "../../shared/html.js";

/** A component of its own: ten times a second nothing else is drawn anew. @param {{label: string, level: import("@preact/signals").Signal<number>}} props */
export function Level({ label, level }) {
  return html`<label class="call-level"><span>${label}</span>
    <meter min="0" max="100" low="1" value=${level.value} aria-label=${label}></meter></label>`;
}
