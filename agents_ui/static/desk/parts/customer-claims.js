// desk/parts/customer-claims.js - whom this person claims to be: folded, named as a claim, until an agent has made sure
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { nameOf } from "../names.js";
import { History } from "./customer-history.js";

/** @param {{desk: import("../desk.js").Desk, person: import("../person-types.js").Person}} props */
export function Claims({ desk, person }) {
  return person.claims_to_be.map((known) => html`<${Claim} key=${known.customer_id} desk=${desk} person=${person} known=${known} />`);
}

/** @param {{desk: import("../desk.js").Desk, person: import("../person-types.js").Person, known: import("../person-types.js").Known}} props */
function Claim({ desk, person, known }) {
  const { customer_id, name, channel, address } = known;
  const link = () => desk.order({ kind: "link", customer_id: person.customer_id, to_customer_id: customer_id });
  const where = nameOf(desk.store.words.value?.channels, channel);
  return html`<details class="claims">
    <summary><i aria-hidden="true">?</i> <b>${say("claims_to_be")} <bdi>${name || address}</bdi></b>
      <small>${where} <bdi dir="ltr">${address}</bdi></small></summary>
    <p>${say("claims_warning")}</p>
    <${History} desk=${desk} customer_id=${customer_id} count=${null} but="" />
    <button type="button" class="strong small" onClick=${link}>${say("claims_link")}</button>
  </details>`;
}
