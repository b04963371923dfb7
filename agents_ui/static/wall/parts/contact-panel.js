// wall/parts/contact-panel.js - one contact: why nobody serves it, and what a supervisor can do about it
import { useEffect, useState } from "preact/hooks";
import { Panel } from "../../desk/parts/panel.js";
import { UrgencyMark } from "../../desk/parts/urgency-mark.js";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { channelName, queueName, shortId } from "../names.js";
import { Explained } from "./explained.js";
import { GiveTo } from "./give-to.js";
import { Listen } from "./listen.js";
import { Said } from "./said.js";
import { Since } from "./since.js";
import { Sure } from "./sure.js";

/** @param {{wall: import("../wall.js").Wall, id: string}} props */
export function ContactPanel({ wall, id }) {
  const [known, setKnown] = useState(/** @type {any} */ (null)); // any: the value of `explain`
  const held = [...wall.agents.value.values()].flatMap((agent) => agent.holds).find((hold) => hold.interaction_id === id);
  const urgent = wall.store.urgent.value.get(id);
  const one = urgent ?? held ?? known;
  const call = wall.calls.value.get(id);
  const ask = async () => {
    const answer = await wall.order({ kind: "explain", interaction_id: id });
    if (answer.ok) setKnown(answer.value);
  };
  useEffect(() => void ask(), [id, urgent?.alone, urgent?.queue_id, urgent?.agent_id]);
  const title = say("contact", { id: shortId(id) });
  if (!one) return html`<${Panel} name="contact" title=${title} close=${wall.close}><p>${say(known === null ? "contact_asking" : "contact_over")}</p><//>`;
  const act = async (/** @type {any} */ command, /** @type {string} */ done) => {
    const answer = await wall.order({ ...command, interaction_id: id }, done);
    if (answer.ok || answer.code === "slow") ask();
  };
  return html`<${Panel} name="contact" title=${title} close=${wall.close}>
    <p class="contact-facts"><${UrgencyMark} urgency=${one.urgency || 1} word=${one.urgency > 0} /> ${one.channel && channelName(wall, one.channel)} · ${queueName(wall, one.queue_id)}
      ${urgent && html` · <${Since} at_ms=${urgent.accepted_at_ms} />`}</p>
    ${call && html`<${Listen} wall=${wall} call=${call} />`}
    <${Explained} wall=${wall} known=${known} />
    <${GiveTo} wall=${wall} known=${known} act=${act} />
    <${UrgencyRow} urgency=${one.urgency} act=${act} />
    ${held && html`<${Sure} label=${say("take_away")} question=${say("take_away_sure")} act=${() => act({ kind: "take_away" }, say("took_away"))} />`}
    <${Said} wall=${wall} id=${id} />
  <//>`;
}

/** @param {{urgency: number, act: (command: any, done: string) => void}} props any: a command without its contact */
function UrgencyRow({ urgency, act }) {
  const set = (/** @type {number} */ to) => () => act({ kind: "urgency", urgency: to }, say("urgency_done", { urgency: say(`urgency_${to}`) }));
  const raised = [1, 2, 3, 4, 5].filter((to) => to < (urgency || 5));
  const lowered = [2, 3, 4, 5].filter((to) => urgency && to > urgency);
  return html`<fieldset class="act"><legend>${say("urgency_now")}</legend>
    <div class="row">${raised.map((to) => html`<button type="button" key=${to} onClick=${set(to)}>
      ${say("raise_to")} <${UrgencyMark} urgency=${to} size=${18} word /></button>`)}</div>
    ${lowered.length > 0 && html`<details class="lower"><summary>${say("lower")}</summary>
      <div class="row">${lowered.map((to) => html`<${Sure} key=${to} label=${say("lower_to", { urgency: say(`urgency_${to}`) })} question=${say("lower_sure")} act=${set(to)} />`)}</div></details>`}
  </fieldset>`;
}
