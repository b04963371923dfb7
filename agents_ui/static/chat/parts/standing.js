// chat/parts/standing.js - how things stand, in one honest sentence right above the field
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/**
 * @param {object} props
 * @param {ReturnType<typeof import("../store.js").openChat>} props.chat
 * @param {import("@preact/signals").Signal<Awaited<ReturnType<typeof import("../../elsewhere/chat-elsewhere.js").openChatElsewhere>> | null>} props.moving
 */
export function Standing({ chat, moving }) {
  const { tone, text, more } = standing(chat, moving.value?.onItsWay() ?? "");
  const happened = moving.value?.happened() ?? "";
  return html`<div class="standing" data-tone=${tone} role="status" aria-live="polite">
    <span class="standing-mark" aria-hidden="true"></span>
    <p><strong dir="auto">${text}</strong>${more && html` <span>${more}</span>`}</p>
    ${happened && html`<p class="happened"><span aria-hidden="true">✓</span> <span dir="auto">${happened}</span></p>`}
    ${chat.refusal.value && html`<p class="refusal" dir="auto">${chat.refusal.value}</p>`}
  </div>`;
}

/** @param {ReturnType<typeof import("../store.js").openChat>} chat @param {string} onItsWay to the other site */
function standing(chat, onItsWay) {
  const unsaved = chat.unshown.value.some((entry) => entry.state === "unsaved");
  if (onItsWay) return { tone: "trouble", text: onItsWay, more: say(unsaved ? "lost_unsaved" : "lost_more") };
  if (chat.link.value.name === "lost" || (chat.link.value.name === "connecting" && unsaved)) {
    return { tone: "trouble", text: say("lost"), more: say(unsaved ? "lost_unsaved" : "lost_more") };
  }
  const conversation = chat.conversation.value;
  if (chat.link.value.name === "connecting" || conversation === null) {
    return { tone: "quiet", text: say("connecting"), more: "" };
  }
  if (conversation.state === "with_agent") {
    const values = { name: conversation.agent_name };
    return { tone: "good", text: say(values.name ? "with_agent" : "with_somebody", values), more: "" };
  }
  if (conversation.state === "ended") return { tone: "quiet", text: say("ended"), more: say("ended_more") };
  if (conversation.state === "new") return { tone: "quiet", text: say("new"), more: say("new_more") };
  if (conversation.nobody_there) return { tone: "trouble", text: say("nobody"), more: say("nobody_more") };
  return { tone: "waiting", text: say("waiting"), more: say("waiting_more") };
}
