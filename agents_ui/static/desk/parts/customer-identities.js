// desk/parts/customer-identities.js - by what this person is known: verified or only claimed, in words and shape
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { dayAndTime } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { nameOf } from "../names.js";
import { ClaimForm } from "./customer-claim-form.js";

/** @param {{desk: import("../desk.js").Desk, person: import("../person-types.js").Person}} props */
export function Identities({ desk, person }) {
  const [claiming, setClaiming] = useState(false);
  const { identities } = person;
  return html`<section class="identities" aria-label=${say("identities")}>
    <ul>
      ${identities.map((one) => html`<${Identity} key=${one.identity_id} desk=${desk} identity=${one} alone=${identities.length < 2} />`)}
    </ul>
    ${claiming
      ? html`<${ClaimForm} desk=${desk} person=${person} close=${() => setClaiming(false)} />`
      : html`<button type="button" class="small" onClick=${() => setClaiming(true)}>${say("claim_add")}</button>`}
  </section>`;
}

/** @param {{desk: import("../desk.js").Desk, identity: import("../person-types.js").Identity, alone: boolean}} props */
function Identity({ desk, identity, alone }) {
  const { identity_id, channel, address, verified, moved } = identity;
  const undo = () => desk.order({ kind: "undo_move", moved_command_id: moved?.command_id });
  const split = () => desk.order({ kind: "split", identity_id });
  return html`<li class="identity" data-verified=${verified}>
    <span class="mark" title=${say(verified ? "verified_means" : "claimed_means")}>
      <i aria-hidden="true">${verified ? "✓" : "?"}</i>${say(verified ? "verified" : "claimed")}</span>
    <span>${nameOf(desk.store.words.value?.channels, channel)}</span>
    <bdi class="address">${address || say(channel === "chat" ? "address_chat" : "address_none")}</bdi>
    ${moved && html`<span class="moved">${say(`moved_${moved.why}`, { name: moved.by_name, time: dayAndTime(moved.at_ms) })}
      <button type="button" class="small" onClick=${undo}>${say("take_it_back")}</button></span>`}
    ${!alone && !moved && html`<button type="button" class="small" title=${say("split_means")} onClick=${split}>${say("split")}</button>`}
  </li>`;
}
