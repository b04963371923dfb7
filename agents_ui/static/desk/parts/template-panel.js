// desk/parts/template-panel.js - an approved message with its places filled in, as the customer will read it
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { uniqueId } from "../../shared/unique.js";
import { say } from "../../shared/words.js";
import { Panel } from "./panel.js";

const PLACE = /\{([1-9][0-9]?)\}/g;

/** The numbers of its places, each once. @param {string} text */
const placesOf = (text) => [...new Set([...text.matchAll(PLACE)].map((found) => Number(found[1])))].sort((one, other) => one - other);

/** As the server fills it: what stands in a place is never read again. @param {string} text @param {string[]} values */
const filled = (text, values) => text.replace(PLACE, (whole, number) => values[Number(number) - 1]?.trim() || whole);

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation, close: () => void}} props */
export function TemplatePanel({ desk, conversation, close }) {
  const own = (desk.store.words.value?.templates ?? []).filter((one) => one.account === conversation.account);
  const spoken = own.find((one) => one.language.split("_")[0] === conversation.language) ?? own[0];
  const [id, setId] = useState(spoken?.id ?? "");
  const [values, setValues] = useState(/** @type {string[]} */ ([]));
  const [client_id, setClientId] = useState(uniqueId());
  const [emergency, setEmergency] = useState(false);
  const chosen = own.find((one) => one.id === id);
  const places = placesOf(chosen?.text ?? "");
  const ready = Boolean(chosen) && places.every((place) => values[place - 1]?.trim());

  const choose = (/** @type {{currentTarget: HTMLSelectElement}} */ event) => (setId(event.currentTarget.value), setValues([]), setClientId(uniqueId()));
  const fill = (/** @type {number} */ place) => (/** @type {{currentTarget: HTMLInputElement}} */ event) => {
    const next = [...values];
    next[place - 1] = event.currentTarget.value;
    (setValues(next), setClientId(uniqueId())); // another text is another message; the same one, pressed twice, is one
  };
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const told = places.map((place) => values[place - 1].trim());
    const answer = await desk.order({ kind: "template", interaction_id: conversation.interaction_id, client_id, template_id: id, values: told, emergency });
    if (answer.ok) close();
  };
  return html`<${Panel} name="template" title=${say("template_title")} close=${close}>
    <form onSubmit=${send} class="transfer template">
      <label><span>${say("template_which")}</span>
        <select data-first value=${id} onChange=${choose}>
          ${own.map((one) => html`<option key=${one.id} value=${one.id}>${`${one.id} · ${one.language}`}</option>`)}
        </select></label>
      ${places.map((place) => html`<label key=${`${id} ${place}`}><span>${say("template_place", { number: place })}</span>
        <input dir="auto" required maxlength="300" autocomplete="off" value=${values[place - 1] ?? ""} onInput=${fill(place)} /></label>`)}
      <div class="template-preview"><span class="hint" id="template-reads">${say("template_reads")}</span>
        <blockquote dir="auto" aria-labelledby="template-reads" aria-live="polite">${filled(chosen?.text ?? "", values)}</blockquote></div>
      ${conversation.unwanted === "opted_out" && html`<label class="emergency"><input type="checkbox" checked=${emergency}
        onChange=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => setEmergency(event.currentTarget.checked)} /> ${say("emergency_send")}</label>`}
      <button type="submit" class="strong" disabled=${!ready}>${say("template_send")}</button>
    </form>
  <//>`;
}
