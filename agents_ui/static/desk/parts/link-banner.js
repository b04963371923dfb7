// desk/parts/link-banner.js - says in words, and since when, that what is shown is no longer live
import { html } from "../../shared/html.js";
import { duration, exactTime, second } from "../../shared/time.js";
import { say } from "../../shared/words.js";

/** @param {{link: import("@preact/signals").Signal<import("../../shared/link.js").LinkState>}} props */
export function LinkBanner({ link }) {
  const { name, since_ms } = link.value;
  if (name !== "lost") return null;
  const time = exactTime(since_ms);
  return html`<p class="link-banner" role="alert">
    <span aria-hidden="true">▲</span> <b>${say("link_lost", { time })}</b>
    <span aria-hidden="true"> (${duration(Math.max(second.value, Date.now()) - since_ms)})</span> ${say("link_lost_more")}
  </p>`;
}
