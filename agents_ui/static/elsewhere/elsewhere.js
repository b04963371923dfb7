// elsewhere/elsewhere.js - notices that this site is silent, or that its traffic has gone, and goes after it
import { signal } from "@preact/signals";
import { keep, kept } from "../shared/keep.js";
import { gather, HOME_KEY, packed, STORY_KEY } from "./carried.js";
import { openTicket } from "./ticket.js";

const SILENT_MS = 5000; // from the last thing heard; desks hear a beat every 2 s
const NOTICED_MS = 3000; // from the moment it was noticed: chats hear little, and a web process restarts in less
const ASK_MS = 2000;
const ASK_JITTER_MS = 1000;
const GO_JITTER_MS = { silent: 1000, away: 5000, told: 1000 }; // so that a whole room does not arrive in one instant
const ANSWER_WITHIN_MS = 1500;
const LOOK_MS = 250;

/**
 * @typedef {object} Moving
 * @property {"" | "silent" | "away" | "told"} why silent: nothing is heard; away: our traffic is served elsewhere; told: so is this conversation
 * @property {number} since_ms
 * @property {"" | "yes" | "no" | "none"} answer the other site's: it serves us, it does not, it says nothing
 * @property {boolean} holding work at hand keeps this page here
 * @property {boolean} going
 */

/** @type {Moving} */
const STAYS = { why: "", since_ms: 0, answer: "", holding: false, going: false };

/** @typedef {ReturnType<typeof openElsewhere>} Elsewhere */

/**
 * @param {object} options
 * @param {import("../shared/sites.js").Sites} options.sites
 * @param {"desk" | "chat"} options.kind
 * @param {string} options.ticketPath
 * @param {import("@preact/signals").ReadonlySignal<{name: string, since_ms: number}>} options.link
 * @param {boolean} [options.quiet] little is ever heard of the site: silence counts from when it was noticed
 * @param {() => string[] | null} [options.serves] whom this site serves, as it last said
 * @param {() => boolean} [options.told] whether this site said that the page belongs at the other one
 * @param {() => boolean} [options.holds] whether work at hand keeps the page here
 * @param {() => Record<string, string>} [options.more] what else is carried along, see carried.js
 * @param {() => object} [options.presence] what the page last showed of its agent
 */
export function openElsewhere({ sites, kind, ticketPath, link, quiet = false, serves = () => null, told = () => false, holds = () => false, more = () => ({}), presence = () => ({}) }) {
  const home = kept(sessionStorage, HOME_KEY, sites.here);
  const ticket = openTicket(ticketPath);
  const state = signal(STAYS);
  /** @type {import("@preact/signals").Signal<any>} any: see arrive/arrival.js */
  const story = signal(kept(sessionStorage, STORY_KEY, null));
  let ask_ms = 0;
  let go_ms = 0;
  let lost_ms = 0;

  /** Why this page does not belong here now. */
  function reason() {
    const { name, since_ms } = link.value;
    lost_ms = name === "lost" ? lost_ms || Date.now() : 0;
    if (name === "lost") return Date.now() - (quiet ? lost_ms : since_ms) >= (quiet ? NOTICED_MS : SILENT_MS) ? "silent" : "";
    if (name !== "live") return "";
    if (told()) return "told";
    const served = serves();
    return served !== null && !served.includes(home) ? "away" : "";
  }

  function look() {
    if (state.value.going) return;
    const why = reason();
    if (why !== state.value.why) begin(why);
    if (!why) return;
    const holding = why === "away" && holds();
    if (holding !== state.value.holding) state.value = { ...state.value, holding };
    if (Date.now() >= ask_ms) void ask(why);
    if (holding) go_ms = 0;
    else if (state.value.answer === "yes") goSoon(why);
  }

  /** @param {Moving["why"]} why */
  function begin(why) {
    ask_ms = go_ms = 0;
    state.value = why ? { ...STAYS, why, since_ms: why === "silent" ? link.value.since_ms : Date.now() } : STAYS;
  }

  /** @param {Exclude<Moving["why"], "">} why */
  async function ask(why) {
    ask_ms = Date.now() + ANSWER_WITHIN_MS + ASK_MS;
    const answer = await answerOf(why);
    ask_ms = Date.now() + ASK_MS + Math.random() * ASK_JITTER_MS;
    if (state.value.why === why && !state.value.going) state.value = { ...state.value, answer };
  }

  /** @param {Exclude<Moving["why"], "">} why */
  async function answerOf(why) {
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
      const response = await fetch(`${sites.other_url}/api/site`, { credentials: "omit", cache: "no-store", signal });
      const { serves } = await response.json();
      if (why === "told" || serves.includes(home) || (why === "silent" && serves.includes(sites.here))) return "yes";
      return "no";
    } catch {
      return "none"; // silent as well, or not ours to read: the next question comes in a moment
    }
  }

  /** @param {Exclude<Moving["why"], "">} why */
  function goSoon(why) {
    go_ms ||= Date.now() + Math.random() * GO_JITTER_MS[why];
    if (Date.now() >= go_ms) go();
  }

  function go() {
    state.value = { ...state.value, going: true };
    const { pathname, search, hash } = location;
    const page = { path: pathname, search, hash };
    const sent = { ticket: ticket.current(), kind, page, home, silent_ms: state.value.why === "silent" ? state.value.since_ms : 0, carried: gather(kind, more()), ...presence() };
    const referrer = document.createElement("meta"); // the other site goes on by itself when it is we who send
    referrer.name = "referrer";
    referrer.content = "origin";
    document.head.append(referrer);
    location.replace(`${sites.other_url}/arrive#${packed(sent)}`);
  }

  setInterval(look, LOOK_MS);
  return {
    sites,
    state,
    story,
    go,
    read() {
      story.value = null;
      keep(sessionStorage, STORY_KEY, undefined);
    },
  };
}
