// call/microphone.js - the microphone: asked for, and in plain words why there is none

/** refused: by the person or the browser; none: no such device; busy: another program has it; insecure: no https */
/** @typedef {"" | "refused" | "none" | "busy" | "insecure"} Problem */

const WANTED = { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } };
/** @type {Record<string, Problem>} */
const PROBLEMS = { NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "none", OverconstrainedError: "none" };

/** @returns {Promise<{track: MediaStreamTrack | null, problem: Problem}>} never rejected */
export async function openMicrophone() {
  if (!navigator.mediaDevices?.getUserMedia) return { track: null, problem: "insecure" };
  try {
    const stream = await navigator.mediaDevices.getUserMedia(WANTED);
    return { track: stream.getAudioTracks()[0], problem: "" };
  } catch (reason) {
    console.warn("no microphone", reason);
    return { track: null, problem: PROBLEMS[reason instanceof DOMException ? reason.name : ""] ?? "busy" };
  }
}

/** Ask now, so that nobody has to when the first call comes. @returns {Promise<Problem>} */
export async function tryMicrophone() {
  const { track, problem } = await openMicrophone();
  track?.stop(); // the permission stays; the red mark in the tab is for calls only
  return problem;
}

/** Whether people may be asked: a device was plugged in, the permission was changed. @param {() => void} changed */
export function watchMicrophone(changed) {
  navigator.mediaDevices?.addEventListener?.("devicechange", changed);
  navigator.permissions
    ?.query({ name: /** @type {PermissionName} */ ("microphone") })
    .then((status) => status.addEventListener("change", changed))
    .catch((reason) => console.warn("the browser does not tell of the microphone's permission", reason));
}

/**
 * How loud the microphone is, 0 to 100, also while the line is muted: whoever talks into it should know.
 * @param {MediaStreamTrack} track
 * @param {(level: number) => void} heard
 * @returns {() => void} stops it
 */
export function meterOf(track, heard) {
  const copy = track.clone();
  copy.enabled = true;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(new MediaStream([copy])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    heard(percent(Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length)));
  }, 100);
  return () => {
    clearInterval(timer);
    copy.stop();
    context.close().catch((reason) => console.warn("meter", reason));
  };
}

const FLOOR_DB = -60;

/** What ears make of it: decibels, from barely anything to full. @param {number} level 0 to 1 */
export const percent = (level) =>
  level > 0 ? Math.round(Math.max(0, Math.min(100, 100 - (20 * Math.log10(level) * 100) / FLOOR_DB))) : 0;
