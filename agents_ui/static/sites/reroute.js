// sites/reroute.js - a share of something, 0 to 100 in tens, to the other site
import { useState } from "preact/hooks";
import { html } from "../shared/html.js";
import { say } from "../shared/words.js";
import { useAct } from "./asking.js";
import { Confirm } from "./confirm.js";
import { Moved } from "./moved.js";
import { scopeName } from "./pair.js";
import { Would } from "./would.js";

const HALF = 50;

/** @param {{admin: import("../admin/admin.js").Admin, pair: any}} props any: the answer of /api/admin/sites */
export function Reroute({ admin, pair }) {
  const [scope, setScope] = useState("all");
  const [share_pct, setShare] = useState(HALF);
  const { report, working, look, act } = useAct(admin, { act: "reroute", scope, share_pct });
  const choose = (/** @type {{currentTarget: HTMLSelectElement}} */ event) => setScope(event.currentTarget.value);
  const slide = (/** @type {{currentTarget: HTMLInputElement}} */ event) => setShare(Number(event.currentTarget.value));
  const of = say("share_of", { share: share_pct });
  return html`<div class="share">
      <label><span>${say("scope")}</span><select value=${scope} onChange=${choose}>
        ${pair.scopes.map((/** @type {any} */ each) => html`<option key=${each.scope} value=${each.scope}>${scopeName(each)}</option>`)}</select></label>
      <label><span>${say("share")} <b aria-hidden="true">${of}</b></span>
        <input type="range" min="0" max="100" step="10" value=${share_pct} aria-valuetext=${of} onInput=${slide} /></label></div>
    <${Would} report=${report} look=${look} />
    <${Confirm} pair=${pair} label="do_reroute" working=${working} act=${act} />
    <${Moved} admin=${admin} pair=${pair} />`;
}
