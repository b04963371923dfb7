// wall/parts/since.js - a time that grows by itself; alone in its component, so that only its text is drawn anew
import { html } from "../../shared/html.js";
import { duration, second, serverNow } from "../../shared/time.js";

/** @param {{at_ms: number, left?: boolean}} props left: the time until then instead */
export function Since({ at_ms, left = false }) {
  if (!at_ms || !second.value) return null;
  return html`<time>${duration(left ? at_ms - serverNow() : serverNow() - at_ms)}</time>`;
}
