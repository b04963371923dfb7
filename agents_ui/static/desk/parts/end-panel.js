// desk/parts/end-panel.js - ends the conversation, after one question: the customer sees it at once
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { VOICE } from "../desk.js";
import { Panel } from "./panel.js";

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation, close: () => void}} props */
export function EndPanel({ desk, conversation, close }) {
  const { interaction_id } = conversation;
  // What was there when the agent decided to end it. The server refuses when the customer has said more by now.
  const [seen] = useState(() => desk.attention.byConversation.value.get(interaction_id)?.at(-1)?.seq ?? "");
  const end = () => {
    close();
    desk.order({ kind: "end", interaction_id, seen });
  };
  return html`<${Panel} name="end" title=${say("end_title")} close=${close}>
    <p>${say(conversation.channel === VOICE ? "end_text_call" : "end_text")}</p>
    <div class="row">
      <button type="button" class="strong" data-first onClick=${end}>${say("end_yes")}</button>
      <button type="button" onClick=${close}>${say("end_no")}</button>
    </div>
  <//>`;
}
