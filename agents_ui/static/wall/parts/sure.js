// wall/parts/sure.js - a button that asks once more before it does what cannot be taken back; "no" has the focus
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/**
 * @param {object} props
 * @param {string} props.label
 * @param {string} props.question what will happen, as a sentence
 * @param {() => void} props.act
 * @param {boolean} [props.disabled]
 */
export function Sure({ label, question, act, disabled = false }) {
  const [asking, setAsking] = useState(false);
  if (!asking) return html`<button type="button" disabled=${disabled} onClick=${() => setAsking(true)}>${label}</button>`;
  const focus = (/** @type {HTMLElement | null} */ no) => no?.focus();
  const yes = () => {
    setAsking(false);
    act();
  };
  return html`<div class="sure" role="group" aria-label=${question}>
    <p>${question}</p>
    <div class="row"><button type="button" ref=${focus} onClick=${() => setAsking(false)}>${say("sure_no")}</button>
      <button type="button" class="strong" onClick=${yes}>${label}</button></div>
  </div>`;
}
