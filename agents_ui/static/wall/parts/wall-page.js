// wall/parts/wall-page.js - the whole wall: who is urgent and alone, the queues, the agents, and acts beside them
import { useEffect } from "preact/hooks";
import { useSignalEffect } from "@preact/signals";
import { AlarmList } from "../../desk/parts/alarm-list.js";
import { LinkBanner } from "../../desk/parts/link-banner.js";
import { Toasts } from "../../desk/parts/toasts.js";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { listenToKeys } from "../keys.js";
import { AgentGroups } from "./agent-groups.js";
import { AgentPanel } from "./agent-panel.js";
import { ContactPanel } from "./contact-panel.js";
import { Tip } from "./figure.js";
import { KeysPanel } from "./keys-panel.js";
import { QueueTable } from "./queue-table.js";
import { Room } from "./room.js";
import { UrgentList } from "./urgent-list.js";

const PANELS = { contact: ContactPanel, agent: AgentPanel, keys: KeysPanel };

/**
 * @param {object} props
 * @param {import("../wall.js").Wall} props.wall
 * @param {import("@preact/signals").Signal<Awaited<ReturnType<typeof import("../../elsewhere/desk-elsewhere.js").openDeskElsewhere>> | null>} props.moving
 */
export function WallPage({ wall, moving }) {
  useEffect(() => listenToKeys(wall), []);
  useSignalEffect(() => {
    const count = wall.site.value?.urgent ?? 0;
    document.title = (count ? `▲ ${count} · ` : "") + say("title");
  });
  const { what, id } = wall.chosen.value;
  const Open = PANELS[/** @type {keyof typeof PANELS} */ (what)];
  const { Banner = LinkBanner, elsewhere = null } = moving.value ?? {};
  const banner = html`<${Banner} link=${wall.link} elsewhere=${elsewhere} />`;
  if (!wall.site.value) return html`${banner}<p class="opening">${say("opening_wall")}</p>`;
  return html`<div class="wall" data-live=${wall.live.value} data-big=${wall.big.value}>
    <${Room} wall=${wall} />
    <div class="wall-banner">${banner}</div>
    <main class="wall-main">
      <${UrgentList} wall=${wall} />
      <${QueueTable} wall=${wall} />
    </main>
    <aside class="wall-side">
      <${AlarmList} desk=${wall} />
      <${AgentGroups} wall=${wall} />
    </aside>
    ${Open && html`<${Open} key=${`${what} ${id}`} wall=${wall} id=${id} />`}
    <${Toasts} toasts=${wall.toasts} />
    <${Tip} />
  </div>`;
}
