// sites/hand-over.js - everything that waits here, and everything new, to the other site; and no more
import { html } from "../shared/html.js";
import { useAct } from "./asking.js";
import { Confirm } from "./confirm.js";
import { Moved } from "./moved.js";
import { Would } from "./would.js";

/** @param {{admin: import("../admin/admin.js").Admin, pair: any}} props any: the answer of /api/admin/sites */
export function HandOver({ admin, pair }) {
  const { report, working, look, act } = useAct(admin, { act: "reroute", scope: "all", share_pct: 100 });
  return html`<${Would} report=${report} look=${look} />
    <${Confirm} pair=${pair} label="do_handover" working=${working} act=${act} />
    <${Moved} admin=${admin} pair=${pair} />`;
}
