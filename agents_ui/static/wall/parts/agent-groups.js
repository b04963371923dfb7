// wall/parts/agent-groups.js - agents by what they do, and since when; who is gone but expected comes first
import { UrgencyMark } from "../../desk/parts/urgency-mark.js";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { channelName, reasonName } from "../names.js";
import { CallMark } from "./call-mark.js";
import { Figure } from "./figure.js";
import { Since } from "./since.js";

const SHAPES = { left: "▲", offered: "◆", engaged: "●", "wrap-up": "◐", idle: "○", away: "▬", absent: "–" };

/** @param {{wall: import("../wall.js").Wall}} props */
export function AgentGroups({ wall }) {
  const site = /** @type {import("../types.js").WallSite} */ (wall.site.value);
  /** @type {Map<string, import("../types.js").WallAgent[]>} */
  const groups = new Map(Object.keys(site.agents).map((group) => [group, []]));
  for (const agent of inOrder(wall)) groups.get(agent.group)?.push(agent);
  return html`<section class="agent-groups" aria-label=${say("agents")}>
    ${[...groups].map(([group, agents]) => agents.length > 0 && html`<${Group} key=${group} wall=${wall} group=${group} agents=${agents} />`)}
  </section>`;
}

/** In the plan's order, so that everybody keeps a place; who is not in it comes after. @param {import("../wall.js").Wall} wall */
function inOrder(wall) {
  const agents = wall.agents.value;
  const planned = (wall.store.words.value?.agents ?? []).map((/** @type {{agent_id: string}} */ { agent_id }) => agents.get(agent_id));
  const known = new Set(planned);
  return [...planned.filter(Boolean), ...[...agents.values()].filter((agent) => !known.has(agent))];
}

/** @param {{wall: import("../wall.js").Wall, group: string, agents: import("../types.js").WallAgent[]}} props */
function Group({ wall, group, agents }) {
  const count = agents.length;
  const head = html`<h2 data-group=${group}><span aria-hidden="true">${SHAPES[/** @type {keyof typeof SHAPES} */ (group)]}</span> ${say(`group_${group}`)}
    <${Figure} explain=${say(`x_group_${group}`, { count })}>${count}<//></h2>`;
  const list = html`<ul>${agents.map((agent) => html`<li key=${agent.agent_id}><${One} wall=${wall} agent=${agent} /></li>`)}</ul>`;
  if (group !== "absent") return html`<section data-group=${group}>${head}${list}</section>`;
  return html`<details data-group=${group}><summary>${say("group_absent")} <b>${count}</b></summary>${list}</details>`;
}

/** @param {{wall: import("../wall.js").Wall, agent: import("../types.js").WallAgent}} props */
function One({ wall, agent }) {
  const why = agent.group === "away" && agent.reason ? reasonName(wall, agent.reason) : agent.group === "left" ? say("desk_left") : "";
  return html`<button type="button" class="agent" data-group=${agent.group} onClick=${() => wall.choose("agent", agent.agent_id)}>
    <b dir="auto">${agent.name}</b> <span class="agent-time"><${Since} at_ms=${agent.since_ms} /></span>
    ${why && html`<span class="agent-why">${why}</span>`}
    ${agent.holds.length > 0 && html`<span class="agent-holds">${agent.holds.map((hold) => html`<span key=${hold.interaction_id} data-activity=${hold.activity}>
      <${UrgencyMark} urgency=${hold.urgency || 3} size=${15} /> ${channelName(wall, hold.channel)} <${CallMark} call=${wall.calls.value.get(hold.interaction_id)} /></span>`)}</span>`}
  </button>`;
}
