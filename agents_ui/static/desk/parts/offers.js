// desk/parts/offers.js - what is offered to me now, first the one that F8 means; never takes the focus
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { OfferCard } from "./offer-card.js";

/**
 * @param {object} props
 * @param {import("../desk.js").Desk} props.desk
 * @param {ReturnType<typeof import("../arming.js").makeArming>} props.arming
 */
export function Offers({ desk, arming }) {
  const offers = desk.offers.value;
  const [first] = offers;
  const urgency = first && say(`urgency_${first.urgency}`);
  // Spoken once: in a live region the waiting time would be read out again every second.
  return html`<p class="unseen" aria-live="assertive">${first && say("offer_spoken", { urgency, summary: first.summary })}</p>
  <section class="offers" aria-label=${say("offers")}>
    ${offers.map((offer, index) => html`<${OfferCard} key=${offer.offer_id} desk=${desk} arming=${arming} offer=${offer} first=${index === 0} />`)}
  </section>`;
}
