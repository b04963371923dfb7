"""What tests of calls share: scripts that run before a page does, and a call as a desk is told of it."""

from typing import Any  # JSON on the wire

from tests.browser.fake import FakeCentre, now_ms
from tests.browser.stage import conversation, identity, person

Json = dict[str, Any]

SAYS_HERTZ = 440

HEARS = """
(() => {
  const Real = RTCPeerConnection;
  window.lines = [];
  window.RTCPeerConnection = class extends Real {
    constructor(...given) {
      super(...given);
      window.lines.push(this);
      this.addEventListener("track", ({ track }) => {
        const context = new AudioContext();
        const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
        context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
        window.pitch = () => {
          const bins = new Float32Array(analyser.frequencyBinCount);
          analyser.getFloatFrequencyData(bins);
          const loudest = bins.indexOf(Math.max(...bins));
          return bins[loudest] > -60 ? (loudest * context.sampleRate) / analyser.fftSize : 0;
        };
      });
    }
  };
})();
"""
"""Measures what a page hears: pitch() is the strongest frequency of what its newest line brings."""

SAYS = f"""
navigator.mediaDevices.getUserMedia = async () => {{
  window.asked = (window.asked ?? 0) + 1;
  const context = new AudioContext();
  const tone = new OscillatorNode(context, {{ frequency: {SAYS_HERTZ} }});
  const out = new MediaStreamAudioDestinationNode(context);
  tone.connect(out);
  tone.start();
  return out.stream;
}};
"""
"""A microphone into which somebody sings one tone."""


def without_microphone(reason: str) -> str:
    """A browser that gives none, for this reason (the name of a DOMException)."""
    return (
        "window.asked = 0; navigator.mediaDevices.getUserMedia = async () => {"
        f" window.asked += 1; throw new DOMException('no', '{reason}'); }};"
    )


def call(interaction_id: str = "call-1", **changes: Any) -> Json:
    """A call of the trunk, connected half a minute ago."""
    can = {"hold": True, "dtmf": True, "forward": True, "record": True, "dial": False} | changes.pop(
        "can", {}
    )
    return {
        "interaction_id": interaction_id,
        "call_id": f"line of {interaction_id}",
        "direction": "in",
        "state": "connected",
        "why": "",
        "since_ms": now_ms() - 31_000,
        "connected_ms": now_ms() - 31_000,
        "recording": True,
        "silent": False,
        "address": "+31612345678",
        "dialable": True,
        "can": can,
    } | changes


NOTHING_CAN = {"hold": False, "dtmf": False, "forward": False, "record": False, "dial": False}


def set_call(
    centre: FakeCentre, interaction_id: str = "call-1", *, alone: bool = True, **changes: Any
) -> None:
    """A conversation that is a call, before any page connects."""
    talk = conversation(interaction_id, channel="voice", urgency=2, connected=True)
    who = person(interaction_id, identities=[identity(interaction_id, "voice", "+31612345678")])
    if alone:
        centre.entities["conversation"] = {}
        centre.entities["message"] = {}
    centre.entities["conversation"][interaction_id] = talk
    centre.entities["customer"][f"customer of {interaction_id}"] = who
    centre.entities["call"] = {interaction_id: call(interaction_id, **changes)}


def turn(centre: FakeCentre, interaction_id: str = "call-1", **changes: Any) -> None:
    """The call changes."""
    centre.put("call", interaction_id, centre.entities["call"][interaction_id] | changes)
