// desk/parts/presence.js - whether I take work, since when and why not; one button and a menu of reasons
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { duration, second, serverNow } from "../../shared/time.js";
import { hasWords, say } from "../../shared/words.js";
import { focusOn, panel } from "../keys.js";
import { nameOf } from "../names.js";

const NOT_RESPONDING = "not responding";

/** @param {{desk: import("../desk.js").Desk}} props */
export function Presence({ desk }) {
  const [open, setOpen] = useState(false);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const me = desk.me.value;
  useEffect(() => {
    if (open) focusOn(".presence .menu button");
    const outside = (/** @type {Event} */ event) => !box.current?.contains(/** @type {Node} */ (event.target)) && setOpen(false);
    if (open) addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [open]);
  if (!me) return null;

  const declare = (/** @type {boolean} */ available, reason = "") => {
    setOpen(false);
    box.current?.querySelector("button")?.focus();
    desk.order({ kind: "presence", available, reason });
  };
  const signOut = () => {
    setOpen(false);
    if (desk.store.conversation.value.size) panel.value = "sign-out";
    else desk.signOut();
  };
  const words = desk.store.words.value;
  const name = me.available ? say("available") : reasonName(words?.reasons, me.reason);
  const since = me.presence_since_ms && second.value ? duration(serverNow() - me.presence_since_ms) : "";
  return html`<div class="presence" ref=${box} onKeyDown=${(/** @type {KeyboardEvent} */ event) => walk(event, setOpen)}>
    <button type="button" class="presence-now" data-available=${me.available} aria-haspopup="true" aria-expanded=${open}
      onClick=${() => setOpen(!open)}>
      <span class="presence-mark" aria-hidden="true"></span>
      <span class="presence-name"><b>${name}</b> <time>${since}</time></span>
      <span class="presence-who" dir="auto">${me.name}</span>
    </button>
    ${open && html`<ul class="menu">
      <li><button type="button" onClick=${() => declare(true)} aria-current=${me.available}>${say("available")}</button></li>
      ${words?.reasons.map((reason) => html`<li key=${reason.id}>
        <button type="button" onClick=${() => declare(false, reason.id)} aria-current=${!me.available && me.reason === reason.id}>${reason.name}</button>
      </li>`)}
      <li class="menu-end"><button type="button" onClick=${signOut}>${say("sign_out")}</button></li>
    </ul>`}
    ${me.reason === NOT_RESPONDING && !me.available && html`<div class="not-responding" role="alert">
      <p>${say("not_responding_text")}</p>
      <button type="button" class="strong" onClick=${() => declare(true)}>${say("available_again")}</button>
    </div>`}
  </div>`;
}

/** @param {import("../../types.js").Named[] | undefined} reasons @param {string} reason */
function reasonName(reasons, reason) {
  const own = `reason_${reason.replaceAll(" ", "_")}`; // reasons that Muster gives are in no plan
  if (hasWords(own)) return say(own);
  return reason ? nameOf(reasons, reason) : say("not_available");
}

/** Arrow keys walk through an open menu, Escape closes it. @param {KeyboardEvent} event @param {(open: boolean) => void} setOpen */
function walk(event, setOpen) {
  const box = /** @type {HTMLElement} */ (event.currentTarget);
  const items = [...box.querySelectorAll(".menu button")];
  const at = items.indexOf(/** @type {Element} */ (document.activeElement));
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") {
    setOpen(false);
    box.querySelector("button")?.focus();
  } else if (step && !event.altKey && items.length) {
    event.preventDefault();
    const next = items[(at + step + items.length) % items.length];
    if (next instanceof HTMLElement) next.focus();
  }
}
