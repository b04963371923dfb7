// desk/parts/customer.js - the person beside the conversation: who that is, what else is open, what was before
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { personOf } from "../names.js";
import { Claims } from "./customer-claims.js";
import { Consent } from "./customer-consent.js";
import { History } from "./customer-history.js";
import { Identities } from "./customer-identities.js";
import { CustomerName } from "./customer-name.js";
import { Others } from "./customer-others.js";
import { SamePerson } from "./customer-same.js";

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function Customer({ desk, conversation }) {
  const person = personOf(desk, conversation);
  return html`<aside class="customer" aria-label=${say("person")}>
    <header><button type="button" class="icon-button back" aria-label=${say("to_talk")}
      onClick=${() => (desk.attention.view.value = "talk")}><span class="turns">‹</span></button>
      <h2>${say("person")}</h2></header>
    ${person
      ? html`<${CustomerName} key=${person.customer_id} desk=${desk} person=${person} />
          <${Identities} desk=${desk} person=${person} />
          <${Claims} desk=${desk} person=${person} />
          <${Others} desk=${desk} person=${person} conversation=${conversation} />
          <${SamePerson} desk=${desk} person=${person} />`
      : html`<p class="hint">${say("person_unknown")}</p>`}
    <${Consent} key=${conversation.interaction_id} desk=${desk} conversation=${conversation} />
    <section class="history" aria-label=${say("history")}>
      <h3>${say("history")}</h3>
      <${History} key=${conversation.customer_id} desk=${desk} customer_id=${conversation.customer_id}
        count=${conversation.earlier} but=${conversation.interaction_id} />
    </section>
  </aside>`;
}
