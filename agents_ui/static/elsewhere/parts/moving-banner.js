// elsewhere/parts/moving-banner.js - one sentence about both sites: what is lost, what is asked, or what happened
import { LinkBanner } from "../../desk/parts/link-banner.js";
import { html } from "../../shared/html.js";
import { clockTime, duration, exactTime, second } from "../../shared/time.js";
import { say } from "../../shared/words.js";

/**
 * @param {object} props
 * @param {import("../elsewhere.js").Elsewhere} props.elsewhere
 * @param {import("@preact/signals").Signal<import("../../shared/link.js").LinkState>} [props.link]
 * @param {number} [props.count] conversations at this desk
 */
export function MovingBanner({ elsewhere, link, count = -1 }) {
  const { why } = elsewhere.state.value;
  if (why === "silent") return html`<${Silent} elsewhere=${elsewhere} />`;
  if (link?.value.name === "lost") return html`<${LinkBanner} link=${link} />`;
  if (why) return html`<${Away} elsewhere=${elsewhere} />`;
  return elsewhere.story.value && html`<${Story} elsewhere=${elsewhere} count=${count} />`;
}

/** @param {{elsewhere: import("../elsewhere.js").Elsewhere}} props */
function Silent({ elsewhere }) {
  const { since_ms, answer, going } = elsewhere.state.value;
  const { here_name: here, other_name: other } = elsewhere.sites;
  const more = going ? "moving_going" : { "": "moving_asking", yes: "moving_going", no: "moving_not_yet", none: "moving_none" }[answer];
  return html`<p class="link-banner" role="alert">
    <span aria-hidden="true">▲</span> <b>${say("moving_silent", { here, time: exactTime(since_ms) })}</b>
    <span aria-hidden="true"> (${duration(Math.max(second.value, Date.now()) - since_ms)})</span> ${say(more, { here, other })}
  </p>`;
}

/** @param {{elsewhere: import("../elsewhere.js").Elsewhere}} props */
function Away({ elsewhere }) {
  const { answer, holding, going } = elsewhere.state.value;
  const { here_name: here, other_name: other } = elsewhere.sites;
  const more = going || (answer === "yes" && !holding) ? "moving_going" : answer === "none" ? "moving_none" : holding ? "moving_holding" : "moving_asking";
  return html`<div class="link-banner moving-away" role="alert">
    <p><span aria-hidden="true">▲</span> <b>${say("moving_away", { other })}</b> ${say(more, { here, other })}</p>
    ${holding && answer === "yes" && !going && html`<button type="button" onClick=${elsewhere.go}>${say("moving_go_now", { other })}</button>`}
  </div>`;
}

/** @param {{elsewhere: import("../elsewhere.js").Elsewhere, count: number}} props */
function Story({ elsewhere, count }) {
  const { from, to, why, since_ms, silent_ms } = elsewhere.story.value;
  const happened = silent_ms ? "moved_silent" : `moved_${why || "take_over"}`;
  const values = { from, to, silent: silent_ms ? exactTime(silent_ms) : "", since: since_ms ? clockTime(since_ms) : "" };
  return html`<div class="moved-story" role="status">
    <p><span aria-hidden="true">✓</span> ${say(happened, values)} <b>${say("moved_here", { to })}</b>
      ${count >= 0 && html` ${say(count ? "moved_work" : "moved_no_work", { count })}`}</p>
    <button type="button" class="quiet" onClick=${elsewhere.read}>${say("moved_read")}</button>
  </div>`;
}
