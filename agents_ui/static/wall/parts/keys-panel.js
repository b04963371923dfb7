// wall/parts/keys-panel.js - the wall's keys, as keys.js listens to them
import { Panel } from "../../desk/parts/panel.js";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { KEYS } from "../keys.js";

/** @param {{wall: import("../wall.js").Wall}} props */
export function KeysPanel({ wall }) {
  return html`<${Panel} name="keys" title=${say("keys")} close=${wall.close}>
    <dl class="keys">${KEYS.map(([key, words]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${say(words)}</dd></div>`)}</dl>
  <//>`;
}
