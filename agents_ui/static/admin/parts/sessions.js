// admin/parts/sessions.js - who is signed in, since when; ends one session, or all of a person
import { html } from "../../shared/html.js";
import { dayAndTime } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { Sure } from "../../wall/parts/sure.js";

/** @param {{admin: import("../admin.js").Admin}} props */
export function Sessions({ admin }) {
  const found = admin.known.sessions.value;
  if (!found) return html`<p class="hint">${say("asking")}</p>`;
  const end = (/** @type {object} */ which) => () => admin.act("/api/admin/sessions/end", which, say("session_done"));
  return html`<section><h2>${say("part_sessions")}</h2>
    <div class="scroll"><table><thead><tr>${["person", "role", "begun", "ends", "acts"].map((head) => html`<th scope="col" key=${head}>${say(`h_${head}`)}</th>`)}</tr></thead>
      <tbody>${found.sessions.map((/** @type {any} */ one) => html`<tr key=${one.session}>
        <th scope="row"><bdi>${one.name}</bdi> <small dir="auto">${one.agent_id}</small> ${one.own && html`<small>${say("own_session")}</small>`}</th>
        <td>${say(`role_name_${one.role}`)}</td><td>${dayAndTime(one.begun_at_ms)}</td><td>${dayAndTime(one.expires_at_ms)}</td>
        <td><div class="acts"><${Sure} label=${say("end_session")} question=${say("end_sure", { name: one.name })} act=${end({ session: one.session })} />
          <${Sure} label=${say("end_all")} question=${say("end_all_sure", { name: one.name })} act=${end({ agent_id: one.agent_id })} /></div></td></tr>`)}</tbody></table></div></section>`;
}
