// places/way.js - the points one after the other, newest first
import { html } from "../shared/html.js";
import { clockTime } from "../shared/time.js";
import { say } from "../shared/words.js";
import { exactness, sourceOf } from "./point-row.js";

/** @param {{points: import("./types.js").Point[]}} props */
export function Way({ points }) {
  return html`<ol class="place-points" aria-label=${say("place_way")}>
    ${points.map((point) => html`<li key=${point.place_id}>
      <time>${clockTime(point.fix_at_ms)}</time> <bdi dir="ltr">${point.decimal}</bdi>
      <span>${exactness(point)}</span> <small>${sourceOf(point)}</small></li>`)}
  </ol>`;
}
