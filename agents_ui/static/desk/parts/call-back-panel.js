// desk/parts/call-back-panel.js - promises the customer a call-back: when, by whom, and about what
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { atTime, inputTime, soon } from "../calling.js";
import { Panel } from "./panel.js";

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation, close: () => void}} props */
export function CallBackPanel({ desk, conversation, close }) {
  const [time, setTime] = useState(inputTime(soon(60)));
  const [target, setTarget] = useState("");
  const [note, setNote] = useState("");
  const words = desk.store.words.value;
  const { interaction_id } = conversation;
  const promise = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const [where, ...id] = target.split(":");
    const to = where === "queue" ? { to_queue_id: id.join(":") } : where === "agent" ? { to_agent_id: id.join(":") } : {};
    const answer = await desk.order({ kind: "call_back", interaction_id, due_at_ms: atTime(time), ...to, note: note.trim() });
    if (answer.ok) (desk.toasts.show(say("call_back_kept"), "good"), close());
  };
  return html`<${Panel} name="call-back" title=${say("call_back_title")} close=${close}>
    <form onSubmit=${promise} class="transfer call-back">
      <div class="soon" role="group" aria-label=${say("call_back_when")}>
        ${[15, 60, 240].map((minutes) => html`<button type="button" key=${minutes} onClick=${() => setTime(inputTime(soon(minutes)))}>${say(`call_back_${minutes}`)}</button>`)}
        <button type="button" onClick=${() => setTime(inputTime(soon(0, 9)))}>${say("call_back_tomorrow")}</button>
      </div>
      <label><span>${say("call_back_when")}</span>
        <input type="datetime-local" required data-first value=${time} onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => setTime(event.currentTarget.value)} /></label>
      <label><span>${say("call_back_by")}</span>
        <select value=${target} onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ event) => setTarget(event.currentTarget.value)}>
          <option value="">${say("call_back_anybody")}</option>
          <option value=${`agent:${desk.me.value?.agent_id}`}>${say("call_back_me")}</option>
          <optgroup label=${say("transfer_queues")}>
            ${words?.queues.map((queue) => html`<option key=${queue.id} value=${`queue:${queue.id}`}>${queue.name}</option>`)}
          </optgroup>
          <optgroup label=${say("transfer_agents")}>
            ${words?.agents.filter((one) => one.agent_id !== desk.me.value?.agent_id).map((one) => html`<option key=${one.agent_id} value=${`agent:${one.agent_id}`}>${one.name}</option>`)}
          </optgroup>
        </select></label>
      <label><span>${say("call_back_note")}</span>
        <textarea rows="2" dir="auto" value=${note} onInput=${(/** @type {{currentTarget: HTMLTextAreaElement}} */ event) => setNote(event.currentTarget.value)}></textarea></label>
      <p class="hint">${say("call_back_text")}</p>
      <button type="submit" class="strong">${say("call_back_yes")}</button>
    </form>
  <//>`;
}
