// sites/drill.js - a rehearsal, now
import { html } from "../shared/html.js";
import { useAct } from "./asking.js";
import { Confirm } from "./confirm.js";
import { Would } from "./would.js";

/** @param {{admin: import("../admin/admin.js").Admin, pair: any}} props any: the answer of /api/admin/sites */
export function Drill({ admin, pair }) {
  const { report, working, look, act } = useAct(admin, { act: "drill" });
  return html`<${Would} report=${report} look=${look} />
    <${Confirm} pair=${pair} label="do_drill" working=${working} reasoned=${false} act=${act} />`;
}
