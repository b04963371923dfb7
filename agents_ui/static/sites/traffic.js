// sites/traffic.js - the two acts that change who serves whom: take over, give back
import { useState } from "preact/hooks";
import { html } from "../shared/html.js";
import { say } from "../shared/words.js";
import { useAct } from "./asking.js";
import { Confirm, Option } from "./confirm.js";
import { Would } from "./would.js";

/** @param {{admin: import("../admin/admin.js").Admin, pair: any}} props any: the answer of /api/admin/sites */
export function TakeOver({ admin, pair }) {
  const [assigned, setAssigned] = useState(false);
  const [anyway, setAnyway] = useState(false);
  const { report, working, look, act } = useAct(admin, { act: "take-over" });
  const refused = report === null || report === "none" || report.refusals.length > 0;
  const insists = report !== null && report !== "none" && report.refusals.length > 0;
  const send = (/** @type {object} */ said) => act({ ...said, assigned, anyway: insists && anyway });
  return html`<${Would} report=${report} look=${look} />
    <${Confirm} pair=${pair} label="do_takeover" named working=${working || pair.act?.state === "running"} refused=${refused && !(insists && anyway)} act=${send}>
      <${Option} label=${say("opt_assigned")} checked=${assigned} set=${setAssigned} />
      ${insists && html`<${Option} label=${say("opt_anyway")} checked=${anyway} set=${setAnyway} />`}
    <//>`;
}

/** @param {{admin: import("../admin/admin.js").Admin, pair: any}} props see above */
export function Return({ admin, pair }) {
  const { report, working, look, act } = useAct(admin, { act: "return" });
  const refused = report === null || report === "none" || report.refusals.length > 0;
  return html`<${Would} report=${report} look=${look} />
    <${Confirm} pair=${pair} label="do_return" named working=${working || pair.act?.state === "running"} refused=${refused} act=${act} />`;
}
