"""G.711 by tables: the codes of the standard, and nothing lost beyond its own steps."""

from fractions import Fraction

import av
import numpy as np
import pytest

from router.run.media.g711 import Law, alaw, ulaw

EVERY_BYTE = bytes(range(256))
LAWS = [(ulaw(), "pcm_mulaw"), (alaw(), "pcm_alaw")]


@pytest.mark.parametrize(("law", "codec"), LAWS)
def test_every_code_is_heard_as_the_reference_hears_it(law: Law, codec: str):
    """A table with one wrong entry crackles on every call, and no test of a tone would notice."""
    reference = av.CodecContext.create(codec, "r")
    reference.sample_rate, reference.layout = 8_000, "mono"
    frames = reference.decode(av.Packet(EVERY_BYTE))
    assert np.array_equal(law.decode(EVERY_BYTE), np.concatenate([each.to_ndarray()[0] for each in frames]))


@pytest.mark.parametrize(("law", "codec"), LAWS)
def test_every_sample_is_said_by_a_code_beside_the_reference(law: Law, codec: str):
    """Encoders may round differently at the edge of a step, never further than to the next step."""
    samples = np.arange(-32_768, 32_768).astype(np.int16)
    reference = av.CodecContext.create(codec, "w")
    reference.sample_rate, reference.layout, reference.format = 8_000, "mono", "s16"
    reference.time_base = Fraction(1, 8_000)
    given = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    given.sample_rate = 8_000
    theirs = law.decode(b"".join(bytes(each) for each in reference.encode(given))).astype(int)
    ours = law.decode(law.encode(samples)).astype(int)
    step = (np.abs(theirs) + 0x84) // 16 + 8
    assert np.all(np.abs(ours - theirs) <= step)


@pytest.mark.parametrize(("law", "codec"), LAWS)
def test_what_was_decoded_is_encoded_to_the_same(law: Law, codec: str):
    """A call that passes through us twice does not get worse."""
    decoded = law.decode(EVERY_BYTE)
    assert np.array_equal(law.decode(law.encode(decoded)), decoded)


@pytest.mark.parametrize(("law", "codec"), LAWS)
def test_silence_has_a_code_of_its_own(law: Law, codec: str):
    """What we send while nobody speaks must not hum."""
    assert abs(int(law.decode(bytes([law.silence]))[0])) <= 8
    assert law.encode(np.zeros(1, np.int16)) == bytes([law.silence])
