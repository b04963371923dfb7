// desk/writing.js - drafts per conversation and replies on their way; kept in this tab, per agent, until saved
import { computed, signal } from "@preact/signals";
import { keep, kept } from "../shared/keep.js";
import { openOutbox } from "../shared/outbox.js";
import { uniqueId } from "../shared/unique.js";
import { say } from "../shared/words.js";

const TYPING_EVERY_MS = 3000;
const AGAIN_AFTER_MS = 2000;
/** Answers that say nothing final about a reply: it is sent again, with the same id, so it cannot double. */
const NOT_FINAL = ["no_answer", "slow", "too_fast", "not_saved"];

/** @typedef {"reply" | "note"} Kind */

/**
 * @param {object} options
 * @param {string} options.agent_id another agent at the same desk never gets, or sends, these words
 * @param {import("./store.js").Store} options.store
 * @param {(command: {kind: string, [field: string]: unknown}, command_id?: string) => Promise<import("../types.js").Answer>} options.ask
 * @param {(message: object) => boolean} options.send
 * @param {(text: string) => void} options.tell
 */
export function openWriting({ agent_id, store, ask, send, tell }) {
  const draftsKey = `muster.desk.drafts.${agent_id}`;
  /** @type {import("@preact/signals").Signal<Record<string, string>>} */
  const drafts = signal(kept(sessionStorage, draftsKey, {}));
  const outbox = openOutbox(sessionStorage, `muster.desk.unsent.${agent_id}`);
  const known = computed(() => new Set([...store.message.value.values()].map((message) => message.client_id)));
  let typing_sent_ms = 0;

  /** A note's draft is never a reply's: what is meant for colleagues must not end up with the customer. */
  const slot = (/** @type {string} */ interaction_id, /** @type {Kind} */ kind) => `${kind} ${interaction_id}`;

  /** @param {string} interaction_id @param {Kind} kind @param {string} text */
  function write(interaction_id, kind, text) {
    const { [slot(interaction_id, kind)]: _, ...others } = drafts.value;
    drafts.value = text ? { ...others, [slot(interaction_id, kind)]: text } : others;
    keep(sessionStorage, draftsKey, drafts.value);
    const now = Date.now();
    if (!text || kind === "note" || now - typing_sent_ms < TYPING_EVERY_MS) return;
    typing_sent_ms = now;
    send({ kind: "typing", interaction_id });
  }

  /** @param {string} interaction_id @param {Kind} kind */
  const draft = (interaction_id, kind) => drafts.value[slot(interaction_id, kind)] ?? "";

  /** @param {import("../shared/outbox.js").Unsent} entry */
  async function deliver({ client_id, interaction_id, kind = "reply", text, emergency }) {
    const answer = await ask({ kind, interaction_id, client_id, text, ...(emergency && { emergency }) }, client_id);
    if (answer.ok) outbox.keptOnDisk(client_id);
    else if (NOT_FINAL.includes(answer.code)) setTimeout(() => deliverAll([client_id]), AGAIN_AFTER_MS);
    else if (answer.code !== "offline") refuse(client_id, interaction_id, answer.text, text);
    outbox.settle(known.value); // offline: again() after the reconnect
  }

  /** In its conversation if that is still here; else as a word about it, or nobody would ever know. */
  function refuse(/** @type {string} */ client_id, interaction_id = "", why = "", text = "") {
    if (store.conversation.value.has(interaction_id)) return outbox.refused(client_id, why);
    outbox.forget(client_id);
    tell(`${say("refused")} ${why} (${text.slice(0, 200)})`);
  }

  /** @param {string[]} [only] */
  function deliverAll(only) {
    const left = outbox.entries.value.filter((entry) => entry.state === "unsaved");
    for (const entry of left) if (!only || only.includes(entry.client_id)) deliver(entry);
  }

  return {
    draft,
    write,
    /** What is written and not shown back yet. */
    unshown: computed(() => outbox.entries.value.filter((entry) => !known.value.has(entry.client_id))),
    /** @param {string} interaction_id @param {Kind} kind @param {boolean} [emergency] also to who wants no messages */
    say(interaction_id, kind, emergency = false) {
      const text = draft(interaction_id, kind).trim();
      if (!text) return;
      const state = /** @type {const} */ ("unsaved");
      const entry = { client_id: uniqueId(), interaction_id, kind, text, at_ms: Date.now(), state, ...(emergency && { emergency }) };
      outbox.add(entry);
      write(interaction_id, kind, "");
      deliver(entry);
    },
    /** @param {import("../shared/outbox.js").Unsent} entry */
    takeBack({ client_id, interaction_id = "", kind = "reply", text }) {
      outbox.forget(client_id);
      write(interaction_id, kind, [text, draft(interaction_id, kind)].filter(Boolean).join("\n"));
    },
    again() {
      outbox.settle(known.value);
      deliverAll();
    },
    clear() {
      outbox.clear();
      keep(sessionStorage, draftsKey, undefined);
    },
  };
}
