// desk/names.js - names the centre's plan gives to ids, and what people are called
import { say } from "../shared/words.js";

/** @param {import("../types.js").Named[] | undefined} list @param {string} id */
export const nameOf = (list, id) => list?.find((named) => named.id === id)?.name ?? id;

/** The language's name in the reader's own. @param {string} language ISO 639-1, or empty */
export function languageName(language) {
  if (!language) return "";
  try {
    return new Intl.DisplayNames([document.documentElement.lang], { type: "language" }).of(language) ?? language;
  } catch {
    return language; // not a language code: better shown than hidden
  }
}

/** @typedef {import("../types.js").Conversation} Conversation */
/** @typedef {import("./person-types.js").Person} Person */

/** The person of a conversation; none where the address is never linked. @param {import("./desk.js").Desk} desk @param {Conversation} conversation */
export const personOf = (desk, conversation) => desk.store.customer.value.get(conversation.customer_id);

/** What else of this person is open. @param {Person} person @param {Conversation} conversation */
export const othersOf = (person, conversation) => person.others.filter((one) => one.interaction_id !== conversation.interaction_id);

/** What to call a person: the name, else an address that is verified, else the signs of the customer. @param {Person} person */
export const labelOf = (person) =>
  person.name || person.identities.find((one) => one.verified && one.address)?.address || say("customer", { label: person.customer_id.slice(0, 4).toUpperCase() });

/** The same of a conversation, whose person may not be known. @param {import("./desk.js").Desk} desk @param {Conversation} conversation */
export function whoIs(desk, conversation) {
  const person = personOf(desk, conversation);
  const known = person?.identities.find((one) => one.verified && one.address)?.address;
  return person?.name || known || say("customer", { label: conversation.customer_label });
}
