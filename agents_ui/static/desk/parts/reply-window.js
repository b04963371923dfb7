// desk/parts/reply-window.js - until when the channel takes an answer; when it is over, why, and what else there is
import { html } from "../../shared/html.js";
import { clockTime, dayAndTime, duration, second, serverNow } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { nameOf, personOf } from "../names.js";

const CLOSING_MS = 7_200_000; // two hours: from here on the time left is told, not only the end

/** What is left for an answer; none where the channel sets no end. @param {import("../../types.js").Conversation} conversation */
const left = (conversation) => (conversation.reply_until_ms && second.value ? conversation.reply_until_ms - serverNow() : null);

/** Whether it is too late for an answer. @param {import("../../types.js").Conversation} conversation */
export const isClosed = (conversation) => (left(conversation) ?? 1) <= 0;

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function ReplyWindow({ desk, conversation }) {
  const left_ms = left(conversation);
  if (left_ms === null) return null;
  if (left_ms <= 0) return html`<${Closed} desk=${desk} conversation=${conversation} />`;
  const until = conversation.reply_until_ms;
  const time = new Date(until).toDateString() === new Date().toDateString() ? clockTime(until) : dayAndTime(until);
  if (left_ms > CLOSING_MS) return html`<p class="reply-window">${say("reply_until", { time })}</p>`;
  return html`<p class="reply-window" data-state="closing">${say("reply_closing", { time, left: duration(left_ms) })}</p>`;
}

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
function Closed({ desk, conversation }) {
  const channels = desk.store.words.value?.channels;
  const ways = (personOf(desk, conversation)?.identities ?? [])
    .filter((one) => one.address && (one.channel !== conversation.channel || one.address.startsWith("+")))
    .map((one) => one.address);
  const approved = desk.store.words.value?.templates?.some((one) => one.account === conversation.account);
  return html`<p class="reply-window" data-state="closed" role="status">
    <strong>${say("reply_closed", { channel: nameOf(channels, conversation.channel) })}</strong>
    ${" "}${ways.length ? html`${say("reply_other_ways")} <bdi>${[...new Set(ways)].join(", ")}</bdi>` : say("reply_no_other_way")}${approved && ` ${say("reply_approved")}`}
  </p>`;
}
