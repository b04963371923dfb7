// desk/parts/message-list.js - a conversation's messages, oldest first; stays at the end while you are there
import { useEffect, useRef } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { MessageItem, UnsentItem } from "./message-item.js";

const NEAR_END_PX = 80;

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function MessageList({ desk, conversation }) {
  const id = conversation.interaction_id;
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const atEnd = useRef(true);
  const messages = desk.attention.byConversation.value.get(id) ?? [];
  const writing = desk.writing.value;
  const unshown = writing?.unshown.value.filter((entry) => entry.interaction_id === id) ?? [];
  const typing = desk.types(id);
  const channels = desk.store.words.value?.channels;
  useEffect(() => {
    const toEnd = () => box.current && atEnd.current && (box.current.scrollTop = box.current.scrollHeight);
    toEnd();
    const observer = new ResizeObserver(toEnd); // the reply box grows, a panel opens
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, [messages, unshown.length, typing]);

  const scrolled = (/** @type {{currentTarget: HTMLElement}} */ event) => {
    const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
    atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  };
  return html`<div class="messages" ref=${box} onScroll=${scrolled} tabindex="0" aria-label=${say("messages")}>
    <ol role="log" aria-live="polite" aria-label=${say("messages")}>
      ${messages.map((message) => html`<${MessageItem} key=${message.message_id} message=${message} channels=${channels} />`)}
      ${unshown.map((entry) => html`<${UnsentItem} key=${entry.client_id} entry=${entry} takeBack=${writing?.takeBack} />`)}
    </ol>
    ${typing && html`<p class="typing">${say("customer_types")}<i></i><i></i><i></i></p>`}
  </div>`;
}
