// desk/parts/transfer-panel.js - gives the conversation to a queue or a named agent, with a note for them
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { Panel } from "./panel.js";

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation, close: () => void}} props */
export function TransferPanel({ desk, conversation, close }) {
  const [target, setTarget] = useState("");
  const [note, setNote] = useState("");
  const words = desk.store.words.value;
  const give = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const [where, ...id] = target.split(":");
    const to = where === "queue" ? { to_queue_id: id.join(":") } : { to_agent_id: id.join(":") };
    const { interaction_id } = conversation;
    const answer = await desk.order({ kind: "transfer", interaction_id, ...to, note: note.trim() });
    if (answer.ok) close();
  };
  const others = words?.agents.filter((agent) => agent.agent_id !== desk.me.value?.agent_id) ?? [];
  return html`<${Panel} name="transfer" title=${say("transfer_title")} close=${close}>
    <form onSubmit=${give} class="transfer">
      <label><span>${say("transfer_to")}</span>
        <select value=${target} required onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ event) => setTarget(event.currentTarget.value)}>
          <option value="" disabled>${say("transfer_choose")}</option>
          <optgroup label=${say("transfer_queues")}>
            ${words?.queues.map((queue) => html`<option key=${queue.id} value=${`queue:${queue.id}`}>${queue.name}</option>`)}
          </optgroup>
          <optgroup label=${say("transfer_agents")}>
            ${others.map((agent) => html`<option key=${agent.agent_id} value=${`agent:${agent.agent_id}`}>${agent.name}</option>`)}
          </optgroup>
        </select></label>
      <label><span>${say("transfer_note")}</span>
        <textarea rows="2" dir="auto" value=${note} onInput=${(/** @type {{currentTarget: HTMLTextAreaElement}} */ event) => setNote(event.currentTarget.value)}></textarea></label>
      <p class="hint">${say("transfer_text")}</p>
      <button type="submit" class="strong" disabled=${!target}>${say("transfer_yes")}</button>
    </form>
  <//>`;
}
