// desk/parts/panel.js - a small window over the desk that never hides an offer: not modal, Esc closes it
import { useLayoutEffect, useRef } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/** What gets the focus when it opens: what the panel says, else its first control, else its close button. */
const FIRST = ["[data-first]", ":scope > :not(header) :is(input, select, textarea, button)", "button"];

/**
 * @param {object} props
 * @param {string} props.name
 * @param {string} props.title
 * @param {() => void} props.close
 * @param {import("preact").ComponentChildren} props.children
 */
export function Panel({ name, title, close, children }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => { // at once: the next key pressed is meant for the panel
    const before = document.activeElement;
    const first = FIRST.map((what) => box.current?.querySelector(what)).find(Boolean);
    if (first instanceof HTMLElement) first.focus();
    return () => before instanceof HTMLElement && before.isConnected && before.focus();
  }, []);
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  };
  return html`<section class="panel" data-panel=${name} role="dialog" aria-label=${title} ref=${box} onKeyDown=${key}>
    <header><h2>${title}</h2>
      <button type="button" class="icon-button" aria-label=${say("close")} title="Esc" onClick=${close}>×</button></header>
    ${children}
  </section>`;
}
