// desk/parts/urgency-mark.js - an urgency as shape, number, colour and word: never colour alone
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/** Octagon, triangle, diamond, circle, square: told apart also in black and white. */
const SHAPES = {
  1: "M7 1h10l6 6v10l-6 6H7l-6-6V7z",
  2: "M12 1.5 23.5 22h-23z",
  3: "M12 .5 23.5 12 12 23.5.5 12z",
  4: "M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22z",
  5: "M3 3h18v18H3z",
};

/** @param {{urgency: number, word?: boolean, size?: number}} props */
export function UrgencyMark({ urgency, word = false, size = 24 }) {
  const name = say(`urgency_${urgency}`);
  const shape = SHAPES[/** @type {1 | 2 | 3 | 4 | 5} */ (urgency)] ?? SHAPES[4];
  const label = `${urgency}, ${name}`;
  return html`<span class="urgency" data-urgency=${urgency} title=${word ? undefined : label}>
    <svg viewBox="0 0 24 24" width=${size} height=${size} role="img" aria-label=${label}>
      <path d=${shape} class="urgency-shape" />
      <text x="12" y=${urgency === 2 ? 19.5 : 17} text-anchor="middle" class="urgency-number">${urgency}</text>
    </svg>
    ${word && html`<b>${name}</b>`}
  </span>`;
}
