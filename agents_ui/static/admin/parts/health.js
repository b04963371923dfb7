// admin/parts/health.js - roles, journal, database, Redis, disk; and what comes in and goes out by each account
import { html } from "../../shared/html.js";
import { dayAndTime, duration, second, serverNow } from "../../shared/time.js";
import { hasWords, say } from "../../shared/words.js";
import { SecondCopy } from "./second-copy.js";
import { State } from "./state.js";
import { Watch } from "./watch.js";

const GIGA = 1e9;
const DISK_LOW = 0.1; // a tenth left: time to do something, long before anything stops

/** @param {{admin: import("../admin.js").Admin}} props */
export function Health({ admin }) {
  const health = admin.known.health.value;
  if (!health) return html`<p class="hint">${say("asking")}</p>`;
  return html`${health.watch && html`<${Watch} admin=${admin} watch=${health.watch} />`}
    ${health.copy && html`<${SecondCopy} copy=${health.copy} journal=${health.journal} />`}
    <section><h2>${say("roles")}</h2>
      <dl class="facts-grid">
        ${(health.roles ?? []).map((/** @type {any} */ role) => html`<${Role} key=${role.role} role=${role} />`)}
        <${Ground} health=${health} />
      </dl></section>
    <section><h2>${say("accounts")}</h2>
      <div class="scroll"><table><thead><tr>${["channel", "account", "secret", "last_in", "last_out", "waiting", "failed", "sending"].map((head) => html`<th scope="col" key=${head}>${say(`h_${head}`)}</th>`)}</tr></thead>
        <tbody>${(health.accounts ?? []).map((/** @type {any} */ one) => html`<${Account} key=${one.account_id || one.channel} one=${one} />`)}</tbody></table></div></section>`;
}

/** @param {{role: any}} props any: one of `roles` */
function Role({ role }) {
  const count = role.count >= 0 ? ` · ${say("processes", { count: role.count })}` : "";
  const behind = role.behind ? ` · ${say("behind", { count: role.behind, time: ago(role.behind_since_ms) })}` : "";
  return html`<div><dt>${say(`role_${role.role}`)}</dt><dd><${State} tone=${role.ok ? "good" : "alarm"}>${say(role.ok ? "runs" : "down")}<//>${count}${behind}</dd></div>`;
}

/** @param {{health: any}} props any: the answer of /api/admin/health */
function Ground({ health }) {
  const { database, redis, disk, journal, plan, connections } = health;
  const free = disk.total_bytes ? disk.free_bytes / disk.total_bytes : 0;
  const redis_tone = redis.reachable ? "good" : redis.configured ? "waiting" : "none";
  return html`<div><dt>${say("database")}</dt><dd><${State} tone=${database.reachable ? "good" : "alarm"}>${say(database.reachable ? "reachable" : "unreachable")}<//> · ${database.dialect} · ${say("took", { count: database.took_ms })}</dd></div>
    <div><dt>Redis</dt><dd><${State} tone=${redis_tone}>${say(redis.reachable ? "reachable" : redis.configured ? "redis_gone" : "redis_none")}<//></dd></div>
    <div><dt>${say("disk")}</dt><dd><${State} tone=${free > DISK_LOW ? "good" : "alarm"}>${say("disk_free", { free: (disk.free_bytes / GIGA).toFixed(1), total: (disk.total_bytes / GIGA).toFixed(0) })}<//></dd></div>
    ${journal && html`<div><dt>${say("journal")}</dt><dd>${say("journal_at", { seq: journal.seq, time: ago(journal.at_ms) })} <code title=${journal.hash}>${journal.hash.slice(0, 12)}</code></dd></div>`}
    ${connections && html`<div><dt>${say("open_now")}</dt><dd>${say("desks_open", { count: connections.desk ?? 0 })} · ${say("chats_open", { count: connections.customer ?? 0 })}</dd></div>`}
    ${plan && html`<div><dt>${say("part_plan")}</dt><dd>${say("plan_version", { version: plan.version })} · ${dayAndTime(plan.at_ms)} · <bdi>${plan.by}</bdi></dd></div>`}`;
}

/** @param {{one: any}} props any: one of `accounts` */
function Account({ one }) {
  const secret = { present: "good", missing: "alarm", none: "none" }[/** @type {"present" | "missing" | "none"} */ (one.secret)];
  const circuit = { well: "good", retrying: "waiting", down: "alarm" }[/** @type {"well" | "retrying" | "down"} */ (one.circuit)];
  const bare = !one.account_id; // our own page, or a channel that nothing comes in by yet
  const trouble = one.trouble && (hasWords(`trouble_${one.trouble}`) ? say(`trouble_${one.trouble}`) : one.trouble);
  return html`<tr><th scope="row">${one.channel}</th>
    <td>${bare ? say(one.ours ? "own_page" : "no_account") : html`<b dir="auto">${one.account_id}</b> <small dir="auto">${one.provider} · ${one.address}</small>`}</td>
    <td>${!bare && html`<${State} tone=${secret}>${say(`secret_${one.secret}`)}<//>`}${one.secret_at && html` <small class="where">${say("secret_put", { where: one.secret_at })}</small>`}</td>
    <td class="when">${one.last_in_ms ? ago(one.last_in_ms) : "–"}</td><td class="when">${one.last_out_ms ? ago(one.last_out_ms) : "–"}</td>
    <td>${one.waiting ? html`<b>${one.waiting}</b> <small>${say("oldest", { time: ago(one.oldest_ms) })}</small>` : "0"}</td>
    <td>${one.failed}</td>
    <td>${!bare && html`<${State} tone=${circuit}>${say(`circuit_${one.circuit}`)}<//>`}${trouble && html` <small dir="auto">${trouble}</small>`}${rate(one)}</td></tr>`;
}

/** How fast it may send. @param {any} one any: one of `accounts` */
function rate(one) {
  if (!one.per_second) return null;
  const slower = one.per_second_now < one.per_second;
  return html` <small>${say(slower ? "rate_slower" : "rate_of", { count: one.per_second_now })}</small>`;
}

/** How long ago, growing. @param {number} at_ms */
function ago(at_ms) {
  return second.value ? say("ago", { time: duration(serverNow() - at_ms) }) : "";
}
