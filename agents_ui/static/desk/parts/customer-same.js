// desk/parts/customer-same.js - two customers on one desk who turn out to be one person
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { labelOf } from "../names.js";

/** @param {{desk: import("../desk.js").Desk, person: import("../person-types.js").Person}} props */
export function SamePerson({ desk, person }) {
  const [chosen, setChosen] = useState("");
  const others = [...desk.store.customer.value.values()].filter((one) => one.customer_id !== person.customer_id);
  const to_customer_id = others.some((one) => one.customer_id === chosen) ? chosen : "";
  if (!others.length) return null;
  const merge = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const answer = await desk.order({ kind: "merge", customer_id: person.customer_id, to_customer_id });
    if (answer.ok) setChosen("");
  };
  return html`<form class="same-person" onSubmit=${merge}>
    <label><span>${say("same_person")}</span>
      <select value=${to_customer_id} required onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ event) => setChosen(event.currentTarget.value)}>
        <option value="">${say("same_person_choose")}</option>
        ${others.map((one) => html`<option key=${one.customer_id} value=${one.customer_id}>${labelOf(one)}</option>`)}
      </select></label>
    ${to_customer_id && html`<button type="submit" class="strong small">${say("same_person_yes")}</button>`}
  </form>`;
}
