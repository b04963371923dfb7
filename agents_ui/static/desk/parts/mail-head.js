// desk/parts/mail-head.js - above the words of a mail: its subject, whom it claims to be from and who vouches for that
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/**
 * @typedef {object} Mail
 * @property {string} subject
 * @property {string} from_name
 * @property {string} from_address empty where the mail names nobody clearly
 * @property {string} answers_to where answers go, if not there
 * @property {boolean} verified our mail server vouches for the address
 * @property {string} kind person, or what it was made by: unauthentic, automatic, bulk, list, auto-reply, bounce, loop
 * @property {string[]} notes what to know about its reading
 */

/** @param {{mail: Mail | null | undefined}} props */
export function MailHead({ mail }) {
  if (!mail) return null;
  const { subject, from_name, from_address, answers_to, verified, kind, notes } = mail;
  return html`<div class="mail-head">
    <p class="mail-subject"><b dir="auto">${subject || say("mail_no_subject")}</b></p>
    <p>
      <span class="mail-vouched" data-verified=${verified}>${say(verified ? "mail_verified" : "mail_claims")}</span>${" "}
      ${from_name && html`<bdi>${from_name}</bdi> `}<bdi class="mail-address">${from_address || say("mail_no_address")}</bdi>
    </p>
    ${answers_to && html`<p class="hint">${say("mail_answers_to")} <bdi>${answers_to}</bdi></p>`}
    ${kind !== "person" && html`<p class="flag">${say(`mail_kind_${kind}`)}</p>`}
    ${notes.map((note) => html`<p class="hint" key=${note}>${say(`mail_note_${note}`)}</p>`)}
  </div>`;
}
