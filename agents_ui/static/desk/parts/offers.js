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
  return html`<section class="offers" aria-live="assertive" aria-label=${say("offers")}>
    ${offers.map((offer, index) => html`<${OfferCard} key=${offer.offer_id} desk=${desk} arming=${arming} offer=${offer} first=${index === 0} />`)}
  </section>`;
}
