// desk/parts/offer-card.js - one offer: how urgent, what, since when, why me, how long still; asks, never decides
import { useEffect } from "preact/hooks";
import { html } from "../../shared/html.js";
import { duration, second, serverNow } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { VOICE } from "../desk.js";
import { languageName, nameOf } from "../names.js";
import { Countdown } from "./countdown.js";
import { UrgencyMark } from "./urgency-mark.js";
import { Why } from "./why.js";

/**
 * @param {object} props
 * @param {import("../desk.js").Desk} props.desk
 * @param {ReturnType<typeof import("../arming.js").makeArming>} props.arming
 * @param {import("../../types.js").Offer} props.offer
 * @param {boolean} props.first whether F8 and F9 mean this one
 */
export function OfferCard({ desk, arming, offer, first }) {
  const { offer_id } = offer;
  useEffect(() => {
    arming.shown(offer_id, first);
    return () => arming.gone(offer_id, first);
  }, [offer_id, first]);

  const words = desk.store.words.value;
  const pressed = desk.pressed.value === offer_id;
  const answer = (/** @type {(offer: import("../../types.js").Offer) => void} */ act) => () =>
    arming.armed(offer_id, first) && act(offer);
  const waiting = second.value ? duration(serverNow() - offer.accepted_at_ms) : "";
  return html`<article class="offer" data-urgency=${offer.urgency} data-first=${first}>
    <header>
      <${UrgencyMark} urgency=${offer.urgency} word size=${26} />
      <span class="offer-channel">${nameOf(words?.channels, offer.channel)}</span>
    </header>
    <p class="offer-summary" dir="auto">${offer.summary || say("no_words")}</p>
    <ul class="facts">
      <li>${nameOf(words?.queues, offer.queue_id)}</li>
      <li>${say("waiting_for")} <time>${waiting}</time></li>
      ${offer.language && html`<li>${languageName(offer.language)}</li>`}
      ${offer.returning && html`<li>${say("returning")}</li>`}
      ${offer.follows && html`<li class="flag">${say("follows")}</li>`}
      ${offer.reading === "unparsed" && html`<li class="flag">${say("unparsed")}</li>`}
    </ul>
    ${offer.channel === VOICE && !desk.sound.ready.value && html`<p class="flag">${say("call_unheard")}</p>`}
    <${Why} why=${offer.why} />
    <${Countdown} offer=${offer} running=${desk.live.value} />
    <div class="offer-answer">
      <button type="button" class="accept" disabled=${pressed || !desk.live.value} onClick=${answer(desk.accept)}>
        ${say(pressed ? "pressed" : "accept")} ${first && html`<kbd>F8</kbd>`}</button>
      <button type="button" disabled=${pressed || !desk.live.value} onClick=${answer(desk.decline)}>
        ${say("decline")} ${first && html`<kbd>F9</kbd>`}</button>
    </div>
  </article>`;
}
