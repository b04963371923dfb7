// desk/parts/countdown.js - the time left to answer an offer, as a bar and as seconds
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { serverNow } from "../../shared/time.js";
import { say } from "../../shared/words.js";

const STEP_MS = 200;

/** @param {{offer: import("../../types.js").Offer, running: boolean}} props */
export function Countdown({ offer, running }) {
  const [left_ms, setLeft] = useState(() => offer.deadline_ms - serverNow());
  const whole_ms = useRef(Math.max(left_ms, 1)); // the bar is full when the card appears here
  useEffect(() => {
    if (!running) return undefined; // a clock that runs on a dead connection would be a lie
    const timer = setInterval(() => setLeft(offer.deadline_ms - serverNow()), STEP_MS);
    return () => clearInterval(timer);
  }, [offer.deadline_ms, running]);
  const seconds = Math.max(0, Math.ceil(left_ms / 1000));
  const share = Math.min(1, Math.max(0, left_ms / whole_ms.current));
  return html`<div class="countdown" aria-hidden="true" data-running=${running}>
    <div class="countdown-track"><div class="countdown-bar" style=${{ inlineSize: `${share * 100}%` }}></div></div>
    <span>${say("seconds_left", { count: seconds })}</span>
  </div>`;
}
