// places/sketch.js - the points to scale on empty paper, north up: no map, and nothing is asked of anybody
import { html } from "../shared/html.js";
import { say } from "../shared/words.js";

const WIDTH = 320;
const HEIGHT = 200;
const MARGIN = 18;
const METRES_PER_DEGREE = 111_320;
const RADIUS_WITHOUT_M = 15; // of a point whose exactness is not known, so that a single one has a scale
const RADIUS_SHOWN_MAX = 50_000;

/** @param {{place: import("./types.js").Placed}} props */
export function Sketch({ place }) {
  const { newest, tightest, points } = place;
  const { x, y, scale } = fit([newest, ...(tightest ? [tightest] : []), ...points]);
  const way = points.map((point) => `${x(point).toFixed(1)},${y(point).toFixed(1)}`).join(" ");
  const bar_m = barOf(90 / scale);
  const circle = (/** @type {import("./types.js").Point} */ point, /** @type {string} */ kind) => html`<circle class=${`sketch-${kind}`}
    cx=${x(point)} cy=${y(point)} r=${Math.max(4, Math.min(point.radius_m, RADIUS_SHOWN_MAX) * scale)} />`;
  return html`<svg class="sketch" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${say("place_sketch")}>
    ${circle(newest, "newest")}
    ${tightest && circle(tightest, "tightest")}
    ${points.length > 1 && html`<polyline class="sketch-way" points=${way} />`}
    ${points.map((point) => html`<circle key=${point.place_id} class="sketch-dot" cx=${x(point)} cy=${y(point)} r="2.5" />`)}
    <circle class="sketch-here" cx=${x(newest)} cy=${y(newest)} r="5" />
    <path class="sketch-bar" d=${`M12 ${HEIGHT - 10}h${bar_m * scale}m0 -4v8M12 ${HEIGHT - 14}v8`} />
    <text x="16" y=${HEIGHT - 16}>${bar_m >= 1000 ? say("kilometres", { count_km: bar_m / 1000 }) : say("metres", { count_m: bar_m })}</text>
    <path class="sketch-bar" d=${`M${WIDTH - 16} 30V12m-4 6l4 -6l4 6`} /><text x=${WIDTH - 20} y="44">${say("place_north")}</text>
  </svg>`;
}

/**
 * Metres from the first point, and how they fit on the paper. Near the date line east and west stay neighbours.
 * @param {import("./types.js").Point[]} points
 */
function fit(points) {
  const [here] = points;
  const narrow = Math.max(0.01, Math.cos((here.lat_e7 / 1e7) * (Math.PI / 180)));
  const east = (/** @type {import("./types.js").Point} */ point) =>
    ((((point.lon_e7 - here.lon_e7) / 1e7 + 540) % 360) - 180) * METRES_PER_DEGREE * narrow;
  const north = (/** @type {import("./types.js").Point} */ point) => ((point.lat_e7 - here.lat_e7) / 1e7) * METRES_PER_DEGREE;
  const box = { west: Infinity, east: -Infinity, south: Infinity, north: -Infinity };
  for (const point of points) {
    const around = Math.min(point.radius_m || RADIUS_WITHOUT_M, RADIUS_SHOWN_MAX);
    box.west = Math.min(box.west, east(point) - around);
    box.east = Math.max(box.east, east(point) + around);
    box.south = Math.min(box.south, north(point) - around);
    box.north = Math.max(box.north, north(point) + around);
  }
  const scale = Math.min((WIDTH - 2 * MARGIN) / (box.east - box.west), (HEIGHT - 2 * MARGIN) / (box.north - box.south));
  const [middle_x, middle_y] = [(box.west + box.east) / 2, (box.south + box.north) / 2];
  return {
    scale,
    x: (/** @type {import("./types.js").Point} */ point) => WIDTH / 2 + (east(point) - middle_x) * scale,
    y: (/** @type {import("./types.js").Point} */ point) => HEIGHT / 2 - (north(point) - middle_y) * scale,
  };
}

/** The largest round number of metres below. @param {number} most_m */
function barOf(most_m) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most_m)));
  return ([5, 2].find((each) => each * power <= most_m) ?? 1) * power;
}
