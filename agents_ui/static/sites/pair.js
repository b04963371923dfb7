// sites/pair.js - small questions about the answer of /api/admin/sites
import { say } from "../shared/words.js";

/** @param {any} pair any: the answer @param {string} site */
export const siteOf = (pair, site) => pair.sites.find((/** @type {any} */ each) => each.site === site);

/** @param {any} pair see above */
export const otherOf = (pair) => siteOf(pair, pair.other);

/** Both names, for sentences. @param {any} pair see above */
export const namesOf = (pair) => ({ here: siteOf(pair, pair.site).name, other: otherOf(pair).name });

/** Who it was, as people call them. @param {any} pair see above @param {string} agent_id @param {boolean} [automatic] */
export function whoIs(pair, agent_id, automatic = false) {
  if (automatic) return say("site_by_itself");
  return pair.names[agent_id] ?? (agent_id || say("site_somebody"));
}

/** What a scope of rerouting is called. @param {{kind: string, name: string}} scope */
export const scopeName = ({ kind, name }) => say(`scope_${kind}`, { name });
