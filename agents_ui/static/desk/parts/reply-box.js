// desk/parts/reply-box.js - Enter sends, Shift+Enter begins a line; a draft belongs to its conversation
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { VOICE } from "../desk.js";
import { AttachFile, FilesUnderWay } from "./attach-file.js";
import { isUnwanted, ReplyLimits, TemplateButton } from "./reply-limits.js";
import { isClosed, ReplyWindow } from "./reply-window.js";

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function ReplyBox({ desk, conversation }) {
  const id = conversation.interaction_id;
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const spoken = conversation.channel === VOICE; // what is said there is not written: only notes are
  const [kind, setKind] = useState(/** @type {"reply" | "note"} */ (spoken ? "note" : "reply"));
  const [emergency, setEmergency] = useState(false);
  const writing = desk.writing.value;
  const text = writing?.draft(id, kind) ?? "";
  const late = kind === "reply" && (isClosed(conversation) || isUnwanted(conversation, emergency));
  useEffect(() => {
    if (!field.current?.scrollHeight) return; // not shown just now: it has no height to follow
    field.current.style.blockSize = "auto";
    field.current.style.blockSize = `${field.current.scrollHeight}px`;
  }, [text]);
  // The person chose this conversation, so the field is theirs, unless they have the keys elsewhere already: they may
  // write, or have pressed the key of a panel or a button before this was drawn.
  useEffect(() => void (isElsewhere(document.activeElement) || field.current?.focus()), []);

  const send = () => {
    if (late) return; // the words stay: they may be what is said on the telephone
    writing?.say(id, kind, kind === "reply" && emergency);
    setEmergency(false);
    if (!spoken) setKind("reply"); // a note is the exception: what comes next is for the customer again, and says so
    field.current?.focus();
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.altKey) return;
    event.preventDefault();
    if (!event.repeat) send();
  };
  const write = (/** @type {{currentTarget: HTMLTextAreaElement}} */ event) => writing?.write(id, kind, event.currentTarget.value);
  const choose = (/** @type {"reply" | "note"} */ value) => () => {
    setKind(value);
    field.current?.focus();
  };
  const label = say(kind === "note" ? "write_note" : "write_reply");
  return html`<form class="reply" data-kind=${kind} onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), send())}>
    ${!spoken && html`<div class="reply-kind" role="group" aria-label=${say("write_what")}>
      <button type="button" aria-pressed=${kind === "reply"} onClick=${choose("reply")}>${say("to_customer")}</button>
      <button type="button" aria-pressed=${kind === "note"} onClick=${choose("note")}>${say("note")}</button>
      ${kind === "reply" && !late && html`<${AttachFile} desk=${desk} conversation=${conversation} />`}
      <${TemplateButton} desk=${desk} conversation=${conversation} />
    </div>`}
    <${FilesUnderWay} desk=${desk} conversation=${conversation} />
    ${kind === "reply" && html`<${ReplyWindow} desk=${desk} conversation=${conversation} />
      <${ReplyLimits} conversation=${conversation} emergency=${emergency} setEmergency=${setEmergency} />`}
    <textarea ref=${field} rows="2" dir="auto" value=${text} placeholder=${label} aria-label=${label}
      onInput=${write} onKeyDown=${key}></textarea>
    <button type="submit" class="strong" disabled=${late || !text.trim()}>${say("send")} <kbd>↵</kbd></button>
  </form>`;
}

/** @param {Element | null} held what has the keys */
const isElsewhere = (held) => held !== null && held.matches("input, textarea, .panel *, .customer *");
