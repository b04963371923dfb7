// wall/parts/give-to.js - moves a contact to a queue, or gives it to one agent: those who could take it first
import { useRef, useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { agentName, queueName } from "../names.js";

/** @param {{wall: import("../wall.js").Wall, known: any, act: (command: any, done: string) => void}} props any: the value of `explain`; a command without its contact */
export function GiveTo({ wall, known, act }) {
  const [target, setTarget] = useState("");
  const field = useRef(/** @type {HTMLSelectElement | null} */ (null));
  const words = wall.store.words.value;
  const able = known?.groups.find((/** @type {any} */ group) => group.reason === "could")?.agent_ids ?? [];
  const others = (words?.agents ?? []).map((/** @type {{agent_id: string}} */ { agent_id }) => agent_id).filter((/** @type {string} */ id) => !able.includes(id));
  const give = (/** @type {Event} */ event) => {
    event.preventDefault();
    const [where, ...rest] = target.split(":");
    const id = rest.join(":");
    if (where === "queue") act({ kind: "move", to_queue_id: id }, say("moved", { name: queueName(wall, id) }));
    else act({ kind: "assign", to_agent_id: id }, say("assigned", { name: agentName(wall, id) }));
    setTarget("");
    field.current?.focus(); // the button is about to be disabled: the keys must not fall into nothing
  };
  const option = (/** @type {string} */ id) => html`<option key=${id} value=${`agent:${id}`}>${agentName(wall, id)}</option>`;
  return html`<form class="act give" onSubmit=${give}>
    <label><span>${say("give_to")}</span>
      <select ref=${field} value=${target} required onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ event) => setTarget(event.currentTarget.value)}>
        <option value="" disabled>${say("transfer_choose")}</option>
        ${able.length > 0 && html`<optgroup label=${say("agents_able")}>${able.map(option)}</optgroup>`}
        <optgroup label=${say("transfer_queues")}>${words?.queues.map((/** @type {any} */ queue) => html`<option key=${queue.id} value=${`queue:${queue.id}`}>${queue.name}</option>`)}</optgroup>
        <optgroup label=${say("agents_others")}>${others.map(option)}</optgroup>
      </select></label>
    <button type="submit" class="strong" disabled=${!target}>${say("give_yes")}</button>
    <p class="hint">${say("give_text")}</p>
  </form>`;
}
