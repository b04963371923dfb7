// desk/desk.js - puts the desk together: feed, writing, attention, sound; and what an agent can do, by name
import { batch, computed, effect, signal } from "@preact/signals";
import { ask as request } from "../shared/ask.js";
import { keep } from "../shared/keep.js";
import { second } from "../shared/time.js";
import { openUploads } from "../shared/uploads.js";
import { say } from "../shared/words.js";
import { openAttention } from "./attention.js";
import { openFeed } from "./feed.js";
import { openSound } from "./sound.js";
import { openToasts } from "./toasts.js";
import { openWriting } from "./writing.js";

/** The channel of calls: those who answer need a microphone. */
export const VOICE = "voice";

const TYPING_SHOWN_MS = 5000;
const CALL_KEY = "muster.desk.call"; // the call that this window took, so that a reload comes back to it

/** @typedef {ReturnType<typeof openDesk>} Desk */

/** @param {() => void} leave goes to the sign-in page */
export function openDesk(leave) {
  const toasts = openToasts();
  const sound = openSound();
  /** @type {import("@preact/signals").Signal<ReturnType<typeof openWriting> | null>} */
  const writing = signal(null);
  /** @type {import("@preact/signals").Signal<Record<string, {until_ms: number, after: string}>>} */
  const typing = signal({});
  /** @type {import("@preact/signals").Signal<import("../call/desk-calls.js").Calls | null>} */
  const calls = signal(null); // loaded where there are any
  /** @type {import("@preact/signals").Signal<typeof import("../call/desk-parts.js") | null>} */
  const callParts = signal(null);
  const pressed = signal(""); // the offer whose answer is under way, so that it looks pressed
  const feed = openFeed({
    signedOut() {
      keep(sessionStorage, "muster.desk.ended", true); // the sign-in page says so
      leave();
    },
    fresh,
    typing: ({ interaction_id }) => showTyping(interaction_id),
  });
  const { store, link, ask } = feed;
  const attention = openAttention(store);
  const me = computed(() => store.me.value.values().next().value ?? null);
  const files = openUploads(({ client_id, file, interaction_id = "" }) =>
    `/api/attachment?${new URLSearchParams({ of: interaction_id, client_id, name: file.name })}`);
  const live = computed(() => link.state.value.name === "live");
  const offers = computed(() => [...store.offer.value.values()]);

  /** @param {{first: boolean}} snapshot */
  function fresh({ first }) {
    const agent_id = me.value?.agent_id ?? "";
    const tell = (/** @type {string} */ text) => toasts.show(text, "alarm");
    writing.value ??= openWriting({ agent_id, store, ask, send: link.send, tell });
    writing.value.again();
    files.allAgain();
    if (!first) toasts.show(say("back"), "good");
  }

  /** Shown until it is old, or until what was typed is there. @param {string} interaction_id */
  function showTyping(interaction_id) {
    const mark = { until_ms: Date.now() + TYPING_SHOWN_MS, after: lastMessage(interaction_id) };
    typing.value = { ...typing.value, [interaction_id]: mark };
  }

  /** @param {string} interaction_id */
  const lastMessage = (interaction_id) =>
    attention.byConversation.value.get(interaction_id)?.at(-1)?.message_id ?? "";

  /** Ask, and say so when it could not be done. @param {{kind: string, [field: string]: unknown}} command */
  async function order(command) {
    const answer = await ask(command);
    if (answer.code === "slow") toasts.show(answer.text, "good"); // it will be done; the screen will show it
    else if (!answer.ok) toasts.show(answer.text || say("not_done"), "alarm");
    return answer;
  }

  /** @param {import("../types.js").Offer} offer @param {"accept" | "decline"} kind */
  async function answerOffer(offer, kind) {
    pressed.value = offer.offer_id;
    if (kind === "accept") attention.awaited.value = offer.interaction_id;
    if (kind === "accept" && offer.channel === VOICE) keep(sessionStorage, CALL_KEY, offer.interaction_id);
    const answer = await order({ kind, offer_id: offer.offer_id });
    if (!answer.ok && answer.code !== "slow" && attention.awaited.value === offer.interaction_id) attention.awaited.value = "";
    if (pressed.value === offer.offer_id) pressed.value = "";
  }

  const ringing = computed(() => offers.value.find((offer) => offer.channel === VOICE) ?? offers.value[0]);
  effect(() => sound.ring(live.value ? ringing.value : undefined));
  const needed = computed(() => !!store.words.value?.calls || [...store.conversation.value.values()].some(({ channel }) => channel === VOICE));
  let heard = 0;
  effect(() => {
    const waiting = [...attention.unread.value.values()].reduce((sum, count) => sum + count, 0);
    if (waiting > heard) sound.message();
    heard = waiting;
  });

  const desk = {
    store,
    ask,
    calls,
    callParts,
    callKey: CALL_KEY,
    link: link.state,
    serves: feed.serves,
    live,
    me,
    offers,
    pressed,
    /** Whether the customer is typing. @param {string} interaction_id */
    types(interaction_id) {
      const mark = typing.value[interaction_id];
      if (!live.value || !mark || mark.after !== lastMessage(interaction_id)) return false;
      return mark.until_ms > Math.max(second.value, Date.now());
    },
    writing,
    attention,
    files,
    sound,
    toasts,
    order,
    /** @param {import("../types.js").Offer} offer */
    accept: (offer) => answerOffer(offer, "accept"),
    /** @param {import("../types.js").Offer} offer */
    decline: (offer) => answerOffer(offer, "decline"),
    async signOut() {
      feed.link.end(); // first: or the end of the session is taken for somebody else's doing
      writing.value?.clear();
      await request("/api/sign-out");
      leave();
    },
  };
  let loading = false;
  effect(() => void (live.value && needed.value && loadCalls()));
  return desk;

  async function loadCalls() {
    if (loading || calls.peek()) return;
    loading = true;
    try {
      const [{ openCalls }, parts] = await Promise.all([import("../call/desk-calls.js"), import("../call/desk-parts.js")]);
      const opened = await openCalls(desk);
      batch(() => ((callParts.value = parts), (calls.value = opened)));
    } catch (reason) {
      console.warn("calls are not loaded yet", reason); // the site restarts: the next change asks again
    }
    loading = false;
  }
}
