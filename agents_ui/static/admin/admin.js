// admin/admin.js - asks the server and keeps what it last said; which part is shown is in the address
import { computed, signal } from "@preact/signals";
import { openToasts } from "../desk/toasts.js";
import { ask as post } from "../shared/ask.js";
import { clockHeard } from "../shared/time.js";
import { say } from "../shared/words.js";

const AGAIN_MS = 5000;
const PARTS = ["health", "sites", "texts", "plan", "people", "sessions", "audit"];
/** What others than administrators see here. @type {Record<string, string[]>} */
const OF_OTHERS = { auditor: ["audit", "sites"], supervisor: ["texts", "sites"] };

/** @typedef {ReturnType<typeof openAdmin>} Admin */

/** @param {() => void} leave goes to the sign-in page */
export function openAdmin(leave) {
  const toasts = openToasts();
  /** @type {import("@preact/signals").Signal<{agent_id: string, name: string, role: string, site: string, time_zone: string} | null>} */
  const me = signal(null);
  /** @type {Record<string, import("@preact/signals").Signal<any>>} any: each part has its own answer */
  const known = { health: signal(null), sites: signal(null), plan: signal(null), people: signal(null), sessions: signal(null), texts: signal(null) };
  const heard_ms = signal(Date.now());
  const lost = signal(false);
  const parts = computed(() => OF_OTHERS[me.value?.role ?? ""] ?? PARTS);
  const place = signal(location.hash.slice(1));
  const shown = computed(() => (parts.value.includes(place.value) ? place.value : parts.value[0]));
  addEventListener("hashchange", () => (place.value = location.hash.slice(1)));

  /** @param {string} path @returns {Promise<any>} any: see known; null where there is no answer now */
  async function get(path) {
    try {
      const response = await fetch(path, { credentials: "same-origin", headers: { "X-Muster": "1" } });
      if (response.status === 401) leave();
      lost.value = response.status >= 500;
      if (!response.ok) return null;
      heard_ms.value = Date.now();
      return await response.json();
    } catch (reason) {
      console.warn(path, reason);
      lost.value = true;
      return null;
    }
  }

  /** Ask for what is shown, and keep the last answer where there is no new one. */
  async function look() {
    me.value ??= await get("/api/admin/me");
    if (!me.value) return;
    const part = shown.value;
    const found = part in known ? await get(`/api/admin/${part}`) : null;
    if (!found) return;
    if (found.now_ms) clockHeard(found.now_ms);
    known[part].value = found;
  }
  shown.subscribe(() => void look());
  setInterval(() => void (document.visibilityState === "visible" && shown.value !== "plan" && look()), AGAIN_MS);

  /** Do it, say what came of it, and show how it is now. @param {string} path @param {object} body @param {string} [done] */
  async function act(path, body, done = "") {
    const answer = await post(path, body);
    if (answer.status === 401) leave();
    if (answer.status === 200 && done) toasts.show(done, "good");
    if (answer.status !== 200) toasts.show(answer.body.text || say("no_answer"), "alarm");
    await look();
    return answer.status === 200 ? answer.body : null;
  }

  return { me, known, parts, shown, heard_ms, lost, toasts, look, act };
}
