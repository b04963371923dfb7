// shared/theme-toggle.js - switches between dark and light; the choice is kept in this browser
import { useState } from "preact/hooks";
import { html } from "./html.js";
import { say } from "./words.js";

const other = () => (document.documentElement.dataset.theme === "dark" ? "light" : "dark");

export function ThemeToggle() {
  const [next, setNext] = useState(other());
  const toggle = () => {
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("muster.theme", next);
    } catch (reason) {
      console.warn("the choice is not kept", reason);
    }
    setNext(other());
  };
  const label = say(next === "dark" ? "theme_dark" : "theme_light");
  return html`<button type="button" class="icon-button" onClick=${toggle} aria-label=${label} title=${label}>
    <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
      <path d="M10 2a8 8 0 1 0 0 16z" fill="currentColor" />
      <circle cx="10" cy="10" r="7.2" fill="none" stroke="currentColor" stroke-width="1.6" />
    </svg>
  </button>`;
}
