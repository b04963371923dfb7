// wall/parts/figure.js - a figure that explains itself: on hover, on focus, and to screen readers
import { signal } from "@preact/signals";
import { html } from "../../shared/html.js";

const MARGIN = 8;

/** What is explained now, and where it is on the screen. @type {import("@preact/signals").Signal<{text: string, box: DOMRect} | null>} */
const told = signal(null);

/**
 * @param {object} props
 * @param {string} props.explain whole sentences: what it counts, since when, how it is defined
 * @param {string} [props.label]
 * @param {string} [props.kind] for the style
 * @param {string} [props.tone] good, waiting or alarm; never without a word or a sign beside it
 * @param {number} [props.stop] tabindex; -1 inside a table that moves the focus itself
 * @param {import("preact").ComponentChildren} props.children
 */
export function Figure({ explain, label = "", kind = "", tone = "", stop = 0, children }) {
  const show = (/** @type {{currentTarget: HTMLElement}} */ event) =>
    (told.value = { text: explain, box: event.currentTarget.getBoundingClientRect() });
  const hide = () => (told.value = null);
  const key = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && hide();
  return html`<span class="figure" data-kind=${kind} data-tone=${tone} tabindex=${stop} role="img" aria-label=${explain}
    onMouseEnter=${show} onMouseLeave=${hide} onFocus=${show} onBlur=${hide} onKeyDown=${key}>
    ${label && html`<small>${label}</small>`}<b>${children}</b>
  </span>`;
}

/** The explanation, beside its figure and inside the screen. The figure's own name says the same to screen readers. */
export function Tip() {
  if (!told.value) return null;
  const { text, box } = told.value;
  const below = box.bottom < innerHeight * 0.7;
  const left = Math.max(MARGIN, Math.min(box.left, innerWidth - Math.min(22 * 16, innerWidth) - MARGIN));
  const place = { left: `${left}px`, ...(below ? { top: `${box.bottom + MARGIN}px` } : { bottom: `${innerHeight - box.top + MARGIN}px` }) };
  return html`<p class="tip" aria-hidden="true" style=${place}>${text}</p>`;
}
