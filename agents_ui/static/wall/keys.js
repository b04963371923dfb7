// wall/keys.js - the wall's keys, in one table: what the page listens to is what the overlay shows
/** Keys shown by the overlay, with the words that explain them. */
export const KEYS = [
  ["U", "key_urgent"],
  ["Q", "key_queues"],
  ["A", "key_agents"],
  ["← ↑ ↓ →", "key_figures"],
  ["B", "key_big"],
  ["M", "key_mute"],
  ["Esc", "key_escape_wall"],
  ["?", "key_keys"],
];

/** @param {import("./wall.js").Wall} wall @returns {() => void} stops listening */
export function listenToKeys(wall) {
  /** @type {Record<string, () => void>} */
  const keys = {
    u: () => focusOn(".urgent-one"),
    q: () => focusOn(".queue-table .figure[tabindex='0']"),
    a: () => focusOn(".agent"),
    b: wall.toggleBig,
    m: wall.sound.toggle,
    escape: wall.close, // also when what had the focus is gone
    "?": () => (wall.chosen.value.what === "keys" ? wall.close() : wall.choose("keys")),
  };
  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    const typing = event.target instanceof Element && event.target.matches("input, textarea, select");
    const act = keys[event.key.toLowerCase()];
    if (!act || typing || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act();
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

/** @param {string} selector */
function focusOn(selector) {
  const found = document.querySelector(selector);
  if (found instanceof HTMLElement) found.focus();
}
