// chat/store.js - what the customer's page knows: the conversation, its messages, and what is not yet saved
import { computed, signal } from "@preact/signals";
import { keep, kept } from "../shared/keep.js";
import { openLink } from "../shared/link.js";
import { openOutbox } from "../shared/outbox.js";
import { uniqueId } from "../shared/unique.js";
import { hasWords, say } from "../shared/words.js";
import { openPlace } from "./place.js";

/** @typedef {import("../types.js").ChatConversation} ChatConversation */
/** @typedef {import("../types.js").ChatMessage} ChatMessage */

const OUTBOX_KEY = "muster.chat.unsaved";
const DRAFT_KEY = "muster.chat.draft";
const SAVED_WITHIN_MS = 6000; // a message not confirmed by then: the connection is not to be trusted
const AGAIN_AFTER_MS = 2000;
/** Refusals that pass by themselves: the page tries again instead of asking somebody afraid to do so. */
const NOT_FINAL = ["slow_down", "not_kept"];
const SILENT_MS = 40_000; // phones sleep and change networks: a beat may be late, a dead connection may not look live
const TYPING_SHOWN_MS = 5000;
const TYPING_EVERY_MS = 3000;
const RENEW_FROM_ATTEMPT = 2; // after two failed tries, the session cookie may be what is missing

export function openChat() {
  /** @type {import("@preact/signals").Signal<ChatConversation | null>} */
  const conversation = signal(null);
  /** @type {import("@preact/signals").Signal<Map<string, ChatMessage>>} */
  const messages = signal(new Map());
  const refusal = signal("");
  const agentTyping = signal(false);
  const draft = signal(kept(sessionStorage, DRAFT_KEY, ""));
  const outbox = openOutbox(localStorage, OUTBOX_KEY);
  let typing_sent_ms = 0;
  let typing_timer = 0;
  let seen_id = "";

  const known = computed(() => new Set([...messages.value.values()].map((message) => message.client_id)));
  /** What is written here and not shown back yet, so that nothing is on the page twice. */
  const unshown = computed(() => outbox.entries.value.filter((entry) => !known.value.has(entry.client_id)));

  const link = openLink({
    path: "/chat/socket",
    silentMs: SILENT_MS,
    beats: false,
    prepare: async (attempt) => {
      if (attempt >= RENEW_FROM_ATTEMPT) await fetch("/chat", { credentials: "same-origin" });
      return null;
    },
    receive,
    isFinal: () => false, // somebody who needs help never gets "never again"
  });

  const place = openPlace(link.send);

  /** @param {any} message any: one of the messages of docs/architecture.md section 6.1 */
  function receive(message) {
    if (message.kind === "snapshot") startAfresh(message);
    else if (message.kind === "change") message.puts.forEach(put);
    else if (message.kind === "kept") (outbox.keptOnDisk(message.client_id), place.kept(message.client_id));
    else if (message.kind === "refused") refuse(message);
    else if (message.kind === "typing") showTyping(TYPING_SHOWN_MS);
    outbox.settle(known.value);
  }

  /** @param {{conversation: ChatConversation, messages: ChatMessage[]}} snapshot */
  function startAfresh(snapshot) {
    conversation.value = snapshot.conversation;
    messages.value = new Map(snapshot.messages.map((message) => [message.message_id, message]));
    outbox.settle(known.value);
    outbox.entries.value.filter((entry) => entry.state === "unsaved").forEach(deliver);
    place.again();
  }

  /** @param {{what: string, value: any}} change any: told apart by `what` */
  function put({ what, value }) {
    if (what === "conversation") conversation.value = value;
    if (what === "conversation" && value.state === "ended" && place.state.value === "on") place.stop();
    if (what !== "message") return;
    messages.value = new Map(messages.value).set(value.message_id, value);
    if (value.from === "agent") showTyping(0);
  }

  /** @param {{client_id: string | null, code: string, text: string}} message */
  function refuse({ client_id, code, text }) {
    if (client_id) place.refused(client_id);
    const entry = outbox.entries.value.find((one) => one.client_id === client_id);
    const limit = conversation.value?.limits.characters ?? 0;
    const why = hasWords(`code_${code}`) ? say(`code_${code}`, { limit }) : text;
    if (entry && NOT_FINAL.includes(code)) setTimeout(() => deliver(entry), AGAIN_AFTER_MS);
    else if (client_id) outbox.refused(client_id, why);
    else refusal.value = why;
  }

  /** @param {number} ms how long the sign stays; 0 takes it away */
  function showTyping(ms) {
    clearTimeout(typing_timer);
    agentTyping.value = ms > 0;
    if (ms) typing_timer = setTimeout(() => (agentTyping.value = false), ms);
  }

  /** @param {{client_id: string, text: string}} entry */
  function deliver({ client_id, text }) {
    if (link.send({ kind: "say", client_id, text })) link.expect(SAVED_WITHIN_MS);
  }

  /** @param {string} text */
  function write(text) {
    draft.value = text;
    keep(sessionStorage, DRAFT_KEY, text || undefined);
    const now = Date.now();
    if (!text || now - typing_sent_ms < TYPING_EVERY_MS) return;
    typing_sent_ms = now;
    link.send({ kind: "typing" });
  }

  return {
    conversation,
    messages,
    unshown,
    refusal,
    agentTyping,
    draft,
    write,
    link: link.state,
    place,
    /** Keep first, send second: whatever happens to the connection, the words are on this device. */
    send() {
      const text = draft.value.trim();
      if (!text) return;
      const entry = { client_id: uniqueId(), text, at_ms: Date.now(), state: /** @type {const} */ ("unsaved") };
      outbox.add(entry);
      refusal.value = "";
      write("");
      deliver(entry);
    },
    /** A refused message goes back into the field, to be changed. @param {import("../shared/outbox.js").Unsent} entry */
    takeBack(entry) {
      outbox.forget(entry.client_id);
      write([entry.text, draft.value].filter(Boolean).join("\n"));
    },
    /** @param {string} message_id the last message on the screen */
    seen(message_id) {
      if (message_id !== seen_id && link.send({ kind: "seen", message_id })) seen_id = message_id;
    },
    leave: () => link.send({ kind: "leave" }),
  };
}
