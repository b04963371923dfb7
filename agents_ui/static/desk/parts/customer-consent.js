// desk/parts/customer-consent.js - what the customer said about messages to this address; an agent notes what they say
import { html } from "../../shared/html.js";
import { dayAndTime } from "../../shared/time.js";
import { say } from "../../shared/words.js";

const CATEGORIES = ["reply", "service", "bulk"];
const NOT_ASKED = ["chat", "voice", "mail", "partner"]; // no messages of ours go there by themselves

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function Consent({ desk, conversation }) {
  const { interaction_id, account, channel, consent = [] } = conversation;
  if (!account || NOT_ASKED.includes(channel)) return null;
  const change = (/** @type {string} */ category, /** @type {"in" | "out"} */ state) => () => desk.order({ kind: "consent", interaction_id, category, state });
  return html`<details class="consent" open=${consent.some((one) => one.state === "out")}>
    <summary>${say("consent")}</summary>
    <ul>${CATEGORIES.map((category) => {
      const said = consent.find((one) => one.category === category);
      const out = said?.state === "out";
      const state = said ? say(out ? "consent_out" : "consent_in", { time: dayAndTime(said.at_ms) }) : say("consent_unsaid");
      return html`<li key=${category} data-state=${said?.state ?? ""}><b>${say(`consent_${category}`)}</b> <span>${out ? "✕ " : said ? "✓ " : ""}${state}</span>
        <button type="button" class="small" aria-label=${say(out ? "consent_allow_of" : "consent_end_of", { what: say(`consent_${category}`) })}
          onClick=${change(category, out ? "in" : "out")}>${say(out ? "consent_allow" : "consent_end")}</button></li>`;
    })}</ul>
  </details>`;
}
