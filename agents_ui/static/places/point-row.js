// places/point-row.js - one point in one line: where, how exact, how old, who says so; buttons to copy and to open a map
import { html } from "../shared/html.js";
import { duration, second, serverNow } from "../shared/time.js";
import { say } from "../shared/words.js";
import { copy } from "./copy.js";

const OLD_MS = 300_000; // somebody on foot is a street further after five minutes
const MAP = "https://www.openstreetmap.org/"; // opened by the agent, in a window of its own; nothing here asks it

/**
 * @param {object} props
 * @param {import("../desk/desk.js").Desk} props.desk
 * @param {import("./types.js").Point} props.point
 * @param {string} props.label
 * @param {string} props.mark
 */
export function PointRow({ desk, point, label, mark }) {
  const age_ms = second.value ? Math.max(0, serverNow() - point.fix_at_ms) : 0;
  const taken = async (/** @type {string} */ text) => {
    const done = await copy(text);
    desk.toasts.show(say(done ? "place_copied" : "place_not_copied", { text }), done ? "good" : "alarm");
  };
  const form = (/** @type {string} */ word, /** @type {string} */ text) => html`<button type="button" class="small" title=${text}
    onClick=${() => taken(text)} aria-label=${say("place_copy", { form: say(word) })}>${say(word)}</button>`;
  return html`<div class="place-point" data-old=${age_ms > OLD_MS}>
    <p><b><i aria-hidden="true">${mark}</i> ${label}</b>
      <bdi class="place-where" dir="ltr">${point.decimal}</bdi>
      <span class="place-exact" data-known=${point.radius_m > 0}>${exactness(point)}</span>
      <time>${say("place_age", { time: duration(age_ms) })}</time>
      <span>${sourceOf(point)}</span>
      ${point.floor && html`<span>${say("place_floor", { floor: point.floor })}</span>`}
      ${point.altitude_m !== null && html`<span>${say("place_altitude", { metres: point.altitude_m })}</span>`}
      ${point.words && html`<bdi class="place-words">${point.words}</bdi>`}</p>
    <div class="place-forms" role="group" aria-label=${say("place_forms", { label })}>
      ${form("place_decimal", point.decimal)}${form("place_sixtieths", point.sixtieths)}${form("place_code", point.plus_code)}
      <a class="button small" href=${mapOf(point)} target="_blank" rel="noopener noreferrer" title=${say("place_map_title")}>${say("place_map")} <span aria-hidden="true">↗</span></a>
    </div>
  </div>`;
}

/** @param {import("./types.js").Point} point */
export function exactness({ radius_m, confidence }) {
  if (!radius_m) return say("place_exact_unknown");
  const far = radius_m >= 1000 ? say("kilometres", { count_km: (radius_m / 1000).toFixed(1) }) : say("metres", { count_m: radius_m });
  return say(confidence ? "place_within_sure" : "place_within", { far, percent: confidence });
}

/** @param {import("./types.js").Point} point */
export const sourceOf = ({ source, how }) => [say(`place_by_${source}`), how && say(`place_how_${how}`)].filter(Boolean).join(", ");

/** @param {import("./types.js").Point} point */
function mapOf({ lat_e7, lon_e7 }) {
  const [lat, lon] = [(lat_e7 / 1e7).toFixed(6), (lon_e7 / 1e7).toFixed(6)];
  return `${MAP}?mlat=${lat}&mlon=${lon}#map=17/${lat}/${lon}`;
}
