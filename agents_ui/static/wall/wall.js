// wall/wall.js - puts the wall together: feed, sound, what is chosen; and what a supervisor can do, by name
import { computed, effect, signal } from "@preact/signals";
import { openFeed } from "../desk/feed.js";
import { openSound } from "../desk/sound.js";
import { openToasts } from "../desk/toasts.js";
import { keep, kept } from "../shared/keep.js";
import { second, serverNow } from "../shared/time.js";
import { say } from "../shared/words.js";

const KINDS = ["urgent", "queue", "agent", "call", "alarm", "site"];
const BIG = "muster.wall.big";

/** @typedef {ReturnType<typeof openWall>} Wall */

/** @param {() => void} leave goes to the sign-in page */
export function openWall(leave) {
  const toasts = openToasts();
  const sound = openSound({ key: "muster.wall.muted", silent: true }); // a wall hangs in a room: sound is a choice
  const feed = openFeed({
    path: "/wall/socket",
    kinds: KINDS,
    signedOut() {
      keep(sessionStorage, "muster.desk.ended", true); // the sign-in page says so
      leave();
    },
    fresh: ({ first }) => void (first || toasts.show(say("back"), "good")),
  });
  const store = /** @type {any} */ (feed.store); // any: the wall's tables, by the names in KINDS
  const live = computed(() => feed.link.state.value.name === "live");
  /** @type {import("@preact/signals").ReadonlySignal<import("./types.js").WallSite | null>} */
  const site = computed(() => store.site.value.values().next().value ?? null);
  /** @type {import("@preact/signals").ReadonlySignal<import("./types.js").WallUrgent[]>} */
  const urgent = computed(() => (site.value?.urgent_ids ?? []).map((id) => store.urgent.value.get(id)).filter(Boolean));
  /** @type {import("@preact/signals").Signal<{what: "contact" | "agent" | "keys" | "", id: string}>} */
  const chosen = signal({ what: "", id: "" });
  const big = signal(kept(localStorage, BIG, false));

  /** Ask, and say what came of it. @param {{kind: string, [field: string]: unknown}} command @param {string} [done] */
  async function order(command, done = "") {
    const answer = await feed.ask(command);
    if (answer.ok && done) toasts.show(done, "good");
    else if (answer.code === "slow") toasts.show(answer.text, "good"); // it will be done; the screen will show it
    else if (!answer.ok) toasts.show(answer.text || say("not_done"), "alarm");
    return answer;
  }

  const late = computed(() => urgent.value.find((each) => second.value && each.alarm_at_ms <= serverNow()));
  effect(() => sound.ring(live.value && late.value ? ringing(late.value) : undefined));
  effect(() => void (document.documentElement.dataset.big = String(big.value)));

  return {
    store,
    link: feed.link.state,
    serves: feed.serves,
    live,
    site,
    urgent,
    /** @type {import("@preact/signals").Signal<Map<string, import("./types.js").WallQueue>>} */
    queues: store.queue,
    /** @type {import("@preact/signals").Signal<Map<string, import("./types.js").WallAgent>>} */
    agents: store.agent,
    /** @type {import("@preact/signals").Signal<Map<string, import("./types.js").WallCall>>} */
    calls: store.call,
    chosen,
    /** @param {"contact" | "agent" | "keys"} what @param {string} [id] */
    choose: (what, id = "") => (chosen.value = { what, id }),
    close: () => (chosen.value = { what: "", id: "" }),
    big,
    toggleBig() {
      big.value = !big.value;
      keep(localStorage, BIG, big.value || undefined);
    },
    sound,
    toasts,
    order,
  };
}

/** @param {import("./types.js").WallUrgent} one */
const ringing = ({ interaction_id, urgency }) => ({ offer_id: interaction_id, urgency: urgency || 1 });
