// desk/parts/customer-name.js - what this person is called; anybody who talks with them may write it down
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/** @param {{desk: import("../desk.js").Desk, person: import("../person-types.js").Person}} props */
export function CustomerName({ desk, person }) {
  const [name, setName] = useState(/** @type {string | null} */ (null)); // null: nobody is writing one
  const keep = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const answer = await desk.order({ kind: "name_customer", customer_id: person.customer_id, name: name?.trim() ?? "" });
    if (answer.ok) setName(null);
  };
  const escape = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && (event.stopPropagation(), setName(null));
  if (name === null) {
    return html`<p class="person-name"><b dir="auto">${person.name || say("person_no_name")}</b>
      <button type="button" class="small" onClick=${() => setName(person.name)}>${say(person.name ? "person_rename" : "person_name")}</button></p>`;
  }
  return html`<form class="person-name" onSubmit=${keep} onKeyDown=${escape}>
    <input dir="auto" maxlength="200" value=${name} aria-label=${say("person_name_label")} autocomplete="off" ref=${focus}
      onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => setName(event.currentTarget.value)} />
    <button type="submit" class="strong small">${say("keep")}</button>
    <button type="button" class="small" onClick=${() => setName(null)}>${say("leave_it")}</button>
  </form>`;
}

/** @param {HTMLInputElement | null} input */
const focus = (input) => input && !input.dataset.focused && ((input.dataset.focused = "yes"), input.focus());
