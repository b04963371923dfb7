// desk/parts/customer-claim-form.js - notes a number or mail address that the customer says is theirs
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/** @param {{desk: import("../desk.js").Desk, person: import("../person-types.js").Person, close: () => void}} props */
export function ClaimForm({ desk, person, close }) {
  const [address, setAddress] = useState("");
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useLayoutEffect(() => input.current?.focus(), []);
  const claim = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const address_kind = address.includes("@") ? "mail" : "phone";
    const answer = await desk.order({ kind: "claim", customer_id: person.customer_id, address_kind, address: address.trim() });
    if (answer.ok) close();
  };
  const escape = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && (event.stopPropagation(), close());
  return html`<form class="claim-form" onSubmit=${claim} onKeyDown=${escape}>
    <label><span>${say("claim_label")}</span>
      <input dir="ltr" required maxlength="320" value=${address} ref=${input} autocomplete="off" placeholder="+31 6 1234 5678"
        onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => setAddress(event.currentTarget.value)} /></label>
    <p class="hint">${say("claim_text")}</p>
    <button type="submit" class="strong small">${say("keep")}</button>
    <button type="button" class="small" onClick=${close}>${say("leave_it")}</button>
  </form>`;
}
