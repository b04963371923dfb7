// desk/parts/alarm-list.js - what needs somebody's eyes, for those who watch the room
import { html } from "../../shared/html.js";
import { clockTime } from "../../shared/time.js";
import { hasWords, say } from "../../shared/words.js";

/** Why, in words where there are some, and what it is about. @param {import("../../types.js").Alarm} alarm */
function about({ detail, ref }) {
  const trouble = `trouble_${detail}`;
  return hasWords(trouble) || /_\d+$/.test(detail) ? `${hasWords(trouble) ? say(trouble) : detail} · ${ref}` : detail || ref;
}

/** @param {{desk: import("../desk.js").Desk}} props */
export function AlarmList({ desk }) {
  const alarms = [...desk.store.alarm.value.values()];
  if (!alarms.length) return null;
  return html`<section class="alarms" aria-label=${say("alarms")}>
    <h2><span aria-hidden="true">▲</span> ${say("alarms")} <small>${alarms.length}</small></h2>
    <ol aria-live="polite">
      ${alarms.map((alarm) => html`<li key=${alarm.alarm_id}>
        <p><b>${hasWords(`alarm_${alarm.code}`) ? say(`alarm_${alarm.code}`) : alarm.code}</b> <time>${clockTime(alarm.at_ms)}</time></p>
        <p dir="auto"><small>${about(alarm)}</small></p>
        <button type="button" onClick=${() => desk.order({ kind: "alarm_seen", alarm_id: alarm.alarm_id })}>${say("alarm_seen")}</button>
      </li>`)}
    </ol>
  </section>`;
}
