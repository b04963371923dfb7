// wall/parts/agent-panel.js - one agent: what they do and hold, and their presence, for when they left it wrong
import { useState } from "preact/hooks";
import { Panel } from "../../desk/parts/panel.js";
import { UrgencyMark } from "../../desk/parts/urgency-mark.js";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { channelName, queueName, reasonName, shortId } from "../names.js";
import { Since } from "./since.js";
import { Sure } from "./sure.js";

/** @param {{wall: import("../wall.js").Wall, id: string}} props */
export function AgentPanel({ wall, id }) {
  const agent = wall.agents.value.get(id);
  if (!agent) return html`<${Panel} name="agent" title=${id} close=${wall.close}><p>${say("agent_gone")}</p><//>`;
  const presence = agent.available ? say("available") : agent.reason ? reasonName(wall, agent.reason) : say("not_available");
  return html`<${Panel} name="agent" title=${agent.name} close=${wall.close}>
    <p><b>${say(`group_${agent.group}`)}</b> <${Since} at_ms=${agent.since_ms} /></p>
    <p>${presence} · ${agent.desks ? say("desks_open", { count: agent.desks }) : say("no_desk_open")}
      ${agent.grace_until_ms > 0 && html` · ${say("goes_back_in")} <${Since} at_ms=${agent.grace_until_ms} left />`}</p>
    ${agent.holds.length > 0 && html`<ul class="holds">${agent.holds.map((hold) => html`<li key=${hold.interaction_id}>
      <button type="button" onClick=${() => wall.choose("contact", hold.interaction_id)}><${UrgencyMark} urgency=${hold.urgency || 3} size=${18} />
        ${channelName(wall, hold.channel)} · ${queueName(wall, hold.queue_id)} · <bdi>${shortId(hold.interaction_id)}</bdi> · ${say(`group_${hold.activity}`)} <${Since} at_ms=${hold.since_ms} /></button>
    </li>`)}</ul>`}
    <${SetPresence} wall=${wall} agent=${agent} />
  <//>`;
}

/** @param {{wall: import("../wall.js").Wall, agent: import("../types.js").WallAgent}} props */
function SetPresence({ wall, agent }) {
  const reasons = wall.store.words.value?.reasons ?? [];
  const [reason, setReason] = useState(reasons[0]?.id ?? "");
  const [back, setBack] = useState(agent.desks === 0);
  const set = () => {
    const command = { kind: "presence", agent_id: agent.agent_id, available: false, reason, hand_back: back };
    wall.order(command, say("presence_done", { name: agent.name, reason: reasonName(wall, reason) }));
  };
  const question = say(back && agent.holds.length ? "presence_back_sure" : "presence_sure", { name: agent.name, count: agent.holds.length });
  return html`<fieldset class="act"><legend>${say("presence_set")}</legend>
    <label><span>${say("presence_reason")}</span>
      <select value=${reason} onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ event) => setReason(event.currentTarget.value)}>
        ${reasons.map((/** @type {any} */ one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}</select></label>
    <label class="check"><input type="checkbox" checked=${back} onChange=${() => setBack(!back)} /> <span>${say("hand_back")}</span></label>
    <${Sure} label=${say("presence_away")} question=${question} disabled=${!reason} act=${set} />
  </fieldset>`;
}
