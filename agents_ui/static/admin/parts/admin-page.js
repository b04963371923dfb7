// admin/parts/admin-page.js - the whole page: the parts this person may see, and the one that is shown
import { Toasts } from "../../desk/parts/toasts.js";
import { html } from "../../shared/html.js";
import { ThemeToggle } from "../../shared/theme-toggle.js";
import { exactTime } from "../../shared/time.js";
import { loadWords, say } from "../../shared/words.js";
import { Audit } from "./audit.js";
import { Health } from "./health.js";
import { later } from "./later.js";
import { People } from "./people.js";
import { PlanPart } from "./plan.js";
import { Sessions } from "./sessions.js";
import { Texts } from "./texts.js";

/** Loaded when it is first looked at: most days nobody does. */
const Sites = later(async () => {
  const [{ SitesPart }] = await Promise.all([import("../../sites/sites-part.js"), loadWords("sites-admin")]);
  return SitesPart;
});
const PARTS = { health: Health, sites: Sites, plan: PlanPart, people: People, sessions: Sessions, texts: Texts, audit: Audit };

/**
 * @param {object} props
 * @param {import("../admin.js").Admin} props.admin
 * @param {import("@preact/signals").Signal<Awaited<ReturnType<typeof import("../../elsewhere/desk-elsewhere.js").openDeskElsewhere>> | null>} props.moving
 */
export function AdminPage({ admin, moving }) {
  const me = admin.me.value;
  const { Banner = null, elsewhere = null } = moving.value ?? {};
  const moves = elsewhere && (elsewhere.state.value.why || elsewhere.story.value);
  const lost = Banner && moves ? html`<${Banner} elsewhere=${elsewhere} />` : admin.lost.value && html`<p class="link-banner" role="alert"><span aria-hidden="true">▲</span> ${say("lost", { time: exactTime(admin.heard_ms.value) })}</p>`;
  if (!me) return html`${lost}<p class="opening">${say("opening")}</p>`;
  const Shown = PARTS[/** @type {keyof typeof PARTS} */ (admin.shown.value)];
  return html`<div class="admin" data-live=${!admin.lost.value}>
    <header class="admin-head">
      <h1><bdi>${me.site}</bdi> <small>${say("admin")}</small></h1>
      <nav aria-label=${say("parts")}><ul>${admin.parts.value.map((part) => html`<li key=${part}>
        <a href=${`#${part}`} aria-current=${part === admin.shown.value ? "page" : undefined}>${say(`part_${part}`)}</a></li>`)}</ul></nav>
      <p class="who"><bdi>${me.name}</bdi> · ${say(`role_name_${me.role}`)}</p>
      <${ThemeToggle} />
    </header>
    ${lost}
    <main><${Shown} admin=${admin} /></main>
    <${Toasts} toasts=${admin.toasts} />
  </div>`;
}
