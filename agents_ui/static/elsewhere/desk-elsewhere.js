// elsewhere/desk-elsewhere.js - the way to the other site for desk, wall and admin page
import { loadWords } from "../shared/words.js";
import { openElsewhere } from "./elsewhere.js";
import { MovingBanner } from "./parts/moving-banner.js";

/**
 * @param {import("../shared/sites.js").Sites} sites
 * @param {Pick<Parameters<typeof openElsewhere>[0], "link" | "serves" | "holds" | "presence">} page
 */
export async function openDeskElsewhere(sites, page) {
  await loadWords("elsewhere-desk");
  return { Banner: MovingBanner, elsewhere: openElsewhere({ sites, kind: "desk", ticketPath: "/api/moving", ...page }) };
}
