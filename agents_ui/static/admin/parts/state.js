// admin/parts/state.js - how something is: a word and a sign, never colour alone
import { html } from "../../shared/html.js";

const SIGNS = { good: "✓", waiting: "◆", alarm: "▲", none: "–" };

/** @param {{tone: "good" | "waiting" | "alarm" | "none", children: import("preact").ComponentChildren}} props */
export function State({ tone, children }) {
  return html`<span class="state" data-tone=${tone}><span aria-hidden="true">${SIGNS[tone]}</span> ${children}</span>`;
}
