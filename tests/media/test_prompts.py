"""Files of the plan as prompts: any WAV becomes frames, anything else says why not."""

import wave
from pathlib import Path

import numpy as np
import pytest

from router.run.media.frame import SAMPLES
from router.run.media.prompts import Prompt, PromptWrong
from tests.media.sound import joined, level_of


def wav(path: Path, *, rate: int, channels: int, width: int = 2, seconds: float = 0.5) -> Path:
    """A tone of 500 Hz in a file."""
    at = np.arange(int(rate * seconds)) / rate
    sound = 0.25 * np.sin(2 * np.pi * 500 * at)
    samples = (sound * 32_767).astype("<i2") if width == 2 else (sound * 127 + 128).astype("u1")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.repeat(samples, channels).tobytes())
    return path


@pytest.mark.parametrize(
    ("rate", "channels", "width"), [(8_000, 1, 2), (44_100, 2, 2), (48_000, 1, 2), (11_025, 1, 1)]
)
def test_any_wav_is_heard_at_its_pitch(tmp_path: Path, rate: int, channels: int, width: int):
    """Whoever recorded the announcement does not know what 8 kHz is."""
    prompt = Prompt.of_wav(wav(tmp_path / "hello.wav", rate=rate, channels=channels, width=width))
    sound = joined(prompt.frames)
    assert {len(each) for each in prompt.frames} == {SAMPLES}
    assert len(sound) == pytest.approx(4_000, abs=SAMPLES)
    assert level_of(sound, 500) == pytest.approx(8_000, rel=0.1)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x24\x00\x00\x00WAVEfmt ", b"ID3 not a wav" * 100])
def test_what_is_no_wav_is_refused_with_its_name(tmp_path: Path, content: bytes):
    """A plan is checked whole before it starts."""
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(PromptWrong, match="broken"):
        Prompt.of_wav(path)


def test_a_file_without_sound_is_refused(tmp_path: Path):
    """A loop of nothing would be an endless silence that looks like a tone."""
    with pytest.raises(PromptWrong, match="empty"):
        Prompt.of_wav(wav(tmp_path / "empty.wav", rate=8_000, channels=1, seconds=0))


def test_a_missing_file_is_missing(tmp_path: Path):
    """Whoever asked for it handles files that are not there."""
    with pytest.raises(FileNotFoundError):
        Prompt.of_wav(tmp_path / "none.wav")
