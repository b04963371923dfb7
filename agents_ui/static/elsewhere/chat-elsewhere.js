// elsewhere/chat-elsewhere.js - the way to the other site for a customer: at most a reconnect, in the customer's own words
import { loadWords, say } from "../shared/words.js";
import { openElsewhere } from "./elsewhere.js";

const READ_MS = 60_000;

/**
 * @param {import("../shared/sites.js").Sites} sites
 * @param {ReturnType<typeof import("../chat/store.js").openChat>} chat
 */
export async function openChatElsewhere(sites, chat) {
  await loadWords("elsewhere-chat");
  const told = () => chat.conversation.value?.moved_to === sites.other;
  const elsewhere = openElsewhere({ sites, kind: "chat", ticketPath: "/chat/moving", link: chat.link, quiet: true, told });
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
