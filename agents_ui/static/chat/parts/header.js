// chat/parts/header.js - who the customer is talking to, and the way out
import { useRef } from "preact/hooks";
import { html } from "../../shared/html.js";
import { ThemeToggle } from "../../shared/theme-toggle.js";
import { say } from "../../shared/words.js";

/**
 * @param {object} props
 * @param {string} props.site
 * @param {ReturnType<typeof import("../store.js").openChat>} props.chat
 */
export function Header({ site, chat }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const close = () => dialog.current?.close();
  const confirm = () => {
    chat.leave();
    close();
  };
  const state = chat.conversation.value?.state;
  const open = (state === "waiting" || state === "with_agent") && chat.link.value.name === "live";
  return html`<header class="chat-head">
    <h1 dir="auto">${site}</h1>
    <${ThemeToggle} />
    ${open && html`<button type="button" class="quiet" onClick=${() => dialog.current?.showModal()}>${say("leave")}</button>`}
    <dialog ref=${dialog} aria-labelledby="leave-title">
      <h2 id="leave-title">${say("leave_title")}</h2>
      <p>${say("leave_text")}</p>
      <div class="row">
        <button type="button" class="strong" onClick=${close} autofocus>${say("leave_no")}</button>
        <button type="button" onClick=${confirm}>${say("leave_yes")}</button>
      </div>
    </dialog>
  </header>`;
}
