// desk/attention.js - which conversation is looked at, and what in the others has not been seen
import { computed, effect, signal } from "@preact/signals";
import { keep, kept } from "../shared/keep.js";

const KEY = "muster.desk.seen"; // interaction_id → message_id last looked at, so that a reload counts nothing twice

/** @param {import("./store.js").Store} store */
export function openAttention(store) {
  const chosen = signal("");
  const awaited = signal(""); // accepted here, and not there yet: it is shown as soon as it comes
  const visible = signal(document.visibilityState === "visible");
  /** @type {import("@preact/signals").Signal<Record<string, string>>} */
  const seen = signal(kept(sessionStorage, KEY, {}));
  document.addEventListener("visibilitychange", () => (visible.value = document.visibilityState === "visible"));

  const shown = computed(() => {
    const conversations = store.conversation.value;
    if (conversations.has(chosen.value)) return chosen.value;
    return conversations.keys().next().value ?? "";
  });
  const byConversation = computed(() => {
    /** @type {Map<string, import("../types.js").Message[]>} */
    const groups = new Map();
    for (const message of store.message.value.values()) {
      const group = groups.get(message.interaction_id);
      if (group) group.push(message);
      else groups.set(message.interaction_id, [message]);
    }
    return groups;
  });
  const unread = computed(() => {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const [id, messages] of byConversation.value) counts.set(id, countUnread(messages, seen.value[id]));
    return counts;
  });

  effect(() => {
    if (!awaited.value || !store.conversation.value.has(awaited.value)) return;
    chosen.value = awaited.value;
    awaited.value = "";
  });
  effect(() => {
    const id = shown.value;
    const last = byConversation.value.get(id)?.at(-1);
    if (!visible.value || !last || seen.peek()[id] === last.message_id) return;
    const open = Object.entries(seen.peek()).filter(([other]) => store.conversation.peek().has(other));
    seen.value = { ...Object.fromEntries(open), [id]: last.message_id };
    keep(sessionStorage, KEY, seen.value);
  });

  return {
    shown,
    awaited,
    byConversation,
    unread,
    /** @param {string} interaction_id */
    choose: (interaction_id) => (chosen.value = interaction_id),
    /** @param {number} step */
    move(step) {
      const ids = [...store.conversation.value.keys()];
      if (ids.length) chosen.value = ids[(ids.indexOf(shown.value) + step + ids.length) % ids.length];
    },
  };
}

/** Customer's messages after the last one looked at. @param {import("../types.js").Message[]} messages @param {string | undefined} seen_id */
function countUnread(messages, seen_id) {
  const from = messages.findIndex((message) => message.message_id === seen_id) + 1;
  return messages.slice(from).filter((message) => message.direction === "in").length;
}
