// wall/names.js - names and figures as people read them on a wall
import { nameOf } from "../desk/names.js";
import { hasWords, say } from "../shared/words.js";

/** @param {import("./wall.js").Wall} wall @param {string} agent_id */
export const agentName = (wall, agent_id) => wall.agents.value.get(agent_id)?.name ?? agent_id;

/** @param {import("./wall.js").Wall} wall @param {string} queue_id */
export const queueName = (wall, queue_id) =>
  queue_id ? nameOf(wall.store.words.value?.queues, queue_id) : say("no_queue");

/** @param {import("./wall.js").Wall} wall @param {string} channel */
export const channelName = (wall, channel) => nameOf(wall.store.words.value?.channels, channel);

/** Why somebody is not available, in words. @param {import("./wall.js").Wall} wall @param {string} reason */
export function reasonName(wall, reason) {
  const own = `reason_${reason.replaceAll(" ", "_")}`; // reasons that Muster gives are in no plan
  return hasWords(own) ? say(own) : nameOf(wall.store.words.value?.reasons, reason);
}

/** 94.9 %, never rounded up to what was not held; a dash where there is nothing to tell. @param {number | null} per_mille */
export function percent(per_mille) {
  if (per_mille === null) return "–";
  return `${new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 }).format(per_mille / 10)} %`;
}

/** A contact as a few signs by which two are told apart. @param {string} interaction_id */
export const shortId = (interaction_id) => interaction_id.replaceAll("-", "").slice(0, 4).toUpperCase();
