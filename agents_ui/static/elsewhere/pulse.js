// elsewhere/pulse.js - whether this site answers, for pages that have no socket to tell them
import { signal } from "@preact/signals";

const EVERY_MS = 2000;
const WITHIN_MS = 2500;

export function openPulse() {
  const link = signal({ name: "live", since_ms: Date.now() });
  /** @type {{serves: string[] | null}} */
  const said = { serves: null };
  let heard_ms = Date.now();

  async function beat() {
    try {
      const response = await fetch("/api/site", { cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) });
      said.serves = (await response.json()).serves;
      heard_ms = Date.now();
      if (link.value.name !== "live") link.value = { name: "live", since_ms: heard_ms };
    } catch {
      if (link.value.name !== "lost") link.value = { name: "lost", since_ms: heard_ms };
    }
    setTimeout(beat, EVERY_MS);
  }

  void beat();
  return { link, serves: () => said.serves };
}
