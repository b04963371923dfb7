// chat/place.js - the device's own location: asked for once, then kept up to date for as long as the customer agrees
import { signal } from "@preact/signals";
import { uniqueId } from "../shared/unique.js";

const FOUND_WITHIN_MS = 30_000;
const AGAIN_AFTER_MS = 10_000; // the server takes one in five seconds
const AGAIN_ANYWAY_MS = 60_000; // somebody who stands still is still there
const MOVED_SHARE = 0.5; // of the radius: less is the device's own doubt
const METRES_PER_DEGREE = 111_320;

/** @typedef {{latitude: number, longitude: number, accuracy: number, altitude: number | null, at_ms: number}} Fix */

/**
 * States: off; asking (the browser asks, or the device searches); sending (found, not yet kept); on (kept, followed);
 * denied (by the person or the browser); none (the device does not know).
 * @param {(message: {kind: string, [field: string]: unknown}) => boolean} send false: not now
 */
export function openPlace(send) {
  const state = signal(/** @type {"off" | "asking" | "sending" | "on" | "denied" | "none"} */ ("off"));
  const accuracy_m = signal(0);
  let watch = -1;
  let first_id = "";
  /** @type {Fix | null} */
  let last = null; // what was sent
  /** @type {Fix | null} */
  let newest = null;

  function end(/** @type {typeof state.value} */ how) {
    if (watch >= 0) navigator.geolocation.clearWatch(watch);
    watch = -1;
    first_id = "";
    last = newest = null;
    state.value = how;
  }

  /** @param {GeolocationPosition} position */
  function found({ coords, timestamp }) {
    const { latitude, longitude, accuracy, altitude } = coords;
    newest = { latitude, longitude, accuracy, altitude, at_ms: Math.round(timestamp) };
    accuracy_m.value = Math.ceil(accuracy);
    if (state.value === "asking") {
      state.value = "sending";
      first_id = uniqueId();
      tell(newest, first_id, false);
    } else if (state.value === "on" && (!last || isNews(last, newest))) tell(newest, uniqueId(), true);
  }

  /** @param {Fix} fix @param {string} client_id @param {boolean} again */
  function tell(fix, client_id, again) {
    const { latitude, longitude, accuracy, altitude, at_ms } = fix;
    const place = { latitude, longitude, accuracy_m: accuracy, altitude_m: altitude, found_at_ms: at_ms };
    if (send({ kind: "place", client_id, ...place, again })) last = fix;
  }

  return {
    state,
    accuracy_m,
    possible: "geolocation" in navigator && isSecureContext, // elsewhere browsers refuse without asking
    /** The customer pressed the button. */
    begin() {
      end("asking");
      const refused = (/** @type {GeolocationPositionError} */ error) => {
        if (state.value === "on" && error.code !== error.PERMISSION_DENIED) return; // it goes on looking
        end(error.code === error.PERMISSION_DENIED ? "denied" : "none");
      };
      watch = navigator.geolocation.watchPosition(found, refused, { enableHighAccuracy: true, timeout: FOUND_WITHIN_MS, maximumAge: 0 });
    },
    stop: () => end("off"),
    /** @param {string} client_id */
    kept(client_id) {
      if (client_id === first_id && state.value === "sending") state.value = "on";
    },
    /** The server could do nothing with it. @param {string} client_id */
    refused(client_id) {
      if (client_id && client_id === first_id) end("none");
    },
    /** After a reconnect: what was not confirmed is sent again under the same id. */
    again() {
      if (state.value === "sending" && newest) tell(newest, first_id, false);
    },
  };
}

/** @param {Fix} last @param {Fix} newest */
function isNews(last, newest) {
  const passed_ms = newest.at_ms - last.at_ms;
  if (passed_ms < AGAIN_AFTER_MS) return false;
  const north_m = (newest.latitude - last.latitude) * METRES_PER_DEGREE;
  const east_m = (newest.longitude - last.longitude) * METRES_PER_DEGREE * Math.cos((newest.latitude * Math.PI) / 180);
  const moved = Math.hypot(north_m, east_m) > Math.max(5, newest.accuracy * MOVED_SHARE);
  return moved || newest.accuracy < last.accuracy * MOVED_SHARE || passed_ms > AGAIN_ANYWAY_MS;
}
