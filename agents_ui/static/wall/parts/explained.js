// wall/parts/explained.js - why nobody serves it: what it asks for, who could, and what keeps the others
import { nameOf } from "../../desk/names.js";
import { html } from "../../shared/html.js";
import { clockTime } from "../../shared/time.js";
import { hasWords, say } from "../../shared/words.js";
import { agentName } from "../names.js";

/** @param {{wall: import("../wall.js").Wall, known: any}} props any: the value of `explain` */
export function Explained({ wall, known }) {
  if (!known) return html`<p class="hint">${say("contact_asking")}</p>`;
  const able = known.groups.find((/** @type {any} */ group) => group.reason === "could");
  const name = known.agent_id ? agentName(wall, known.agent_id) : "";
  return html`<section class="explained">
    <p><b>${say(able ? "why_able" : "why_nobody", { count: able?.count ?? 0 })}</b> ${say(`state_${known.state}`, { name })}</p>
    <p class="hint">${say("asks")} ${known.asks.map((/** @type {any} */ need) => asked(wall, need)).join(` ${say("or")} `)}</p>
    <dl>${known.groups.map((/** @type {any} */ group) => html`<div key=${group.reason}><dt>${say(`for_${group.reason}`, { count: group.count })}</dt>
      <dd dir="auto">${group.agent_ids.map((/** @type {string} */ id) => agentName(wall, id)).join(", ")}${group.count > group.agent_ids.length ? " …" : ""}</dd></div>`)}</dl>
    ${known.tried.length > 0 && html`<p class="hint">${say("tried")} ${known.tried
      .map((/** @type {any} */ offer) => `${agentName(wall, offer.agent_id)} ${clockTime(offer.offered_at_ms)} ${outcome(offer.outcome)}`).join("; ")}</p>`}
  </section>`;
}

/** @param {string} code */
const outcome = (code) => (hasWords(`outcome_${code}`) ? say(`outcome_${code}`) : code);

/** One way to meet what is asked. @param {import("../wall.js").Wall} wall @param {any} need any: one of `asks` */
function asked(wall, need) {
  const skills = wall.store.words.value?.skills ?? [];
  const named = (/** @type {[string, number]} */ [skill, level]) => `${nameOf(skills, skill)} ${level}`;
  const parts = need.all.map(named);
  for (const group of need.one_of) parts.push(group.map(named).join(` ${say("or")} `));
  for (const skill of need.none) parts.push(say("not_skill", { name: nameOf(skills, skill) }));
  return parts.join(", ") || say("asks_nothing");
}
