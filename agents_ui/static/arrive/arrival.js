// arrive/arrival.js - hands the ticket in until somebody answers; then everything carried along, and on to the page
import { HOME_KEY, STORY_KEY, unpack } from "../elsewhere/carried.js";
import { ask } from "../shared/ask.js";
import { keep } from "../shared/keep.js";

const AGAIN_MS = 700;
const PAGES = { desk: ["/desk", "/wall", "/admin"], chat: ["/chat"] };
const REFUSED = [401, 404, 422];

/**
 * @typedef {object} Sent
 * @property {"desk" | "chat"} kind
 * @property {string} ticket empty where the site was gone before the page had one
 * @property {{path: string, search: string, hash: string}} page
 * @property {string} home
 * @property {number} silent_ms
 * @property {import("../elsewhere/carried.js").Carried} carried
 * @property {boolean} [available]
 * @property {string} [reason]
 */

/** @param {Sent} sent @param {import("../shared/sites.js").Sites} sites @param {() => void} slow */
export async function arrive(sent, sites, slow) {
  const kind = sent.kind === "chat" ? "chat" : "desk";
  const { available, reason = "", ticket = "" } = sent;
  for (;;) {
    const { status, body } = await ask("/api/arrive", { ticket, reason, ...(typeof available === "boolean" && { available }) });
    if (status === 200) return goOn(kind, sent, sites, body);
    if (REFUSED.includes(status)) return begin(kind, sent);
    slow();
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS * (1 + Math.random())));
  }
}

/** @param {"desk" | "chat"} kind @param {Sent} sent @param {import("../shared/sites.js").Sites} sites @param {any} body any: the answer of POST /api/arrive */
function goOn(kind, sent, sites, body) {
  unpack(kind, sent.carried);
  keep(sessionStorage, HOME_KEY, sent.home === sites.other ? sent.home : undefined);
  const silent_ms = Number(sent.silent_ms) || 0;
  keep(sessionStorage, STORY_KEY, { from: body.from.name, to: body.site.name, why: body.why, since_ms: body.since_ms, silent_ms });
  location.replace(placeOf(kind, sent));
}

/** The session is over, or nobody knows it here: what was written stays, and one signs in again. @param {"desk" | "chat"} kind @param {Sent} sent */
function begin(kind, sent) {
  unpack(kind, sent.carried);
  if (kind === "desk") keep(sessionStorage, "muster.desk.ended", true);
  const place = placeOf(kind, sent);
  location.replace(kind === "desk" ? `/sign-in?next=${place.split(/[?#]/)[0]}` : place);
}

/** Only ever a page of ours. @param {"desk" | "chat"} kind @param {Sent} sent */
function placeOf(kind, { page }) {
  const path = PAGES[kind].includes(page?.path) ? page.path : PAGES[kind][0];
  const search = /^\?lang=[\w-]{2,12}$/.test(page?.search) ? page.search : "";
  const hash = /^#[a-z]{1,20}$/.test(page?.hash) ? page.hash : "";
  return path + search + hash;
}
