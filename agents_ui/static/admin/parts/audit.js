// admin/parts/audit.js - the record of who did what and looked at whom; searching it is on record as well
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { dayAndTime } from "../../shared/time.js";
import { hasWords, say } from "../../shared/words.js";

const FIELDS = ["person", "customer", "interaction"];

/** @param {{admin: import("../admin.js").Admin}} props */
export function Audit({ admin }) {
  const today = new Intl.DateTimeFormat("en-CA", { timeZone: admin.me.value?.time_zone }).format(new Date());
  const [asked, setAsked] = useState({ from_day: today, to_day: today, person: "", customer: "", interaction: "" });
  const [records, setRecords] = useState(/** @type {any[] | null} */ (null)); // any: the records of the answer
  const [next, setNext] = useState(0);
  const search = async (/** @type {number} */ before_seq) => {
    const found = await admin.act("/api/admin/audit", { ...asked, before_seq });
    if (!found) return;
    setRecords([...(before_seq ? (records ?? []) : []), ...found.records]);
    setNext(found.next);
  };
  const set = (/** @type {string} */ field) => (/** @type {{currentTarget: HTMLInputElement}} */ event) => setAsked({ ...asked, [field]: event.currentTarget.value.trim() });
  const begin = (/** @type {Event} */ event) => (event.preventDefault(), search(0));
  return html`<section><h2>${say("part_audit")}</h2>
    <form class="search" onSubmit=${begin}>
      ${["from_day", "to_day"].map((field) => html`<label key=${field}><span>${say(field)}</span><input type="date" required value=${asked[/** @type {"from_day"} */ (field)]} onInput=${set(field)} /></label>`)}
      ${FIELDS.map((field) => html`<label key=${field}><span>${say(`f_${field}`)}</span><input dir="auto" autocomplete="off" value=${asked[/** @type {"person"} */ (field)]} onInput=${set(field)} placeholder=${say("id")} /></label>`)}
      <button type="submit" class="strong">${say("search")}</button></form>
    <p class="hint">${say("audit_recorded")}</p>
    ${records && html`<p role="status">${say("found", { count: records.length })}</p>
      <div class="scroll"><table class="audit"><thead><tr>${["when", "who", "did", "about"].map((head) => html`<th scope="col" key=${head}>${say(`h_${head}`)}</th>`)}</tr></thead>
        <tbody>${records.map((one) => html`<tr key=${one.seq}><td>${dayAndTime(one.at_ms)} <small>${one.seq}</small></td>
          <td><bdi>${one.name || say("nobody_named")}</bdi></td><td>${did(one)}</td><td><code dir="auto">${one.about || one.ref}</code></td></tr>`)}</tbody></table></div>
      ${next > 0 && html`<p><button type="button" onClick=${() => search(next)}>${say("more")}</button></p>`}`}
  </section>`;
}

/** What somebody did, in words, with the values that go with it. @param {any} one any: a record */
function did({ kind, details }) {
  const key = `did_${kind}${kind === "viewed" && hasWords(`did_viewed_${details.what}`) ? `_${details.what}` : ""}`;
  const values = Object.entries(details).filter(([name]) => !(kind === "viewed" && name === "what"));
  return html`${say(key)} <small dir="auto">${values.map(([name, value]) => `${hasWords(`d_${name}`) ? say(`d_${name}`) : name}: ${typeof value === "boolean" ? say(value ? "yes" : "no") : value}`).join(" · ")}</small>`;
}
