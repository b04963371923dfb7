// chat/parts/place-button.js - sends where the device is, and says plainly whether that goes on
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/** @param {{place: ReturnType<typeof import("../place.js").openPlace>}} props */
export function PlaceButton({ place }) {
  const busy = ["asking", "sending"].includes(place.state.value);
  if (!place.possible || place.state.value === "on") return null;
  return html`<button type="button" class="attach" disabled=${busy} title=${say("place_send")} aria-label=${say("place_send")} onClick=${place.begin}>
    <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path d="M12 21c-4-5-6-8-6-11a6 6 0 0 1 12 0c0 3-2 6-6 11zM12 12.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z" />
    </svg>
  </button>`;
}

/** @param {{place: ReturnType<typeof import("../place.js").openPlace>}} props */
export function PlaceState({ place }) {
  const state = place.state.value;
  const metres = Math.max(1, place.accuracy_m.value);
  return html`<div class="place-state" data-state=${state} role="status">
    ${state !== "off" && html`<p><span>${say(`place_${state}`, { metres })}</span>
      <button type="button" class="quiet" onClick=${place.stop}>${say(state === "on" ? "place_stop" : "place_close")}</button></p>`}
  </div>`;
}
