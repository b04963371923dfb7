// desk/attention.js - which conversation is looked at, and what in the others has not been seen
import { computed, effect, signal } from "@preact/signals";
import { keep, kept } from "../shared/keep.js";

const KEY = "muster.desk.seen"; // interaction_id → message_id last looked at, so that a reload counts nothing twice

/** @param {import("./store.js").Store} store */
export function openAttention(store) {
  const chosen = signal("");
  const awaited = signal(""); // accepted here, and not there yet: it is shown as soon as it comes
  /** @type {import("@preact/signals").Signal<"list" | "talk" | "customer">} */
  const view = signal("list"); // on a narrow screen only one of the three is shown
  const visible = signal(document.visibilityState === "visible");
  /** @type {import("@preact/signals").Signal<Record<string, string>>} */
  const seen = signal(kept(sessionStorage, KEY, {}));
  document.addEventListener("visibilitychange", () => (visible.value = document.visibilityState === "visible"));

  /** @param {string} interaction_id */
  function choose(interaction_id) {
    chosen.value = interaction_id;
    view.value = "talk";
  }

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
    choose(awaited.value);
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
    view,
    choose,
    awaited,
    byConversation,
    unread,
    /** @param {number} step */
    move(step) {
      const ids = [...store.conversation.value.keys()];
      if (ids.length) choose(ids[(ids.indexOf(shown.value) + step + ids.length) % ids.length]);
    },
  };
}

/** Customer's messages after the last one looked at, or answered. @param {import("../types.js").Message[]} messages @param {string | undefined} seen_id */
function countUnread(messages, seen_id) {
  const looked = messages.findIndex((message) => message.message_id === seen_id);
  const answered = messages.findLastIndex((message) => message.direction === "out");
  const from = Math.max(looked, answered) + 1;
  return messages.slice(from).filter((message) => message.direction === "in").length;
}
