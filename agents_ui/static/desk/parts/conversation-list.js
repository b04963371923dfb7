// desk/parts/conversation-list.js - the conversations I hold; what I have not seen yet is counted
import { html } from "../../shared/html.js";
import { duration, second, serverNow } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { VOICE } from "../desk.js";
import { WITH } from "../keys.js";
import { nameOf, whoIs } from "../names.js";
import { UrgencyMark } from "./urgency-mark.js";

/** @param {{desk: import("../desk.js").Desk}} props */
export function ConversationList({ desk }) {
  const conversations = [...desk.store.conversation.value.values()];
  return html`<nav class="conversations" aria-label=${say("conversations")}>
    <h2>${say("conversations")} <small>${conversations.length || ""}</small></h2>
    <ol>
      ${conversations.map((conversation, index) => html`<li key=${conversation.interaction_id}>
        <${Row} desk=${desk} conversation=${conversation} number=${index + 1} />
      </li>`)}
    </ol>
  </nav>`;
}

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation, number: number}} props */
function Row({ desk, conversation, number }) {
  const id = conversation.interaction_id;
  const unread = desk.attention.unread.value.get(id) ?? 0;
  const last = desk.attention.byConversation.value.get(id)?.findLast((message) => message.direction !== "system");
  const answer = desk.attention.byConversation.value.get(id)?.findLast((message) => message.direction === "out");
  const dual = desk.store.dual.value.get(id);
  const draft = desk.writing.value?.draft(id, "reply");
  const waiting = last?.direction === "in" && conversation.channel !== VOICE && second.value ? duration(serverNow() - last.at_ms) : "";
  const typing = desk.types(id);
  const state = conversation.wrap_up_since_ms ? say("in_wrap_up") : waiting ? say("customer_waits", { time: waiting }) : "";
  return html`<button type="button" class="conversation-row" aria-current=${desk.attention.shown.value === id}
    data-unread=${unread > 0} onClick=${() => desk.attention.choose(id)}>
    <${UrgencyMark} urgency=${conversation.urgency} size=${22} />
    <span class="row-name"><b><bdi>${whoIs(desk, conversation)}</bdi></b>
      <small>${nameOf(desk.store.words.value?.channels, conversation.channel)}</small></span>
    ${number <= 9 && html`<kbd aria-label=${`${WITH} ${number}`}>${number}</kbd>`}
    <span class="row-last" dir="auto">${typing ? say("customer_types") : draft ? `✎ ${draft}` : (last?.text || last?.file?.name || "")}</span>
    <span class="row-state">${state}</span>
    ${answer?.status === "failed" && html`<span class="row-failed"><span aria-hidden="true">✕</span> ${say("status_failed")}</span>`}
    ${dual && html`<span class="row-dual"><span aria-hidden="true">⇄</span> ${say("dual_row", { site: dual.other_site })}</span>`}
    ${unread > 0 && html`<span class="unread" aria-label=${say("unread", { count: unread })}>${unread}</span>`}
  </button>`;
}
