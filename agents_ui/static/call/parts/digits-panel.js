// call/parts/digits-panel.js - the keys of a telephone; the keyboard's digits do the same
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { Panel } from "../../desk/parts/panel.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

/** @param {{calls: import("../desk-calls.js").Calls, conversation: import("../../types.js").Conversation, close: () => void}} props */
export function DigitsPanel({ calls, conversation, close }) {
  const [pressed, setPressed] = useState("");
  const press = (/** @type {string} */ key) => {
    setPressed((before) => before + key);
    calls.press(conversation.interaction_id, key);
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (!KEYS.includes(event.key) || event.altKey || event.ctrlKey) return;
    event.preventDefault();
    press(event.key);
  };
  return html`<${Panel} name="digits" title=${say("call_digits")} close=${close}>
    <div class="call-digits" onKeyDown=${key}>
      <output dir="ltr" aria-live="polite">${pressed || say("call_digits_hint")}</output>
      ${KEYS.map((each, index) => html`<button type="button" key=${each} data-first=${index === 0} onClick=${() => press(each)}>${each}</button>`)}
    </div>
  <//>`;
}
