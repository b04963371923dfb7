// desk/parts/keys-overlay.js - every key of the desk, on ?
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { KEYS } from "../keys.js";
import { Panel } from "./panel.js";

/** @param {{close: () => void}} props */
export function KeysOverlay({ close }) {
  return html`<${Panel} title=${say("keys")} close=${close} name="keys">
    <dl class="keys">
      ${KEYS.map(([key, meaning]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${say(meaning)}</dd></div>`)}
    </dl>
  <//>`;
}
