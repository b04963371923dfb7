// desk/parts/dual-here.js - over the messages: an agent of the other site answered this conversation as well
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function DualHere({ desk, conversation }) {
  const dual = desk.store.dual.value.get(conversation.interaction_id);
  if (!dual) return null;
  return html`<div class="also"><p class="dual-here" role="status"><i aria-hidden="true">⇄</i>
    ${say("dual_here", { name: dual.other_name, site: dual.other_site })}</p></div>`;
}
