// desk/parts/urgency-panel.js - how urgent a person says it is; whether it may be lowered is the server's answer
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { Panel } from "./panel.js";
import { UrgencyMark } from "./urgency-mark.js";

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation, close: () => void}} props */
export function UrgencyPanel({ desk, conversation, close }) {
  const set = (/** @type {number} */ urgency) => () => {
    close();
    if (urgency !== conversation.urgency) desk.order({ kind: "urgency", interaction_id: conversation.interaction_id, urgency });
  };
  return html`<${Panel} name="urgency" title=${say("change_urgency")} close=${close}>
    <ol class="urgencies">
      ${[1, 2, 3, 4, 5].map((urgency) => html`<li key=${urgency}>
        <button type="button" onClick=${set(urgency)} aria-current=${urgency === conversation.urgency}>
          <${UrgencyMark} urgency=${urgency} word size=${24} /><small>${say(`urgency_means_${urgency}`)}</small></button>
      </li>`)}
    </ol>
  <//>`;
}
