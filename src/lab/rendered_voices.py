"""Adds synthetic voices to a corpus: free programs read sentences of our own.

Invariant: the same programs give the same clips, and a voice is there as a whole or not at all.
"""

from __future__ import annotations

__all__ = ["RENDERED_VOICES", "RenderedVoice", "render_voices"]

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .corpus import MissingProgramError, PackageProblem, Run, run_command
from .corpus_manifest import Row, read_manifest, write_manifest
from .scenarios.corpus_folder import CorpusError
from .scenarios.signals import RATE_HZ, Audio
from .scenarios.sound_files import read_sound, write_wav
from .training_sentences import sentences_of
from .voice_clips import cut_voice

_LONGEST_VOICE_S = 120.0
_ESPEAK_VOICES = """
    en-us+adam en-gb+Alex de+Alicia fr-be+Andrea es-419+Andy it+Annie pt-br+antonio nl+aunty
    ru+belinda pl+benjamin sv+boris en-gb-x-rp+caleb tr+david cs+Denis hu+Diogo da+ed ro+edward
    nb+edward2 el+Gene en-gb-scotland+Gene2 uk+gustave hr+Henrique sk+Hugo ca+iven id+iven2 vi+iven3
    bg+Jacky et+john lv+kaukovalta en-us-nyc+Lee sw+linda hi+marcelo ta+Marco ko+Mario en-us+max
    en-gb+Michael de+michel fr-be+miguel es-419+Mike it+Nguyen pt-br+pablo nl+paul ru+pedro
    pl+quincy sv+RicishayMax en-gb-x-rp+rob tr+robert cs+steph hu+steph2 da+steph3 ro+zac nb+anika
    el+grandpa en-gb-scotland+klatt uk+klatt2 hr+klatt3 sk+klatt4 ca+m2 id+m4 vi+m6 bg+m7 et+m8
    lv+f2 en-us-nyc+f3 sw+f4 hi+f5 ta+norbert ko+sandro en-us+shelby en-gb+travis de+victor
    fr-be+grandma cy+m4 ga+f2 is+klatt3 eu+steph2 mk+max sr+f4 sl+Andy lb+linda eo+robert af+anika
    sq+m7 lt+f5 ka+belinda be+paul en-us+m3 en-gb+f2 en-gb-scotland+m1 de+m2 de+f4 fr-fr+f1 es+m4
    it+f3 pl+m5 nl+m7 pt-br+f5 sv+m6 tr+f2 hi+m1 ru+f1 fi+m3 cs+f3 el+m2
"""
"""Languages and variants of espeak-ng, without its robots and whisperers."""
_FLITE_VOICES = ("kal16", "awb", "rms", "slt")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedVoice:
    """One voice of a program."""

    program: str
    """What has to be installed, and the source of its clips."""
    speaker: str
    language: str
    """BCP 47 tag, as far as the program has it."""
    licence: str
    command: Callable[[str, str], list[str]]
    """Returns what to run so that (text) is spoken into (file)."""


def _espeak(name: str) -> RenderedVoice:
    """Return a voice of espeak-ng with a pitch and a pace of its own."""
    language, _, variant = name.partition("+")
    digest = hashlib.sha256(name.encode()).digest()
    pitch, words_a_minute = 30 + digest[0] % 41, 140 + digest[1] % 56
    setting = ["-v", name, "-p", str(pitch), "-s", str(words_a_minute)]
    return RenderedVoice(
        program="espeak-ng",
        speaker=f"espeak_{language}_{variant.lower()}",
        language=language,
        licence="own text; program GPL-3+",
        command=lambda text, file: ["espeak-ng", *setting, "-w", file, text],
    )


def _flite(name: str) -> RenderedVoice:
    return RenderedVoice(
        program="flite",
        speaker=f"flite_{name}",
        language="en",
        licence="own text; voice BSD-like (Carnegie Mellon University)",
        command=lambda text, file: ["flite", "-voice", name, "-t", text, "-o", file],
    )


RENDERED_VOICES = (*map(_espeak, _ESPEAK_VOICES.split()), *map(_flite, _FLITE_VOICES))
"""All voices, in the order of their numbers."""


def render_voices(
    folder: Path,
    *,
    voices: Sequence[RenderedVoice] = RENDERED_VOICES,
    run: Run = run_command,
    show: Callable[[str], None] = lambda _: None,
) -> tuple[PackageProblem, ...]:
    """Render what voices a corpus lacks.

    Args:
        folder: Of the corpus.
        voices: What to render.
        run: Runs the programs.
        show: Gets a word on each step.

    Returns:
        What could not be rendered, by program; its other voices are not tried then.

    Raises:
        CorpusError: the folder holds another manifest, or can't be written.
    """
    rows = read_manifest(folder)
    has = {(row["source"], row["speaker"]) for row in rows}
    problems: dict[str, PackageProblem] = {}
    for number, voice in enumerate(voices):
        if (voice.program, voice.speaker) in has or voice.program in problems:
            continue
        show(f"{number + 1} of {len(voices)}: {voice.speaker}")
        try:
            spoken = list(_speak(voice, sentences_of(number), run))
        except CorpusError as error:
            hint = " (apt-get install it)" if isinstance(error, MissingProgramError) else ""
            problems[voice.program] = PackageProblem(
                name=f"voices of {voice.program}", message=f"{error}{hint}"
            )
            show(f"{voice.speaker}: {error}{hint}")
            continue
        rows += _write(folder, voice, spoken)
        write_manifest(folder, rows)
    return tuple(problems.values())


def _speak(voice: RenderedVoice, sentences: Sequence[str], run: Run) -> Iterator[Audio]:
    """Yield the clips of one voice."""
    with tempfile.TemporaryDirectory(prefix="voxgate-voice-") as temporary:
        work = Path(temporary)
        recordings = []
        for sentence in sentences:
            run(voice.command(sentence, "spoken.wav"), work)
            audio = read_sound(work / "spoken.wav", _LONGEST_VOICE_S)
            if audio is None:
                raise CorpusError(f"{voice.speaker}: {voice.program} wrote no sound")
            recordings.append(audio)
        yield from cut_voice(recordings, _LONGEST_VOICE_S)


def _write(folder: Path, voice: RenderedVoice, clips: Sequence[Audio]) -> Iterator[Row]:
    for number, audio in enumerate(clips):
        path = PurePosixPath("speech", voice.program, voice.speaker, f"{number:03d}.wav")
        try:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            write_wav(folder / path, audio)
        except OSError as error:
            raise CorpusError(f"{path}: can't be written: {error.strerror or error}") from error
        yield {
            "path": path.as_posix(),
            "kind": "speech",
            "source": voice.program,
            "version": "",
            "speaker": voice.speaker,
            "language": voice.language,
            "licence": voice.licence,
            "seconds": f"{len(audio) / RATE_HZ:.2f}",
        }
