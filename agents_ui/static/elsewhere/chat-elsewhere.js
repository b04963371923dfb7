// elsewhere/chat-elsewhere.js - the way to the other site for a customer: at most a reconnect, in the customer's own words
import { loadWords, say } from "../shared/words.js";
import { openElsewhere } from "./elsewhere.js";

const READ_MS = 60_000;
const OWN_WORDS_MAX = 20; // fewer than a snapshot shows, so that what the other site has is recognised

/**
 * @param {import("../shared/sites.js").Sites} sites
 * @param {ReturnType<typeof import("../chat/store.js").openChat>} chat
 */
export async function openChatElsewhere(sites, chat) {
  await loadWords("elsewhere-chat");
  const told = () => chat.conversation.value?.moved_to === sites.other;
  const elsewhere = openElsewhere({ sites, kind: "chat", ticketPath: "/chat/moving", link: chat.link, quiet: true, told, more: () => ownWords(chat) });
  setTimeout(elsewhere.read, READ_MS);
  return {
    /** How things stand while this page is on its way; empty while it is not. */
    onItsWay() {
      const { why, answer, going } = elsewhere.state.value;
      if (!why) return "";
      return say(going || why === "told" || answer === "yes" ? "moving_going" : "moving_asking");
    },
    /** One sentence after it has arrived. */
    happened() {
      const story = elsewhere.story.value;
      return story ? say("moved_here", { to: story.to }) : "";
    },
  };
}

/**
 * The customer's own last texts in the open conversation, as they would lie in the outbox: the other site may lack some.
 * @param {ReturnType<typeof import("../chat/store.js").openChat>} chat
 * @returns {Record<string, string>}
 */
function ownWords(chat) {
  const { state = "", interaction_id } = chat.conversation.value ?? {};
  if (!interaction_id || !["waiting", "with_agent"].includes(state)) return {};
  const own = [...chat.messages.value.values()].filter((one) => one.from === "you" && one.kind === "text" && one.interaction_id === interaction_id);
  const entries = own.slice(-OWN_WORDS_MAX).reverse().map(({ client_id, text, at_ms }) => ({ client_id, text, at_ms, state: "unsaved" }));
  return Object.fromEntries(entries.map((entry) => [`muster.chat.unsaved ${entry.client_id}`, JSON.stringify(entry)]));
}
