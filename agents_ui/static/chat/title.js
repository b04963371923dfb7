// chat/title.js - a mark in the window's title when somebody has answered while the customer looks elsewhere
import { effect } from "@preact/signals";

/**
 * @param {ReturnType<typeof import("./store.js").openChat>} chat
 * @param {string} title
 */
export function markTitle(chat, title) {
  let seen = 0; // answers that were on the screen, or were there when the page opened
  let opened = false;

  function look() {
    const answers = [...chat.messages.value.values()].filter((message) => message.from === "agent").length;
    if (document.visibilityState === "visible" || !opened) seen = answers;
    opened ||= chat.conversation.value !== null;
    document.title = answers > seen ? `● ${title}` : title;
  }

  effect(look);
  document.addEventListener("visibilitychange", look);
}
