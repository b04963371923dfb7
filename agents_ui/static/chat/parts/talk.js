// chat/parts/talk.js - the centre's notice first, then every message; new ones are scrolled to and read out
import { useEffect, useRef } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { Bubble, UnsavedBubble } from "./bubble.js";
import { UploadRow } from "./upload-row.js";

const NEAR_END_PX = 120;

/**
 * @param {object} props
 * @param {ReturnType<typeof import("../store.js").openChat>} props.chat
 * @param {ReturnType<typeof import("../../shared/uploads.js").openUploads>} props.uploads
 * @param {string} props.notice
 */
export function Talk({ chat, uploads, notice }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const atEnd = useRef(true);
  const messages = [...chat.messages.value.values()];
  const unshown = chat.unshown.value;
  const count = messages.length + unshown.length + uploads.uploads.value.length;
  const typing = chat.agentTyping.value && chat.link.value.name === "live";

  useEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [count, typing]);
  useEffect(() => {
    const last = messages.findLast((message) => message.from === "agent");
    if (last && document.visibilityState === "visible") chat.seen(last.message_id);
  }, [count]);
  useEffect(() => { // the keyboard of a phone makes the box smaller: stay at the end
    const observer = new ResizeObserver(() => atEnd.current && box.current && (box.current.scrollTop = box.current.scrollHeight));
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);

  const scrolled = (/** @type {{currentTarget: HTMLElement}} */ event) => {
    const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
    atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  };
  return html`<main class="talk" ref=${box} onScroll=${scrolled} tabindex="0" aria-label=${say("talk")}>
    ${notice && html`<p class="notice" dir="auto"><span aria-hidden="true">!</span>${notice}</p>`}
    <ol role="log" aria-live="polite" aria-label=${say("talk")}>
      ${messages.map((message) => html`<${Bubble} key=${message.message_id} message=${message} />`)}
      ${unshown.map((entry) => html`<${UnsavedBubble} key=${entry.client_id} entry=${entry} takeBack=${chat.takeBack} />`)}
      ${uploads.uploads.value.map((upload) => html`<${UploadRow} key=${upload.client_id} upload=${upload} uploads=${uploads} />`)}
    </ol>
    ${typing && html`<p class="typing" role="status">${say("typing")}<i></i><i></i><i></i></p>`}
  </main>`;
}
