// wall/parts/said.js - what was said in a contact: fetched when asked, and the look is recorded
import { useState } from "preact/hooks";
import { MessageItem } from "../../desk/parts/message-item.js";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/** @param {{wall: import("../wall.js").Wall, id: string}} props */
export function Said({ wall, id }) {
  const [messages, setMessages] = useState(/** @type {any[] | null} */ (null)); // any: message values, as on a desk
  const look = async () => {
    const answer = await wall.order({ kind: "look", interaction_id: id });
    if (answer.ok) setMessages(answer.value.messages);
  };
  if (!messages) {
    return html`<p class="act"><button type="button" onClick=${look}>${say("look")}</button> <small class="hint">${say("history_recorded")}</small></p>`;
  }
  return html`<ol class="said">${messages.map((message) => html`<${MessageItem} key=${message.message_id} message=${message} dated />`)}</ol>`;
}
