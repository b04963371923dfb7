// wall/parts/room.js - the top: the whole centre in a few figures, and the tools of this page
import { html } from "../../shared/html.js";
import { clockTime, duration } from "../../shared/time.js";
import { ThemeToggle } from "../../shared/theme-toggle.js";
import { say } from "../../shared/words.js";
import { percent } from "../names.js";
import { Figure } from "./figure.js";
import { Levels } from "./levels.js";

/** @param {{wall: import("../wall.js").Wall}} props */
export function Room({ wall }) {
  const site = /** @type {import("../types.js").WallSite} */ (wall.site.value);
  const { contacts, agents } = site;
  const since = clockTime(site.since_ms);
  const busy = agents.engaged + agents["wrap-up"];
  const staffed = busy + agents.offered + agents.idle;
  const asa = site.asa_ms === null ? "–" : duration(site.asa_ms);
  return html`<header class="room">
    <h1 dir="auto">${site.name}</h1>
    <div class="room-figures" role="group" aria-label=${say("room")}>
      <${Figure} label=${say("f_waiting")} explain=${say("x_waiting_all", { count: contacts.waiting, offered: contacts.offered })}>${contacts.waiting + contacts.offered}<//>
      <${Figure} label=${say("f_engaged")} explain=${say("x_engaged", { count: contacts.engaged, wrap: contacts["wrap-up"] })}>${contacts.engaged}<//>
      <${Figure} label=${say("f_answered")} explain=${say("x_answered", { count: site.answered, since })}>${site.answered}<//>
      <${Figure} label=${say("f_abandoned")} explain=${say("x_abandoned", { count: site.abandoned, since, share: percent(site.abandoned_pm) })}>${site.abandoned}<//>
      <${Figure} label=${say("f_asa")} explain=${say("x_asa", { asa, count: site.answered, since })}>${asa}<//>
      <${Levels} day=${site} labelled />
      <${Figure} label=${say("f_occupancy")} explain=${say("x_occupancy", { share: percent(site.occupancy_pm), busy, staffed })}>${percent(site.occupancy_pm)}<//>
      ${site.not_real > 0 && html`<${Figure} label=${say("f_drill")} kind="drill" explain=${say("x_drill", { count: site.not_real })}>${site.not_real}<//>`}
    </div>
    <${Roles} site=${site} />
    <${Tools} wall=${wall} />
  </header>`;
}

/** @param {{site: import("../types.js").WallSite}} props */
function Roles({ site }) {
  const down = site.roles.filter((role) => !role.ok);
  const names = down.map((role) => say(`role_${role.role}`)).join(", ");
  const late = site.roles.find((role) => role.behind > 0);
  const behind = late ? ` ${say("x_behind", { count: late.behind, since: clockTime(late.behind_since_ms) })}` : "";
  const explain = down.length ? `${say("x_roles_down", { names })}${behind}` : say("x_roles_up");
  return html`<${Figure} kind="roles" tone=${down.length ? "alarm" : "good"} explain=${explain}>
    <span aria-hidden="true">${down.length ? "▲" : "✓"}</span> ${down.length ? say("roles_down", { names }) : say("roles_up")}
  <//>`;
}

/** @param {{wall: import("../wall.js").Wall}} props */
function Tools({ wall }) {
  const { sound } = wall;
  const state = sound.muted.value ? "sound_off" : sound.ready.value ? "sound_on" : "sound_waits";
  return html`<div class="tools">
    <button type="button" class="icon-button" aria-pressed=${wall.big.value} aria-label=${say("big")} title=${`${say("big")} (B)`}
      onClick=${wall.toggleBig}><b aria-hidden="true">A<span class="bigger">A</span></b></button>
    <button type="button" class="icon-button sound" data-state=${state} aria-pressed=${!sound.muted.value} aria-label=${say(state)}
      title=${`${say(state)} (M)`} onClick=${sound.toggle}>
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><path d="M3 7.5h3l4-3.5v12l-4-3.5H3z" fill="currentColor" />
        <path d=${state === "sound_on" ? "M12.5 7a4 4 0 0 1 0 6M14.5 4.5a7.5 7.5 0 0 1 0 11" : "M12.5 7.5l5 5m0-5l-5 5"} class="wave" /></svg></button>
    <${ThemeToggle} />
    <button type="button" class="icon-button" aria-label=${say("keys")} title=${say("keys")} onClick=${() => wall.choose("keys")}><b aria-hidden="true">?</b></button>
    <a class="button" href="/desk">${say("to_desk")}</a>
  </div>`;
}
