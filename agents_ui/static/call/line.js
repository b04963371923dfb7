// call/line.js - one line of sound between this browser and the centre: opened once, heard, watched, closed
import { signal } from "@preact/signals";
import { percent } from "./microphone.js";

const GATHERED_MS = 1500; // what has not been found by then is not needed: the centre has an address of its own
const LIVE_WITHIN_MS = 12_000;
const TROUBLE_MS = 2000; // an interruption this long is no hiccup: a new line is quicker than waiting for this one
const LOOK_MS = 200;
const NOTHING_MS = 3000;
const SILENT_MS = 1000; // without a packet for so long nothing is heard

/** connecting, live, trouble (interrupted, may come back), lost (will not) or closed (by us) */
/** @typedef {"connecting" | "live" | "trouble" | "lost" | "closed"} LineState */

/**
 * @param {object} options
 * @param {MediaStreamTrack | null} options.track what is said here; null: nothing yet, or never
 * @param {boolean} [options.listens] only hears, and is never heard
 * @param {(sdp: string) => Promise<string>} options.exchange the other side's answer; a rejection ends the line
 */
export function openLine({ track, listens = false, exchange }) {
  const state = signal(/** @type {LineState} */ ("connecting"));
  const level = signal(0); // of what is heard, 0 to 100
  const arriving = signal(true); // whether anything comes in at all, be it silence
  const locked = signal(false); // the browser plays nothing before somebody touches the page
  const connection = new RTCPeerConnection();
  const audio = new Audio();
  const way = connection.addTransceiver(track ?? "audio", { direction: listens ? "recvonly" : "sendrecv" });
  let since_ms = performance.now();
  let packets = 0;
  let last_ms = 0; // when the newest of them came

  /** @param {LineState} next */
  function turn(next) {
    if (state.value === "closed" || state.value === "lost" || state.value === next) return;
    state.value = next;
    since_ms = performance.now();
    if (next === "lost") close("lost");
  }

  connection.ontrack = (event) => {
    audio.srcObject = event.streams[0] ?? new MediaStream([event.track]);
    play();
  };
  connection.onconnectionstatechange = () => {
    const now = connection.connectionState;
    if (now === "connected") turn("live");
    else if (now === "disconnected") turn("trouble");
    else if (now === "failed" || now === "closed") turn("lost");
  };

  async function play() {
    try {
      await audio.play();
      locked.value = false;
    } catch (reason) {
      console.warn("sound waits for a touch", reason);
      locked.value = state.value !== "closed";
    }
  }
  const touched = () => void (locked.value && play());
  addEventListener("pointerdown", touched);
  addEventListener("keydown", touched);

  async function begin() {
    await connection.setLocalDescription();
    await gathered(connection);
    const sdp = await exchange(connection.localDescription?.sdp ?? "");
    if (connection.signalingState !== "closed") await connection.setRemoteDescription({ type: "answer", sdp });
  }

  async function listen() {
    const reports = [...(await way.receiver.getStats()).values()];
    const { packetsReceived = 0, audioLevel = 0 } = reports.find((report) => report.type === "inbound-rtp") ?? {};
    const now = performance.now();
    if (packetsReceived !== packets) last_ms = now;
    packets = packetsReceived;
    arriving.value = state.value !== "live" || now - Math.max(last_ms, since_ms) < NOTHING_MS;
    level.value = now - last_ms < SILENT_MS ? percent(audioLevel) : 0;
  }

  const watch = setInterval(() => {
    if (connection.signalingState !== "closed") listen().catch((reason) => console.warn("levels", reason));
    const patience = { connecting: LIVE_WITHIN_MS, trouble: TROUBLE_MS }[/** @type {string} */ (state.value)];
    if (patience && performance.now() - since_ms > patience) turn("lost");
  }, LOOK_MS);

  /** @param {LineState} [as] */
  function close(as = "closed") {
    clearInterval(watch);
    removeEventListener("pointerdown", touched);
    removeEventListener("keydown", touched);
    connection.close();
    audio.srcObject = null;
    level.value = 0;
    state.value = as;
  }

  return {
    state,
    level,
    arriving,
    locked,
    play,
    close: () => state.value !== "closed" && close(),
    /** Another microphone, or one at last. @param {MediaStreamTrack | null} next */
    speak: (next) => way.sender.replaceTrack(next),
    begun: begin().catch((reason) => {
      turn("lost");
      throw reason;
    }),
  };
}

/** @typedef {ReturnType<typeof openLine>} Line */

/** Resolves when every address of this machine is in the description, or after a while. @param {RTCPeerConnection} connection */
const gathered = (connection) =>
  new Promise((/** @type {(done: unknown) => void} */ done) => {
    const look = () => connection.iceGatheringState === "complete" && done(null);
    connection.addEventListener("icegatheringstatechange", look);
    setTimeout(done, GATHERED_MS);
    look();
  });
