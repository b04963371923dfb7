// admin/parts/people.js - everybody who may sign in: role, whether they may, and a new one-time password
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { Sure } from "../../wall/parts/sure.js";
import { State } from "./state.js";

/** @param {{admin: import("../admin.js").Admin}} props */
export function People({ admin }) {
  const [once, setOnce] = useState(/** @type {any} */ (null)); // any: the answer with a one-time password
  const found = admin.known.people.value;
  if (!found) return html`<p class="hint">${say("asking")}</p>`;
  return html`<section><h2>${say("part_people")}</h2>
    ${once && html`<div class="once" role="alert"><p>${say("once", { name: once.name })}</p><p><code class="password">${once.password}</code></p>
      <p class="hint">${say("once_hint")}</p><button type="button" onClick=${() => setOnce(null)}>${say("once_done")}</button></div>`}
    <div class="scroll"><table><thead><tr>${["person", "role", "state", "acts"].map((head) => html`<th scope="col" key=${head}>${say(`h_${head}`)}</th>`)}</tr></thead>
      <tbody>${found.people.map((/** @type {any} */ one) => html`<${One} key=${one.agent_id} admin=${admin} one=${one} roles=${found.roles} setOnce=${setOnce} />`)}</tbody></table></div>
    <p class="hint">${say("people_hint")}</p></section>`;
}

/** @param {{admin: import("../admin.js").Admin, one: any, roles: string[], setOnce: (once: any) => void}} props any: one of `people` */
function One({ admin, one, roles, setOnce }) {
  const self = one.agent_id === admin.me.value?.agent_id;
  const about = { agent_id: one.agent_id };
  const change = (/** @type {object} */ what, /** @type {string} */ done) => admin.act("/api/admin/people/change", { ...about, ...what }, done);
  const reset = async () => {
    const once = await admin.act("/api/admin/people/password", about);
    if (once) setOnce(once);
  };
  const state = !one.active ? html`<${State} tone="none">${say("inactive")}<//>` : one.sessions
    ? html`<${State} tone="good">${say("signed_in", { count: one.sessions })}<//>` : html`<${State} tone="none">${say("not_signed_in")}<//>`;
  const names = { name: one.name };
  return html`<tr><th scope="row"><bdi>${one.name}</bdi> <small dir="auto">${one.agent_id}</small></th>
    <td><select aria-label=${say("role_of", names)} value=${one.role} disabled=${self || !one.active}
      onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ event) => change({ role: event.currentTarget.value }, say("role_done", names))}>
      ${roles.map((role) => html`<option key=${role} value=${role}>${say(`role_name_${role}`)}</option>`)}</select></td>
    <td>${state}${one.must_change && one.active ? html` <small>${say("must_change")}</small>` : ""}</td>
    <td><div class="acts"><${Sure} label=${say("reset")} question=${say("reset_sure", names)} act=${reset} disabled=${!one.active} />
      ${one.active
        ? html`<${Sure} label=${say("deactivate")} question=${say("deactivate_sure", names)} act=${() => change({ active: false }, say("deactivated", names))} disabled=${self} />`
        : html`<button type="button" onClick=${() => change({ active: true }, say("activated", names))}>${say("activate")}</button>`}</div></td></tr>`;
}
