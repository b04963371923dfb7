// chat/parts/composer.js - the field to write in; Enter sends where there is a real keyboard
import { useEffect, useRef } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { size } from "./bubble.js";
import { PlaceButton } from "./place-button.js";

const NEAR_LIMIT = 0.9;
const LIMIT_OTHERWISE = 4000; // until the server has said its own

/**
 * @param {object} props
 * @param {ReturnType<typeof import("../store.js").openChat>} props.chat
 * @param {ReturnType<typeof import("../../shared/uploads.js").openUploads>} props.uploads
 */
export function Composer({ chat, uploads }) {
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const text = chat.draft.value;
  const limits = chat.conversation.value?.limits;
  const limit = limits?.characters || LIMIT_OTHERWISE;
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) field.current?.focus(); // on a phone it would hide the notice
  }, []);
  useEffect(() => grow(field.current), [text]);

  const send = () => {
    chat.send();
    field.current?.focus();
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    send();
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    // isComposing: Enter only ends the choice of a character, e.g. in Chinese
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    if (!matchMedia("(hover: hover)").matches) return;
    event.preventDefault();
    send();
  };
  const chosen = (/** @type {{currentTarget: HTMLInputElement}} */ event) => {
    for (const file of event.currentTarget.files ?? []) uploads.add(file, refused(file, limits?.attachment_bytes));
    event.currentTarget.value = "";
  };
  return html`<form class="composer" onSubmit=${submit}>
    <label class="attach" title=${say("attach")}>
      <input type="file" multiple onChange=${chosen} class="unseen" />
      <span class="unseen">${say("attach")}</span>
      <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
        <path d="M8 12.5l6.5-6.5a3 3 0 0 1 4.2 4.2l-8.4 8.4a5 5 0 0 1-7.1-7.1L11 3.7" transform="translate(1 1)" />
      </svg>
    </label>
    <${PlaceButton} place=${chat.place} />
    <textarea ref=${field} rows="1" dir="auto" maxlength=${limit} value=${text} enterkeyhint="send"
      placeholder=${say("placeholder")} aria-label=${say("placeholder")}
      onInput=${(/** @type {{currentTarget: HTMLTextAreaElement}} */ event) => chat.write(event.currentTarget.value)}
      onKeyDown=${key}></textarea>
    <button type="submit" class="send" disabled=${!text.trim()}>${say("send")}</button>
    ${text.length > limit * NEAR_LIMIT && html`<p class="limit" role="status">${say("characters_left", { count: limit - text.length })}</p>`}
  </form>`;
}

/** As high as its text, within what the style sheet allows. @param {HTMLTextAreaElement | null} field */
function grow(field) {
  if (!field) return;
  field.style.blockSize = "auto";
  field.style.blockSize = `${field.scrollHeight}px`;
}

/** @param {File} file @param {number | undefined} limit */
function refused(file, limit) {
  if (file.size === 0) return say("file_empty");
  return limit && file.size > limit ? say("file_too_big", { limit: size(limit) }) : "";
}
