// sites/override.js - a person says what a site's state is, beside what is observed of it; or takes it back
import { useState } from "preact/hooks";
import { html } from "../shared/html.js";
import { hasWords, say } from "../shared/words.js";
import { useAct } from "./asking.js";
import { Confirm } from "./confirm.js";
import { Would } from "./would.js";

/** @param {{admin: import("../admin/admin.js").Admin, pair: any}} props any: the answer of /api/admin/sites */
export function Override({ admin, pair }) {
  const [site, setSite] = useState(pair.site);
  const [state, setState] = useState("Down");
  const { report, working, look, act } = useAct(admin, { act: "override", site, state });
  const into = (/** @type {(value: string) => void} */ set) => (/** @type {{currentTarget: HTMLSelectElement}} */ event) => set(event.currentTarget.value);
  return html`<div class="share">
      <label><span>${say("override_site")}</span><select value=${site} onChange=${into(setSite)}>
        ${pair.sites.map((/** @type {any} */ each) => html`<option key=${each.site} value=${each.site}>${each.name}</option>`)}</select></label>
      <label><span>${say("override_state")}</span><select value=${state} onChange=${into(setState)}>
        <option value="">${say("state_none")}</option>
        ${pair.states.map((/** @type {string} */ each) => html`<option key=${each} value=${each}>${hasWords(`state_${each}`) ? `${each}: ${say(`state_${each}`)}` : each}</option>`)}</select></label></div>
    <${Would} report=${report} look=${look} />
    <${Confirm} pair=${pair} label="do_override" working=${working} act=${act} />`;
}
